import { generateKeyPairSync, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connectOnce,
  databaseTime,
  expireAnyDue,
  findDatabaseIdentity,
  listPaymentsInDoubt,
  openDatabase,
  readDatabasePlace,
  replaceDatabaseIdentity,
  resumeRefunds,
  inTransaction,
  writeHeartbeat,
  type Connection,
  type DatabasePlace,
} from "@skyfox/db";
import { copyDatabase, createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { startPaymentGateway } from "../../scripts/sandbox/payment-gateway.ts";
import { givenCustomer, givenShow, goodCard } from "./given.ts";
import { createMemoryLogger } from "./memory-logger.ts";
import { testTicketKeys, type TestApp } from "./test-app.ts";
import { until } from "./until.ts";
import { holdSeats } from "../src/booking/hold-seats.ts";
import { payBooking } from "../src/booking/pay-booking.ts";
import { compose } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";
import { waitingNote } from "../src/payment/waiting-refunds.ts";
import { serve } from "../src/serve.ts";

const apiKey = "gateway-key-of-the-tests";
const secret = () => randomBytes(32).toString("base64");
const production = {
  APP_ENV: "production",
  JWT_SECRET_KEY: secret(),
  API_GATEWAY_KEY: secret(),
  TICKET_SIGNING_KEY: generateKeyPairSync("ed25519")
    .privateKey.export({ format: "der", type: "pkcs8" })
    .toString("base64"),
  PAYMENT_GATEWAY_API_KEY: apiKey,
};

/** A cinema whose servers run on a real clock, and its gateway. */
async function givenCinema() {
  const { url } = await createTestDatabase();
  const gateway = await startPaymentGateway({ apiKey });
  onTestFinished(gateway.stop);
  const configOf = (databaseUrl: string, environment: Record<string, string>) => ({
    ...readConfig({
      ...production,
      PORT: "0",
      DATABASE_URL: databaseUrl,
      PAYMENT_GATEWAY_URL: gateway.url,
      ...environment,
    }),
    databaseUrl,
    paymentGateway: { url: gateway.url, apiKey },
    ticketSigningKeys: testTicketKeys,
    imageFolder: join(tmpdir(), "skyfox-without-pictures"),
  });
  /** Starts a server; in production unless the settings say otherwise. */
  const start = async (databaseUrl: string, environment: Record<string, string> = {}) => {
    const logger = createMemoryLogger();
    const server = await serve(configOf(databaseUrl, environment), logger);
    let isClosed = false;
    const close = async () => {
      if (!isClosed) await server.close();
      isClosed = true;
    };
    onTestFinished(close);
    return { ...server, close, lines: logger.lines };
  };
  /** The card is charged and the answer lost: the booking is being paid, and nothing runs that could learn more. */
  const payUnheard = async () => {
    const parts = await compose(configOf(url, {}), createMemoryLogger(), () => "");
    const sql = await connectOnce(url);
    try {
      const { deps } = parts;
      const app = { sql, deps, clock: deps.clock } as unknown as TestApp;
      const today = deps.clock.now().toTemporalInstant().toZonedDateTimeISO("Asia/Kolkata").toPlainDate();
      const showId = await givenShow(app, { date: today.add({ days: 1 }).toString() });
      const customer = await givenCustomer(deps);
      const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers: ["A1"] });
      gateway.script("reset-after-effect");
      const payment = {
        bookingId,
        method: "Card",
        card: { ...goodCard, cardholderName: "Anna Lee" },
      } as const;
      await expect(payBooking(deps, customer, payment)).rejects.toThrow("has not confirmed the outcome yet");
      return bookingId;
    } finally {
      await sql.end();
      await parts.stopBackground();
      await parts.close();
    }
  };
  return { url, gateway, start, payUnheard };
}

async function connectTo(url: string): Promise<Connection> {
  const sql = await connectOnce(url);
  onTestFinished(() => sql.end());
  return sql;
}

function openFor(url: string) {
  const db = openDatabase(url, { maxConnections: 1 });
  onTestFinished(() => db.destroy());
  return db;
}

/** Makes the database one of so long ago, as a backup is that is started later; the heartbeat may be of another time. */
async function age(url: string, minutes: number, heartbeatMinutes = minutes): Promise<void> {
  const sql = await connectOnce(url);
  const earlier = `interval '${minutes} minutes'`;
  await sql.query(`
    set session_replication_role = replica;
    update booking set booking_time = booking_time - ${earlier}, expires_at = expires_at - ${earlier}, paying_until = paying_until - ${earlier};
    update seat_claim set free_after = free_after - ${earlier};
    update payment_transaction set started_at = started_at - ${earlier}, next_attempt_at = next_attempt_at - ${earlier};
    update server_heartbeat set beat_at = beat_at - interval '${heartbeatMinutes} minutes';`);
  await sql.end();
}

/** As db:identity does, with what is said otherwise of where the database is. */
async function callIt(what: "live" | "copy", url: string, place: Partial<DatabasePlace> = {}): Promise<void> {
  const db = openFor(url);
  const identity = { ...(await readDatabasePlace(db)), ...place, isCopy: what === "copy" };
  await replaceDatabaseIdentity(db, identity, await databaseTime(db));
}

/** What the sweep of any server does first. */
async function sweep(url: string): Promise<void> {
  const db = openFor(url);
  expect(await expireAnyDue(db, 10, await databaseTime(db))).toHaveLength(1);
}

const isConfirmed = "select from booking where status = 'Confirmed'";
const refundWaits = "select from payment_refund where state = 'pending' and last_error is not null";
const refundIsDone = "select from payment_refund where state = 'done'";

describe("a backup that is started eleven minutes later beside the living system", () => {
  async function givenBackup() {
    const cinema = await givenCinema();
    await (await cinema.start(cinema.url)).close();
    await cinema.payUnheard();
    const copy = await copyDatabase(cinema.url);
    await cinema.start(cinema.url);
    await until(await connectTo(cinema.url), isConfirmed);
    await age(copy.url, 11);
    return { ...cinema, copy };
  }

  test("does not start in production, says what to do, and gives no money back", async () => {
    const { start, copy, gateway } = await givenBackup();
    const refusal = start(copy.url);
    await expect(refusal).rejects.toThrow("This database has moved");
    await expect(refusal).rejects.toThrow("npm run db:identity -- live");
    await expect(refusal).rejects.toThrow("npm run db:identity -- copy, and start with BACKGROUND=off");
    const sql = await connectTo(copy.url);
    expect(await sql.query("select status from payment_transaction")).toEqual([{ status: "Unknown" }]);
    expect(gateway.books()).toMatchObject({ charges: [{ amount: "200.00" }], refunds: [] });
  });

  test("can be looked at with BACKGROUND=off, and nothing of it is settled or expires", async () => {
    const { start, copy, gateway } = await givenBackup();
    const server = await start(copy.url, { BACKGROUND: "off" });
    expect(server.lines).toContainEqual(
      expect.objectContaining({ level: "warn", msg: expect.stringContaining("has moved") as string }),
    );
    const ready = await fetch(`${server.url}/ready`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", background: "off" }]);
    await server.close();
    const sql = await connectTo(copy.url);
    expect(await sql.query("select status, attempts from payment_transaction")).toEqual([
      { status: "Unknown", attempts: 0 },
    ]);
    expect(await sql.query("select status from booking")).toEqual([{ status: "Paying" }]);
    expect(gateway.books().refunds).toEqual([]);
  });

  test("gives nothing back either when it is called the living one by mistake, until that is resumed", async () => {
    const { start, copy, gateway } = await givenBackup();
    await sweep(copy.url);
    await callIt("live", copy.url);
    await start(copy.url);
    const sql = await connectTo(copy.url);
    await until(sql, refundWaits);
    expect(gateway.books().refunds).toEqual([]);
  });

  test("that is marked as a copy starts with BACKGROUND=off only, in development too", async () => {
    const { start, copy } = await givenBackup();
    await callIt("copy", copy.url);
    for (const environment of ["production", "development"])
      await expect(start(copy.url, { APP_ENV: environment })).rejects.toThrow("is marked as a copy");
    const { lines } = await start(copy.url, { BACKGROUND: "off" });
    expect(lines.filter(({ msg }) => String(msg).includes("has moved"))).toEqual([]);
  });

  test("is a warning in development", async () => {
    const { start, copy } = await givenBackup();
    const { lines } = await start(copy.url, { APP_ENV: "development" });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: "warn", msg: expect.stringContaining("has moved") as string }),
    );
  });
});

describe("the database's identity", () => {
  test("is written down at the first start that settles payments, and stays", async () => {
    const { url, start } = await givenCinema();
    const db = openFor(url);
    await (await start(url, { BACKGROUND: "off" })).close();
    expect(await findDatabaseIdentity(db)).toBeUndefined();
    await (await start(url)).close();
    const identity = { ...(await readDatabasePlace(db)), isCopy: false };
    expect(identity.systemIdentifier).toMatch(/^\d{15,}$/);
    expect(await findDatabaseIdentity(db)).toEqual(identity);
    await start(url);
    expect(await findDatabaseIdentity(db)).toEqual(identity);
  });

  test("is of another cluster where the database's number is the same", async () => {
    const { url, start } = await givenCinema();
    await callIt("live", url, { systemIdentifier: "7000000000000000001" });
    await expect(start(url)).rejects.toThrow("in the cluster 7000000000000000001, and it is");
  });

  test("can be read by every role, and is the number and the name alone where a host has taken that away", async () => {
    const { url } = await createTestDatabase();
    const sql = await connectTo(url);
    const role = `reader_${randomBytes(4).toString("hex")}`;
    await sql.query(`create role ${role} login password 'reader'; grant usage on schema public to ${role}`);
    onTestFinished(async () => void (await sql.query(`drop owned by ${role}; drop role ${role}`)));
    const asReader = new URL(url);
    [asReader.username, asReader.password] = [role, "reader"];
    const whole = await readDatabasePlace(openFor(url));
    expect(await readDatabasePlace(openFor(asReader.href))).toEqual(whole);
    await sql.query("revoke execute on function pg_control_system() from public");
    expect(await readDatabasePlace(openFor(asReader.href))).toEqual({ ...whole, systemIdentifier: null });
  });

  test("is the number and the name where the cluster's number could not be read", async () => {
    const { url, start } = await givenCinema();
    await callIt("live", url, { systemIdentifier: null });
    await (await start(url)).close();
    await callIt("live", url, { systemIdentifier: null, databaseName: "another" });
    await expect(start(url)).rejects.toThrow("in the cluster of unknown number");
  });
});

/** Resolves once the log says that refunds wait. */
async function warned(lines: Record<string, unknown>[]): Promise<void> {
  const isThere = () => lines.some(({ msg }) => String(msg).startsWith("Refunds wait"));
  await vi.waitUntil(isThere, { timeout: 20_000, interval: 5 });
}

describe("refunds of the reconciler, when no server has run for longer than PAYING_SECONDS", () => {
  test("wait in doubt, with a line in the log, until they are resumed; confirmations do not", async () => {
    const { url, start, payUnheard, gateway } = await givenCinema();
    await (await start(url)).close();
    await payUnheard();
    await age(url, 11);
    await sweep(url);
    const bookingId = await payUnheard();
    const first = await start(url);
    const sql = await connectTo(url);
    await until(sql, refundWaits);
    await until(sql, "select from booking where status = 'Confirmed' and id = $1", [bookingId]);
    const db = openFor(url);
    expect(await listPaymentsInDoubt(db, { beforeId: undefined, limit: 10 })).toMatchObject([
      { lastError: waitingNote },
    ]);
    await warned(first.lines);
    await first.close();
    // The gap is over, and the refunds still wait.
    const second = await start(url);
    await warned(second.lines);
    await second.close();
    expect(gateway.books().refunds).toEqual([]);

    expect(await inTransaction(db, (tx) => resumeRefunds(tx, waitingNote))).toBe(true);
    expect(await listPaymentsInDoubt(db, { beforeId: undefined, limit: 10 })).toEqual([]);
    await start(url);
    await until(sql, refundIsDone);
    expect(gateway.books().refunds).toHaveLength(1);
  });

  test.each([
    ["after a gap that is shorter", 9, {}],
    ["at the first start of a database that has no heartbeat", undefined, {}],
    ["where PAYING_SECONDS allows it", 11, { PAYING_SECONDS: "900" }],
  ])("go at once %s", async (_when, heartbeatMinutes, environment) => {
    const { url, start, payUnheard, gateway } = await givenCinema();
    await (await start(url)).close();
    await payUnheard();
    await age(url, 16, heartbeatMinutes);
    await sweep(url);
    const sql = await connectTo(url);
    if (heartbeatMinutes === undefined) await sql.query("delete from server_heartbeat");
    const first = await start(url, environment);
    await until(sql, "select from payment_refund");
    await first.close();
    // Not five seconds later, as the next round of the first one.
    await start(url, environment);
    await until(sql, refundIsDone);
    expect(gateway.books().refunds).toHaveLength(1);
  });
});

test("a server that was frozen for longer than PAYING_SECONDS writes that first, and gives no money back", async () => {
  const { url, start, payUnheard, gateway } = await givenCinema();
  await (await start(url)).close();
  await payUnheard();
  await age(url, 16, 9);
  await sweep(url);
  const refusal = gateway.scriptRefund("unavailable");
  const { lines } = await start(url);
  const sql = await connectTo(url);
  await refusal.arrived;
  // The round that sent it takes no other refund.
  await until(sql, refundWaits);

  const frozen = await connectTo(url);
  await frozen.query("begin");
  await frozen.query("update server_heartbeat set beat_at = beat_at - interval '11 minutes'");
  await sql.query("update payment_refund set next_attempt_at = now(), last_error = null");
  const isStopped = () => lines.some(({ task, level }) => task === "reconcile payments" && level === "error");
  await vi.waitUntil(isStopped, { timeout: 20_000, interval: 5 });
  expect(gateway.books().refunds).toEqual([]);
  await frozen.query("commit");
  await until(sql, "select from payment_refund where last_error = $1", [waitingNote]);
  expect(gateway.books().refunds).toEqual([]);
});

describe("the heartbeat", () => {
  const minute = 60_000;
  const start = new Date("2026-03-10T06:30:00Z");
  const after = (minutes: number) => new Date(start.getTime() + minutes * minute);
  const readBeats = "select beat_at, refunds_wait_since from server_heartbeat";

  test("of a server that only shows is not written", async () => {
    const { url, start: startServer } = await givenCinema();
    await startServer(url, { BACKGROUND: "off" });
    expect(await (await connectTo(url)).query(readBeats)).toEqual([]);
  });

  test("of servers that start side by side after a gap makes refunds wait once and for all", async () => {
    const { url } = await createTestDatabase();
    const db = openFor(url);
    const beat = (now: Date) => writeHeartbeat(db, { now, longestGapSeconds: 600 });
    await beat(start);
    await beat(after(10));
    const sql = await connectTo(url);
    expect(await sql.query(readBeats)).toEqual([{ beat_at: after(10), refunds_wait_since: null }]);
    const late = new Date(after(20).getTime() + 1);
    await beat(late);
    await beat(after(21));
    expect(await sql.query(readBeats)).toEqual([{ beat_at: after(21), refunds_wait_since: late }]);
    await inTransaction(db, (tx) => resumeRefunds(tx, waitingNote));
    expect(await inTransaction(db, (tx) => resumeRefunds(tx, waitingNote))).toBe(false);
    await writeHeartbeat(db, { now: after(99), longestGapSeconds: null });
    expect(await sql.query(readBeats)).toEqual([{ beat_at: after(99), refunds_wait_since: null }]);
  });
});
