import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cancelHold,
  connectOnce,
  expireAnyDue,
  inTransaction,
  lockBooking,
  lockBookings,
  lockWallet,
  type Tx,
} from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startPaymentGateway } from "../../scripts/sandbox/payment-gateway.ts";
import { givenCustomer, givenShow, goodCard } from "./given.ts";
import { createMemoryLogger } from "./memory-logger.ts";
import { shiftDatabaseClock } from "./shift-database-clock.ts";
import { testGatewayKey, testTicketKeys } from "./test-app.ts";
import { refusalOf } from "./together.ts";
import { until, untilLockWait } from "./until.ts";
import { cancelBooking } from "../src/booking/cancel-booking.ts";
import { holdSeats } from "../src/booking/hold-seats.ts";
import { payBooking } from "../src/booking/pay-booking.ts";
import { compose } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";

// Whole servers on their own clocks: the database's, which the tests set as a failover would.
const { url: databaseUrl } = await createTestDatabase();
const owner = await connectOnce(databaseUrl);
const shiftClock = await shiftDatabaseClock(owner);
const sql = await connectOnce(databaseUrl);
const gateway = await startPaymentGateway({ apiKey: testGatewayKey });
const minuteMs = 60_000;
beforeEach(() => shiftClock(0));
afterAll(async () => {
  await Promise.all([owner.end(), sql.end(), gateway.stop()]);
});

async function givenServer() {
  const logger = createMemoryLogger();
  const config = {
    ...readConfig({}),
    databaseUrl,
    movieService: undefined,
    paymentGateway: { url: gateway.url, apiKey: testGatewayKey },
    ticketSigningKeys: testTicketKeys,
    imageFolder: join(tmpdir(), "skyfox-without-pictures"),
  };
  const server = await compose(config, logger, () => "");
  onTestFinished(async () => {
    await server.stopBackground();
    await server.close();
  });
  return { ...server, logger };
}

async function givenCinema() {
  const server = await givenServer();
  const customer = await givenCustomer(server.deps);
  const [{ date } = {}] = await sql.query("select (clock_timestamp() + interval '2 days')::date as date");
  const showId = await givenShow({ sql, deps: server.deps }, { date: String(date) });
  return { server, customer, showId };
}

async function stateOf(bookingId: number) {
  const [row] = await sql.query("select status from booking where id = $1", [bookingId]);
  return row?.["status"];
}

// How far away a stored instant is from the database's time, in minutes.
async function minutesAhead(instant: string, bookingId: number): Promise<number> {
  const [row] = await sql.query(
    `select (extract(epoch from ${instant} - clock_timestamp()) / 60)::float as minutes
     from booking b left join payment_transaction p on p.booking_id = b.id where b.id = $1`,
    [bookingId],
  );
  return Number(row?.["minutes"]);
}

describe("before a server notices that the database's clock has jumped,", () => {
  test("what it holds counts from the new time, and another server does not expire it", async () => {
    const { server, customer, showId } = await givenCinema();
    await shiftClock(60 * minuteMs);
    const hold = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    expect(await minutesAhead("b.expires_at", hold.bookingId)).toBeGreaterThan(4);
    expect(hold.timeRemainingMs).toBe(300_000);
    const { deps } = await givenServer();
    expect(await expireAnyDue(deps.db, 500, await deps.clock.nowIn(deps.db))).toEqual([]);
    expect(await stateOf(hold.bookingId)).toBe("Pending");
  });

  test("it does not pay for a hold whose time is over", async () => {
    const { server, customer, showId } = await givenCinema();
    const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    await shiftClock(6 * minuteMs);
    const paying = payBooking(server.deps, customer, { bookingId, method: "Card", card: goodCard });
    expect(await refusalOf(paying)).toBe("BOOKING_EXPIRED");
  });

  test("it does not cancel a hold whose time is over", async () => {
    const { server, customer, showId } = await givenCinema();
    const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    await shiftClock(6 * minuteMs);
    expect(await refusalOf(cancelBooking(server.deps, customer, { bookingId }))).toBe(
      "INVALID_BOOKING_STATUS",
    );
  });

  test("a payment keeps its seats from the new time on, and is charged and confirmed", async () => {
    const { server, customer, showId } = await givenCinema();
    const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    await shiftClock(4 * minuteMs);
    const slow = gateway.script("slow");
    const paying = payBooking(server.deps, customer, { bookingId, method: "Card", card: goodCard });
    await slow.arrived;
    expect(await minutesAhead("b.paying_until", bookingId)).toBeGreaterThan(9);
    expect(await minutesAhead("p.started_at", bookingId)).toBeGreaterThan(-1);
    await slow.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
  });

  test("a charge that is on its way is not taken for one that was never made", async () => {
    const { server, customer, showId } = await givenCinema();
    await server.startBackground();
    const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    const late = gateway.script("late");
    const paying = payBooking(server.deps, customer, { bookingId, method: "Card", card: goodCard });
    await late.arrived;
    await shiftClock(minuteMs);
    await until(sql, `select 1 from payment_transaction where booking_id = ${bookingId} and attempts > 0`);
    await until(
      sql,
      `select 1 from payment_transaction where booking_id = ${bookingId} and next_attempt_at > clock_timestamp() + interval '10 seconds'`,
    );
    expect(await stateOf(bookingId)).toBe("Paying");
    await late.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
  });

  test("it takes no seats over that another server holds, nor expires them in the background", async () => {
    const { server, customer, showId } = await givenCinema();
    await shiftClock(-60 * minuteMs);
    const { deps } = await givenServer();
    const hold = await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["A1"] });
    const rival = holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    expect(await refusalOf(rival)).toBe("SEATS_UNAVAILABLE");
    await server.startBackground();
    await server.stopBackground();
    expect(await stateOf(hold.bookingId)).toBe("Pending");
  });
});

test.each(["skyfox", "skyfox-background"])(
  "a server that lost a connection to the database looks at its time again: %s",
  async (name) => {
    const { server } = await givenCinema();
    // Expiring a hold that there is not opens a connection of the background.
    server.deps.monitors.arm(0, new Date(0));
    const connections = "from pg_stat_activity where datname = current_database() and application_name = $1";
    await until(sql, `select ${connections}`, [name]);
    await shiftClock(60 * minuteMs);
    const before = server.deps.clock.now().getTime();
    await sql.query(`select pg_terminate_backend(pid) ${connections}`, [name]);
    await expect.poll(() => server.deps.clock.now().getTime()).toBeGreaterThan(before + 59 * minuteMs);
  },
);

test("once a server has noticed a jump, its monitors go by the new time", async () => {
  const { server, customer, showId } = await givenCinema();
  await server.startBackground();
  // The first round of the sweep may come after the first jump and take that hold; the next one comes ten seconds later.
  for (const [index, seat] of ["A1", "A2"].entries()) {
    const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: [seat] });
    await shiftClock((index + 1) * 6 * minuteMs);
    // Any reading will do, as each round of the background has one.
    await server.deps.clock.nowIn(server.deps.db);
    await until(sql, "select from booking where id = $1 and status = 'Expired'", [bookingId]);
  }
  // Said once the server has the answer of its statement.
  const messages = () => server.logger.lines.map(({ msg }) => msg);
  await expect.poll(messages).toContain("Holds have expired; their seats are free.");
});

test("once a server has noticed a jump back, payments in doubt are asked about now", async () => {
  const { server, customer, showId } = await givenCinema();
  await server.startBackground();
  gateway.setAskRoute("missing");
  onTestFinished(() => gateway.setAskRoute("offered"));
  await shiftClock(60 * minuteMs);
  const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
  gateway.script("error-after-success");
  const paying = payBooking(server.deps, customer, { bookingId, method: "Card", card: goodCard });
  expect(await refusalOf(paying)).toBe("PAYMENT_OUTCOME_UNKNOWN");
  await shiftClock(0);
  await server.deps.clock.nowIn(server.deps.db);
  await until(
    sql,
    `select from payment_transaction
     where booking_id = $1 and next_attempt_at < clock_timestamp() + interval '10 minutes'`,
    [bookingId],
  );
});

describe("the database's time is read after the wait", () => {
  const locks: [string, string, (tx: Tx, ids: { bookingId: number; username: string }) => Promise<Date>][] = [
    ["for a booking", "booking", async (tx, { bookingId }) => (await lockBooking(tx, bookingId))!.lockedAt],
    [
      "for a hold that is given up",
      "booking",
      async (tx, hold) => (await cancelHold(tx, { ...hold, stoppedAt: null }))!.readAt,
    ],
    ["for many bookings", "booking", (tx, { bookingId }) => lockBookings(tx, [0, bookingId])],
    [
      "for a wallet",
      "customer_wallet",
      async (tx, { username }) => (await lockWallet(tx, username)).lockedAt,
    ],
  ];

  test.each(locks)("%s", async (_name, table, lock) => {
    const { server, customer, showId } = await givenCinema();
    const { bookingId } = await holdSeats(server.deps, customer, { showId, seatNumbers: ["A1"] });
    // Locked without a change: a changed row would be read again after the wait in any case.
    await owner.query(`begin; select from ${table} for update`);
    const locking = inTransaction(server.deps.db, (tx) =>
      lock(tx, { bookingId, username: customer.username }),
    );
    await untilLockWait(sql);
    const [{ time } = {}] = await sql.query("select clock_timestamp() as time");
    await owner.query("rollback");
    expect((await locking).getTime()).toBeGreaterThanOrEqual((time as Date).getTime());
  });
});

test("all of it leaves the books in order", async () => {
  expect(await sql.query("select * from integrity_violation")).toEqual([]);
});
