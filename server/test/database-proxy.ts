import { throughPort } from "@skyfox/db/test-database";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A statement on its way to Postgres. */
export interface Statement {
  sql: string;
  /** What its transaction has been sent so far, itself included: `begin` first. Outside a transaction only itself. */
  path: string[];
}

/**
 * What becomes of a statement that is intercepted.
 * - `hold`: it waits until it is released; if its client goes away first, Postgres never sees it
 * - `before`: the connection is cut, and Postgres never sees it
 * - `after`: Postgres has done it, and the connection is cut before the client hears of that
 * - `silence`: Postgres has done it, and the client hears nothing, for as long as it waits
 */
export type Deed = "hold" | "before" | "after" | "silence";

/** The test's hold on one statement that is to come. */
export interface Interception {
  /** Resolves once the statement has come, and what is done to it is done. */
  reached: Promise<Statement>;
  /** Lets a held statement go on, now or when it comes. */
  release(): void;
}

/** A way to the database that lists its statements, and stops or loses those that a test asks for. */
export interface DatabaseProxy {
  /** The database's URL by way of the proxy. */
  url: string;
  /** Intercepts the next statement that matches; each is taken once, by the first to ask. */
  intercept(matches: (statement: Statement) => boolean, deed: Deed): Interception;
  /** Every statement that has come so far, intercepted ones too. */
  statements(): readonly Statement[];
  /** Cuts what is still connected. */
  close(): Promise<void>;
}

interface Trap extends Interception {
  matches: (statement: Statement) => boolean;
  deed: Deed;
  reach(statement: Statement): void;
  released: Promise<void>;
}

/** Starts a proxy on loopback in front of the database, on a free port unless one is named. It knows PostgreSQL's protocol 3.0 without TLS. */
export async function startDatabaseProxy(databaseUrl: string, port = 0): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const seen: Statement[] = [];
  const traps: Trap[] = [];

  const takeTrap = (statement: Statement) => {
    seen.push(statement);
    const index = traps.findIndex((trap) => trap.matches(statement));
    return index < 0 ? undefined : traps.splice(index, 1)[0];
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      // Errors end as "close"; a proxy that loses one side drops the other.
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    passOn(client, upstream, takeTrap);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");

  return {
    url: throughPort(databaseUrl, (server.address() as AddressInfo).port),
    intercept(matches, deed) {
      const reached = Promise.withResolvers<Statement>();
      const released = Promise.withResolvers<void>();
      const trap = {
        matches,
        deed,
        reach: reached.resolve,
        reached: reached.promise,
        release: released.resolve,
        released: released.promise,
      };
      traps.push(trap);
      return trap;
    },
    statements: () => [...seen],
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

// A client sends one statement, as `Q`, or as `P` (unless it is prepared), `B` and so on up to `S`, and waits for `Z` before the next.
function passOn(
  client: Socket,
  upstream: Socket,
  takeTrap: (statement: Statement) => Trap | undefined,
): void {
  let parts: Buffer[] = [];
  let sql: string | undefined;
  const prepared = new Map<string, string>();
  let transaction: string[] = [];
  let isMute = false;
  let onReady: (() => void) | undefined;

  function follow(text: string): Statement {
    const isBegin = /^\s*(begin|start transaction)\b/i.test(text);
    const isEnd = /^\s*(commit|rollback)\s*;?\s*$/i.test(text);
    const isInside = isBegin || transaction.length > 0;
    const path = isInside ? [...transaction, text] : [text];
    transaction = isInside && !isEnd ? path : [];
    return { sql: text, path };
  }

  async function send(text: string, bytes: Buffer): Promise<void> {
    const statement = follow(text);
    const trap = takeTrap(statement);
    if (trap === undefined) upstream.write(bytes);
    else if (trap.deed === "hold") {
      trap.reach(statement);
      await trap.released;
      if (!upstream.destroyed) upstream.write(bytes);
    } else if (trap.deed === "before") {
      const closed = once(upstream, "close");
      client.destroy();
      await closed;
      trap.reach(statement);
    } else {
      isMute = true;
      onReady = () => {
        if (trap.deed === "after") client.destroy();
        trap.reach(statement);
      };
      upstream.write(bytes);
    }
  }

  client.on(
    "data",
    splitMessages("startup", (type, message) => {
      parts.push(message);
      if (type === "Q") sql = textAt(message, 5);
      if (type === "P") prepared.set(textAt(message, 5), textAt(message, message.indexOf(0, 5) + 1));
      if (type === "B") sql = prepared.get(textAt(message, message.indexOf(0, 5) + 1));
      const isWhole = type === "Q" || type === "S";
      if ((sql !== undefined || type === "P") && !isWhole) return;
      const [text, bytes] = [sql, Buffer.concat(parts)];
      parts = [];
      sql = undefined;
      if (text === undefined) upstream.write(bytes);
      else void send(text, bytes);
    }),
  );
  const noticeReady = splitMessages("typed", (type) => {
    if (type === "Z") onReady?.();
  });
  upstream.on("data", (chunk: Buffer) => {
    if (!isMute) client.write(chunk);
    noticeReady(chunk);
  });
}

// Only the very first message of a client has no type.
function splitMessages(first: "startup" | "typed", onMessage: (type: string, message: Buffer) => void) {
  let rest = Buffer.alloc(0);
  let typeBytes = first === "startup" ? 0 : 1;
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= typeBytes + 4) {
      const length = typeBytes + rest.readUInt32BE(typeBytes);
      if (rest.length < length) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      const type = typeBytes === 0 ? "" : message.toString("latin1", 0, 1);
      typeBytes = 1;
      onMessage(type, message);
    }
  };
}

function textAt(message: Buffer, start: number): string {
  return message.toString("utf8", start, message.indexOf(0, start));
}

/** Whether the statement is one after which something is there for good, by itself or with all of its transaction. */
export function commits({ sql, path }: Statement): boolean {
  if (sql === "commit") return path.some(writes);
  return path.length === 1 && writes(sql);
}

/** Whether it is a statement that changes rows. */
export function writes(sql: string): boolean {
  return listWrites(sql).length > 0;
}

// Functions of the database that change rows.
const writingFunctions =
  /\b(cancel_hold|begin_payment|begin_top_up|accept_payment|accept_top_up|count_try|return_try|return_free_tries)\(/g;

// "for update" locks, and "do update set" belongs to its insert.
function listWrites(sql: string): string[] {
  const found = sql.matchAll(/(?<!\bfor )\b(insert into|update|delete from)\s+"?(?!set\b)(\w+)"?/gi);
  const called = [...sql.matchAll(writingFunctions)].map(([, name]) => name!);
  return [...new Set([...found].map(([, verb, table]) => `${verb?.toLowerCase()} ${table}`)), ...called];
}

/** What a statement does, in a few words: "update booking", "commit of insert into payment_transaction". */
export function nameOf({ sql, path }: Statement): string {
  if (sql === "commit")
    return `commit of ${path.filter(writes).slice(-1).flatMap(listWrites).join(", ") || "reads"}`;
  const done = listWrites(sql);
  if (done.length > 0) return done.join(", ");
  const [, table] = /\bfrom\s+"?(\w+)"?/i.exec(sql) ?? [];
  if (table === undefined) return sql.trim().slice(0, 40);
  return `${/\bfor (update|share)\b/i.test(sql) ? "lock" : "read"} ${table}`;
}
