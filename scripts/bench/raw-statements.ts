import {
  acceptPayment,
  beginBookingPayment,
  connectionIdleMs,
  findWantedSeats,
  insertHold,
  returnFreeTries,
  type Db,
} from "@skyfox/db";
import { Decimal, maxLiveHolds } from "@skyfox/sdk";
import pg from "pg";
import { createGuessingLimits } from "../../server/src/limits/guessing-limits.ts";
import { limitTable } from "../../server/src/limits/limit-table.ts";
import { createTryReturns } from "../../server/src/limits/try-returns.ts";
import { askAfterMs } from "../../server/src/payment/charge-card.ts";
import type { Person } from "./caller.ts";
import type { Place } from "./cinema.ts";

/** One statement as it travels to Postgres. */
interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

/** The statements of calls, sent without a server, a rule or a compiler of queries around them. */
export interface RawStatements {
  /** What a hold consists of, written down before the time is taken. */
  prepareHold(person: Person, place: Place): Promise<Statement[]>;
  /** What a hold and its payment by card consist of. */
  preparePayment(person: Person, place: Place): Promise<Statement[]>;
  /** Sends them on one connection, and gives the booking's id. */
  send(statements: Statement[]): Promise<number>;
  close(): Promise<void>;
}

const holdMs = 3_600_000;
const payingSeconds = 120;
const bounds = {
  seatsPerCustomer: 10,
  abandonedPerHour: 1_000_000,
  seatsPerNetwork: 6_000,
  seatsPerWiderNetwork: 60_000,
};

// Stand for ids that an earlier statement of the same call gives out.
const bookingId = -1;
const paymentId = -2;

/** Opens as many connections as a server has for calls, and keeps them as long; each prepares a statement once. */
export function openRawStatements({
  databaseUrl,
  db,
  now,
}: {
  databaseUrl: string;
  db: Db;
  now: Date;
}): RawStatements {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 20,
    idleTimeoutMillis: connectionIdleMs,
  });
  const names = new Map<string, string>();
  const limits = createGuessingLimits(db, limitTable, createTryReturns({ db, logger: console }));

  function nameOf(text: string): string {
    const name = names.get(text) ?? `raw_${names.size}`;
    names.set(text, name);
    return name;
  }

  async function write(send: (recorder: Db) => Promise<void>): Promise<Statement[]> {
    const statements: Statement[] = [];
    await send(
      recordingOf(db, ({ sql: text, parameters }) =>
        statements.push({ name: nameOf(text), text, values: [...parameters] }),
      ),
    );
    return statements;
  }

  async function hold(recorder: Db, { username, address }: Person, { show, seat }: Place): Promise<void> {
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
  }

  async function pay(recorder: Db, { username, address }: Person): Promise<void> {
    const tried = limits.plan("failedCards", { account: username, address });
    const order = { bookingId, username, method: "Card", hasCard: true, payingSeconds } as const;
    await beginBookingPayment(recorder, order, {
      key: undefined,
      time: undefined,
      askAfterMs,
      tried: tried.counted,
    });
    await acceptPayment(recorder, {
      paymentId,
      transactionId: crypto.randomUUID(),
      now,
      kept: undefined,
    });
    await returnFreeTries(
      recorder,
      tried.counted.windows.map(({ key, expire }) => ({ key, endsBefore: expire + 10_000 })),
    );
  }

  return {
    prepareHold: (person, place) => write((recorder) => hold(recorder, person, place)),
    preparePayment: (person, place) =>
      write(async (recorder) => {
        await hold(recorder, person, place);
        await pay(recorder, person);
      }),
    async send(statements) {
      const ids = new Map<unknown, unknown>();
      const client = await pool.connect();
      try {
        for (const { values, ...statement } of statements) {
          const { rows } = await client.query<Answer>({
            ...statement,
            values: values.map((value) => ids.get(value) ?? value),
          });
          const [answer] = rows;
          if (answer === undefined || answer.accepted === false) throw refused(statement.text);
          if (answer.id) ids.set(bookingId, answer.id);
          if (answer.payment_id) ids.set(paymentId, answer.payment_id);
        }
        const booked = Number(ids.get(bookingId));
        if (Number.isNaN(booked)) throw refused("a hold");
        return booked;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

/** What the statements answer that matters to the next one. */
interface Answer {
  id?: string | null;
  payment_id?: string | null;
  accepted?: boolean;
}

function refused(what: string): Error {
  return new Error(`A call by hand was refused: ${what}`);
}

// A handle that writes down what it is given to execute, compiled as for the real one, and sends nothing.
function recordingOf(db: Db, record: (query: { sql: string; parameters: readonly unknown[] }) => void): Db {
  const executor = db.getExecutor();
  const recording: Pick<typeof executor, "transformQuery" | "compileQuery" | "executeQuery"> = {
    transformQuery: (...args) => executor.transformQuery(...args),
    compileQuery: (...args) => executor.compileQuery(...args),
    executeQuery: (query) => {
      record(query);
      return Promise.resolve({ rows: [{ isFree: true, id: 0, refusal: null, locked: [] }] as never[] });
    },
  };
  return { getExecutor: () => recording } as unknown as Db;
}
