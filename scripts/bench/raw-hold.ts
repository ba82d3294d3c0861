import { findWantedSeats, insertHold, type Db } from "@skyfox/db";
import { Decimal, maxLiveHolds } from "@skyfox/sdk";
import pg from "pg";
import type { Person } from "./caller.ts";
import type { Place } from "./cinema.ts";

/** One statement as it travels to Postgres. */
interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

/** The statements of holds, sent without a server, a rule or a compiler of queries around them. */
export interface RawHolds {
  /** What a hold consists of, written down before the time is taken. */
  prepare(person: Person, place: Place): Promise<Statement[]>;
  /** Sends it and gives the booking's id. */
  send(statements: Statement[]): Promise<number>;
  close(): Promise<void>;
}

const holdMs = 3_600_000;
const bounds = {
  seatsPerCustomer: 10,
  abandonedPerHour: 1_000_000,
  seatsPerNetwork: 6_000,
  seatsPerWiderNetwork: 60_000,
};

/** Opens as many connections as a server has for calls; each prepares a statement once. */
export function openRawHolds({ databaseUrl, db, now }: { databaseUrl: string; db: Db; now: Date }): RawHolds {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
  const names = new Map<string, string>();

  function nameOf(text: string): string {
    const name = names.get(text) ?? `raw_${names.size}`;
    names.set(text, name);
    return name;
  }

  return {
    async prepare({ username, address }, { show, seat }) {
      const statements: Statement[] = [];
      const recorder = recordingOf(db, ({ sql: text, parameters }) =>
        statements.push({ name: nameOf(text), text, values: [...parameters] }),
      );
      const wanted = { showId: show.id, seatNumbers: [seat] };
      await findWantedSeats(recorder, { ...wanted, wantsId: false });
      await insertHold(recorder, {
        ...wanted,
        username,
        screenId: show.screenId,
        date: show.date,
        amountDue: new Decimal(200),
        now,
        expiresAt: new Date(now.getTime() + holdMs),
        maxLiveHolds,
        heldFrom: `${address}/32`,
        bounds,
      });
      return statements;
    },
    async send(statements) {
      const client = await pool.connect();
      try {
        let last: { id?: unknown } | undefined;
        for (const statement of statements) last = (await client.query<{ id?: unknown }>(statement)).rows[0];
        if (last?.id === undefined || last.id === null) throw new Error("A hold by hand was refused.");
        return Number(last.id);
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

// A handle that writes down what it is given to execute, compiled as for the real one, and sends nothing.
function recordingOf(db: Db, record: (query: { sql: string; parameters: readonly unknown[] }) => void): Db {
  const executor = db.getExecutor();
  const recording: Pick<typeof executor, "transformQuery" | "compileQuery" | "executeQuery"> = {
    transformQuery: (...args) => executor.transformQuery(...args),
    compileQuery: (...args) => executor.compileQuery(...args),
    executeQuery: (query) => {
      record(query);
      return Promise.resolve({ rows: [{ isFree: true, id: 0 }] as never[] });
    },
  };
  return { getExecutor: () => recording } as unknown as Db;
}
