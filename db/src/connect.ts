import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Decimal } from "decimal.js";
import { CompiledQuery, Kysely, PostgresDialect, type PostgresPool, type Transaction } from "kysely";
import pg from "pg";
import { createStatementNames } from "./named-statements.ts";
import type { DB as Database } from "./schema.ts";

/** A handle for reads and single statements. */
export type Db = Kysely<Database>;

/** A handle inside a transaction: what locks, or is part of something larger, asks for this. */
export type Tx = Transaction<Database>;

// pg would quote a Decimal as JSON; with toPostgres it sends the exact digits.
Object.defineProperty(Decimal.prototype, "toPostgres", {
  configurable: true,
  value(this: Decimal) {
    return this.toFixed();
  },
});

const { builtins } = pg.types;
const numericArray = 1231;
const int8Array = 1016;
const dateArray = 1182;
const timeArray = 1183;
// text[]; the published list of type ids has no arrays.
const parseTextArray = pg.types.getTypeParser(1009 as never) as (text: string) => (string | null)[];

const parsers = new Map<number, (text: string) => unknown>([
  [builtins.NUMERIC, (text) => new Decimal(text)],
  [builtins.INT8, toSafeInteger],
  [builtins.DATE, (text) => text],
  [builtins.TIME, (text) => text],
  [numericArray, (text) => parseArray(text, (item) => new Decimal(item))],
  [int8Array, (text) => parseArray(text, toSafeInteger)],
  [dateArray, (text) => parseArray(text, (item) => item)],
  [timeArray, (text) => parseArray(text, (item) => item)],
]);

function toSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`The bigint ${text} does not fit a JavaScript number.`);
  return value;
}

function parseArray<Item>(text: string, parseItem: (item: string) => Item): (Item | null)[] {
  return parseTextArray(text).map((item) => (item === null ? null : parseItem(item)));
}

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") =>
    parsers.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};

// PostgreSQL 17 brought this setting; older ones would refuse the connection if it were sent at start.
const transactionTimeout = (ms: number) =>
  `select set_config('transaction_timeout', '${ms}ms', false) where current_setting('server_version_num')::int >= 170000`;

/** The application name of connections that read all of the books: a migration ends their statement instead of waiting for it. */
export const booksApplicationName = "skyfox-books";

/**
 * How long a connection that no call uses stays open, in milliseconds. A new one reads the schema and plans each statement again; with the ten seconds of
 * pg-pool's default each burst of calls began that way.
 */
export const connectionIdleMs = 60_000;

export interface PoolOptions {
  /** Connections at most; the default suits one server on two cores. */
  maxConnections?: number;
  /** How long one statement may take, in milliseconds; the default suits calls. A transaction may take three times as long. */
  statementMs?: number;
  /** How long a connection may owe an answer, in milliseconds; the default is three seconds longer than a statement may take. */
  silenceMs?: number;
  /** The name that Postgres shows for the connections; `skyfox` by default. */
  applicationName?: string;
  /** Whether each connection keeps its statements with their plans; true by default. */
  preparesStatements?: boolean;
  /** Called when a connection dies while it is idle, or inside a transaction. */
  onConnectionError?: (error: Error) => void;
}

/**
 * The pool that serves calls: numeric as Decimal, bigint as a safe number, date and time as text, timestamptz as Date.
 * Every wait has an end, and a connection that dies ends the call that used it, never the process.
 */
export function openDatabase(url: string, options: PoolOptions = {}): Db {
  const onError = options.onConnectionError ?? (() => {});
  const { statementMs = 5_000, silenceMs = statementMs + 3_000 } = options;
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: options.maxConnections ?? 20,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: connectionIdleMs,
    statement_timeout: statementMs,
    lock_timeout: 2_000,
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: options.applicationName ?? "skyfox",
  });
  pool.on("error", onError);
  pool.on("connect", (client) => {
    // Without a listener of its own a client that dies inside a transaction ends the process.
    client.on("error", onError);
    endWhenSilent(client, silenceMs);
  });
  const dialect = new PostgresDialect({
    pool: dropUnfit(pool, options.preparesStatements ?? true),
    async onCreateConnection(connection) {
      await connection.executeQuery(CompiledQuery.raw(transactionTimeout(3 * statementMs)));
    },
  });
  return new Kysely<Database>({ dialect });
}

// read_only_sql_transaction: the server behind the connection has been demoted, and will not take a change on it again.
const readOnlyState = "25006";

/**
 * Closes a connection when its call gives it back and it is read-only, so that the next one goes to the new primary, or its prepared
 * statements are those of an older schema.
 */
function dropUnfit(pool: pg.Pool, preparesStatements: boolean): PostgresPool {
  const names = preparesStatements ? createStatementNames() : undefined;
  const readOnly = new WeakSet<pg.PoolClient>();
  pool.on("connect", (client) => {
    names?.use(client);
    const { connection } = client as unknown as {
      connection: EventEmitter<{ errorMessage: [pg.DatabaseError] }>;
    };
    connection.on("errorMessage", ({ code }) => {
      if (code === readOnlyState) readOnly.add(client);
    });
  });
  return {
    async connect() {
      const client = await pool.connect();
      const release = client.release.bind(client);
      client.release = (error) =>
        release(error || readOnly.has(client) || names?.isOutdated(client) === true);
      return client;
    },
    end: () => pool.end(),
    options: pool.options,
  };
}

// Postgres answers every statement within its own timeouts. A connection that stays silent longer is dead without a sign of it (a
// dropped route, a failover): it is cut, so that its call fails and the pool never hands it out again.
function endWhenSilent(client: pg.PoolClient, silenceMs: number): void {
  const { connection } = client as unknown as { connection: { stream: Socket } };
  const { stream } = connection;
  const silent = new Error("Connection terminated: the database is silent.");
  let heardAt = performance.now();
  const isSilent = () => performance.now() - heardAt >= silenceMs;
  stream.on("data", () => {
    heardAt = performance.now();
  });
  // A socket's own timer fires while the connection is idle, and never again.
  const watch = setInterval(() => {
    const isIdle = (client as unknown as { readyForQuery: boolean }).readyForQuery;
    if (isIdle) heardAt = performance.now();
    // After a standstill of the process timers come first and answers that wait second: they are read before the verdict.
    else if (isSilent()) setImmediate(() => isSilent() && stream.destroy(silent));
  }, silenceMs / 8);
  watch.unref();
  stream.once("close", () => clearInterval(watch));
}

/** A Kysely on one connection without timeouts of its own, for migrations: the caller destroys it. */
export function openMigrationDatabase(url: string): Kysely<unknown> {
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: 1,
    // A host that says nothing must not keep a start from being tried again, or stopped.
    connectionTimeoutMillis: 3_000,
    application_name: "skyfox-migrate",
  });
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", () => {});
  });
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

/** One plain connection for administration and tests. */
export interface Connection {
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  end(): Promise<void>;
}

/** Opens one plain connection without timeouts; several statements in one text are fine when there are no values. */
export async function connectOnce(url: string): Promise<Connection> {
  const client = new pg.Client({ connectionString: url, types });
  client.on("error", () => {});
  await client.connect();
  return {
    async query(sql, values) {
      const result = await client.query<Record<string, unknown>>(sql, values);
      return result.rows ?? [];
    },
    async end() {
      await client.end();
    },
  };
}

/** A connection that hears what transactions announce by NOTIFY. */
export interface ListeningConnection {
  /** Begins to hear a channel, which has a plain name. */
  listen(channel: string): Promise<void>;
  /** Announces a text of less than 8,000 bytes. */
  notify(channel: string, text: string): Promise<void>;
  /** Cuts the connection, also one that is silent. */
  destroy(): void;
}

/**
 * Opens a connection of its own for LISTEN; `end` is called once, however it ends. Throws behind a pooler: what is announced there may reach
 * another client, or none.
 */
export async function connectListening(
  url: string,
  on: { notification: (channel: string, text: string) => void; end: () => void },
): Promise<ListeningConnection> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 3_000,
    query_timeout: 3_000,
    keepAlive: true,
    application_name: "skyfox-listener",
  });
  client.on("error", () => {});
  client.on("notification", ({ channel, payload = "" }) => on.notification(channel, payload));
  const { connection } = client as unknown as { connection: { stream: Socket } };
  client.once("end", on.end);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const { processID } = client as unknown as { processID: number };
  let sending = Promise.resolve();
  // A pooler gives out numbers of its own.
  if (rows[0]?.pid !== processID) {
    connection.stream.destroy();
    throw new Error("LISTEN needs a connection to Postgres itself.");
  }
  return {
    async listen(channel) {
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    },
    async notify(channel, text) {
      // pg sends one statement after the other; to queue them is left to its caller.
      const before = sending;
      const { promise, resolve } = Promise.withResolvers<void>();
      sending = promise;
      await before;
      try {
        await client.query("select pg_notify($1, $2)", [channel, text]);
      } finally {
        resolve();
      }
    },
    destroy() {
      connection.stream.destroy();
    },
  };
}
