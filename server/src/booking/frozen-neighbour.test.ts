import {
  beginBookingPayment,
  expireAnyDue,
  expireBookings,
  hurryPaymentsAndRefunds,
  openDatabase,
} from "@skyfox/db";
import { describe, expect, onTestFinished, test } from "vitest";
import { givenCustomer, givenCustomers, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { givenFunds, problemOf } from "../../test/given-money.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { sellAtCounter } from "./sell-at-counter.ts";
import { Decimal, type SeatMap } from "../contract/index.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdSeats } from "./hold-seats.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps } = app;

/** A transaction of a server that has stopped in the middle of it; it goes on when the test ends, or when it is told to. */
async function givenFrozen(statement: string, values: unknown[]) {
  const { sql } = app;
  await sql.query("begin");
  await sql.query(statement, values);
  let isFrozen = true;
  const thaw = async () => {
    if (isFrozen) await sql.query("rollback");
    isFrozen = false;
  };
  onTestFinished(thaw);
  return { thaw, sql };
}

const lockClaim = "select from seat_claim where show_id = $1 and seat_number = $2 for update";

describe("while a frozen server keeps the claim on a seat locked", () => {
  test("58 callers who want it are told that it is not to be had, and others see their seat maps", async () => {
    const showId = await givenShow(app);
    const before = await givenCustomer(deps);
    const { bookingId } = await holdSeats(deps, before, { showId, seatNumbers: ["A1"] });
    await cancelBooking(deps, before, { bookingId });
    const buyers = await givenCustomers(deps, 58);
    const token = await tokenOf(deps, await givenCustomer(deps));
    await givenFrozen(lockClaim, [showId, "A1"]);

    const wishes = together(
      buyers.map((buyer) => () => holdSeats(deps, buyer, { showId, seatNumbers: ["A1", "A2"] })),
    );
    await untilBlocked(app);
    const map = await query<SeatMap>(app, "show.seatMap", { showId }, { token });
    expect(map.status).toBe(200);
    const settled = await wishes;
    expect(outcomesOf(settled)).toEqual({ won: [], lost: buyers.map(() => "SEATS_UNAVAILABLE") });
    expect(
      new Set(
        settled.map((one) =>
          JSON.stringify(one.status === "rejected" && (one.reason as { problem: unknown }).problem),
        ),
      ),
    ).toEqual(
      new Set([JSON.stringify({ code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["A1", "A2"] } })]),
    );
  });

  test("the counter is told so too", async () => {
    const showId = await givenShow(app);
    const before = await givenCustomer(deps);
    const { bookingId } = await holdSeats(deps, before, { showId, seatNumbers: ["A1"] });
    await cancelBooking(deps, before, { bookingId });
    const admin = await givenStaff(deps, "admin");
    await givenFrozen(lockClaim, [showId, "A1"]);
    const sale = { showId, seatNumbers: ["A1"], customerName: "Walk In", phoneNumber: "9876543210" };
    expect(await problemOf(sellAtCounter(deps, admin, sale))).toEqual({
      code: "SEATS_UNAVAILABLE",
      details: { seatNumbers: ["A1"] },
    });
  });

  test("an overdue hold that it locks is not waited for either, and is taken over once it is not locked", async () => {
    const showId = await givenShow(app);
    const wish = { showId, seatNumbers: ["A1"] };
    const { bookingId, expiresAt } = await holdSeats(deps, await givenCustomer(deps), wish);
    deps.monitors.disarm(bookingId);
    app.clock.set(expiresAt);
    const buyer = await givenCustomer(deps);
    const { thaw } = await givenFrozen("select from booking where id = $1 for update", [bookingId]);
    expect(await problemOf(holdSeats(deps, buyer, wish))).toEqual({
      code: "SEATS_UNAVAILABLE",
      details: { seatNumbers: ["A1"] },
    });
    await thaw();
    expect(await holdSeats(deps, buyer, wish)).toMatchObject({ seatNumbers: ["A1"] });
  });
});

/** Bookings whose payments took too long, each with a part of the wallet reserved; their payments began in the opposite order. */
async function givenOverduePayments(count: number) {
  const showId = await givenShow(app);
  const customers = await givenCustomers(deps, count);
  const now = deps.clock.now();
  const held = [];
  for (const [index, customer] of customers.entries()) {
    const { username } = customer;
    await givenFunds(app, customer, "50");
    const seat = `${"ABC"[index % 3]}${Math.floor(index / 3) + 1}`;
    const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers: [seat] });
    deps.monitors.disarm(bookingId);
    held.push({ bookingId, username });
  }
  for (const { bookingId, username } of held.toReversed()) {
    const order = { bookingId, username, method: "Wallet" as const, hasCard: true, payingSeconds: 0 };
    const beginning = { key: undefined, time: now, askAfterMs: 3_600_000, tried: undefined };
    expect(await beginBookingPayment(deps.db, order, beginning)).toMatchObject({
      payment: { walletAmount: new Decimal(50) },
    });
  }
  const bookingIds = held.map(({ bookingId }) => bookingId);
  // Written again, the row of the first payment lies behind the others in the table.
  await app.sql.query(
    "update payment_transaction set attempts = attempts where id = (select min(id) from payment_transaction where booking_id = any($1))",
    [bookingIds],
  );
  /** How many of their rows the frozen transaction can lock: those that no expiry has locked. */
  const countFree = async () => {
    const claims = await app.sql.query(
      "select from seat_claim where booking_id = any($1) for update skip locked",
      [bookingIds],
    );
    const wallets = await app.sql.query(
      "select from customer_wallet where username = any(select customer_username from booking where id = any($1)) for update skip locked",
      [bookingIds],
    );
    const payments = await app.sql.query(
      "select from payment_transaction where booking_id = any($1) for update skip locked",
      [bookingIds],
    );
    return { claims: claims.length, wallets: wallets.length, payments: payments.length };
  };
  const expired = async () => {
    const rows = await app.sql.query(
      "select id from booking where id = any($1) and status = 'Expired' order by id",
      [bookingIds],
    );
    return rows.map(({ id }) => id);
  };
  return { bookingIds, now, countFree, expired };
}

const lockFirst = {
  claim: "select from seat_claim where booking_id = any($1) order by show_id, seat_number limit 1 for update",
  wallet:
    "select from customer_wallet where username = any(select customer_username from booking where id = any($1)) order by username limit 1 for update",
  payment: "select from payment_transaction where booking_id = any($1) order by id limit 1 for update",
};

// What comes later in the order of locks is free while an expiry waits, and so is the rest of what it waits for.
test.each([
  ["claim", { claims: 12, wallets: 12, payments: 12 }],
  ["wallet", { claims: 0, wallets: 12, payments: 12 }],
  ["payment", { claims: 0, wallets: 0, payments: 12 }],
] as const)("an expiry that waits for the first %s has no lock that comes later", async (first, free) => {
  const { bookingIds, now, countFree, expired } = await givenOverduePayments(12);
  const { thaw } = await givenFrozen(lockFirst[first], [bookingIds]);
  const other = openDatabase(app.databaseUrl, { maxConnections: 1 });
  onTestFinished(() => other.destroy());
  const expiry = expireBookings(other, bookingIds, now);
  await untilBlocked(app);
  const locked = await countFree();
  await thaw();
  expect(await expiry).toHaveLength(bookingIds.length);
  expect(locked).toEqual(free);
  expect(await expired()).toEqual(bookingIds);
});

test("a server that starts waits for the first payment to ask about and has none of the others", async () => {
  const { bookingIds, now, countFree } = await givenOverduePayments(12);
  const { thaw } = await givenFrozen(lockFirst.payment, [bookingIds]);
  const other = openDatabase(app.databaseUrl, { maxConnections: 1 });
  onTestFinished(() => other.destroy());
  const hurried = hurryPaymentsAndRefunds(other, { now, latestFirstTurn: now });
  await untilBlocked(app);
  const { payments } = await countFree();
  await thaw();
  await hurried;
  expect(payments).toBe(12);
  expect(
    await app.sql.query(
      "select from payment_transaction where booking_id = any($1) and next_attempt_at = $2",
      [bookingIds, now],
    ),
  ).toHaveLength(12);
});

describe("a sweep goes past an overdue payment", () => {
  test.each(["claim", "wallet", "payment"] as const)(
    "of which another transaction has the %s locked, and takes it the next time",
    async (locked) => {
      const { bookingIds, now, expired } = await givenOverduePayments(3);
      const { thaw } = await givenFrozen(lockFirst[locked], [bookingIds]);
      await expireAnyDue(deps.db, 500, now);
      const meanwhile = await expired();
      await thaw();
      expect(meanwhile).toHaveLength(2);
      await expireAnyDue(deps.db, 500, now);
      expect(await expired()).toEqual(bookingIds);
    },
  );
});
