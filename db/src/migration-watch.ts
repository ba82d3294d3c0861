import { setInterval } from "node:timers/promises";
import { booksApplicationName, type Connection, connectOnce } from "./connect.ts";

const lookEveryMs = 250;
const sayEveryMs = 5_000;

/** Watches a migration from a connection of its own, and reports what it waits for and which step takes long. */
export interface MigrationWatch {
  /** A step begins: its name, or undefined while another migration is waited for. The process is the one that migrates. */
  begin(step: string | undefined, pid?: number): void;
  /** The try is over: nothing is running. */
  end(): void;
  /** What the last step waited for, in a sentence. */
  describeWait(): string;
  close(): Promise<void>;
}

interface Blocker {
  pid: number;
  application: string | null;
  state: string | null;
  transactionSeconds: number | null;
  querySeconds: number | null;
  wanted: string;
}

const blockersSql = `
  SELECT blocker AS pid, a.application_name AS application, a.state,
    extract(epoch FROM clock_timestamp() - a.xact_start)::int AS "transactionSeconds",
    extract(epoch FROM clock_timestamp() - a.query_start)::int AS "querySeconds",
    coalesce('a lock on ' || l.relation::regclass, 'a lock') AS wanted
  FROM unnest(pg_blocking_pids($1)) AS blocker
  LEFT JOIN pg_stat_activity a ON a.pid = blocker
  LEFT JOIN pg_locks l ON l.pid = $1 AND NOT l.granted`;

/** Begins to look, four times a second; connects only when a step takes that long. The caller closes it. */
export function watchMigration(url: string, say: (line: string) => void): MigrationWatch {
  let pid: number | undefined;
  let current: { step: string | undefined; since: number; saidUntilMs: number } | undefined;
  let last: { step: string | undefined; blockers: Blocker[] } = { step: undefined, blockers: [] };
  let connection: Connection | undefined;
  const stop = new AbortController();

  async function look(): Promise<void> {
    const looked = current;
    if (looked === undefined || pid === undefined) return;
    if (connection === undefined) {
      const opened = await connectOnce(url);
      if (stop.signal.aborted) return opened.end();
      connection = opened;
    }
    const blockers = (await connection.query(blockersSql, [pid])) as unknown as Blocker[];
    if (looked !== current) return;
    if (blockers.length > 0) last.blockers = blockers;
    const seconds = Math.floor((performance.now() - looked.since) / 1_000);
    if (seconds * 1_000 >= looked.saidUntilMs + sayEveryMs) {
      looked.saidUntilMs += sayEveryMs;
      if (looked.step !== undefined) say(`${looked.step} has taken ${seconds} s so far.`);
      else if (blockers.length > 0)
        say(`Waiting for another migration of this database for ${seconds} s: ${describe(blockers)}.`);
    }
    await endReadingsOfTheBooks(connection, blockers);
  }

  async function keepLooking(): Promise<void> {
    for await (const _ of setInterval(lookEveryMs, undefined, { signal: stop.signal })) {
      // A watch that cannot look must not end the migration; it connects again.
      await look().catch(() => {
        void connection?.end().catch(() => {});
        connection = undefined;
      });
    }
  }
  // Ends by the signal alone, which is an error of the interval.
  void keepLooking().catch(() => {});

  return {
    begin(step, newPid = pid) {
      pid = newPid;
      current = { step, since: performance.now(), saidUntilMs: 0 };
      last = { step, blockers: [] };
    },
    end() {
      current = undefined;
    },
    describeWait() {
      const what = last.step ?? "The migration";
      const [first] = last.blockers;
      return first === undefined
        ? `${what} could not get a lock.`
        : `${what} waited for ${first.wanted}, held by ${describe(last.blockers)}.`;
    },
    async close() {
      stop.abort();
      await connection?.end().catch(() => {});
    },
  };
}

/** Our own reading of all books may take ten minutes and comes again: it is ended, not waited for. */
async function endReadingsOfTheBooks(connection: Connection, blockers: Blocker[]): Promise<void> {
  const readers = blockers.filter(({ application }) => application === booksApplicationName);
  if (readers.length === 0) return;
  // The name is looked at again: by now the process may be another's.
  await connection.query(
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = ANY ($1) AND application_name = $2",
    [readers.map((reader) => reader.pid), booksApplicationName],
  );
}

function describe(blockers: Blocker[]): string {
  return blockers
    .map(({ pid, application, state, transactionSeconds, querySeconds }) => {
      // Postgres names no process for a prepared transaction.
      if (pid === 0) return "a prepared transaction (pg_prepared_xacts)";
      const name = application === null || application === "" ? "unnamed" : application;
      return `process ${pid} (${name}, ${state ?? "state unknown"}, transaction ${age(transactionSeconds)}, query ${age(querySeconds)})`;
    })
    .join(" and ");
}

function age(seconds: number | null): string {
  return seconds === null ? "of unknown age" : `${seconds} s old`;
}
