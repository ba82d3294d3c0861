import {
  beginPaying,
  expireAnyDue,
  insertPayment,
  inTransaction,
  openDatabase,
  reserve,
  updateClaims,
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

test("wallets of payments that took too long are locked by name, so that sweeps of several servers never wait in a circle", async () => {
  const showId = await givenShow(app);
  const customers = await givenCustomers(deps, 24);
  const now = deps.clock.now();
  for (const [index, customer] of customers.entries()) {
    const { username } = customer;
    await givenFunds(app, customer, "50");
    const seat = `${"ABC"[index % 3]}${Math.floor(index / 3) + 1}`;
    const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers: [seat] });
    deps.monitors.disarm(bookingId);
    await inTransaction(deps.db, async (tx) => {
      await beginPaying(tx, bookingId, now);
      await updateClaims(tx, bookingId, null);
      await reserve(tx, username, new Decimal(50));
      const payment = { bookingId, username, method: "Wallet" as const, walletAmount: new Decimal(50) };
      const charge = {
        cardAmount: new Decimal(150),
        startedAt: now,
        askAfter: new Date(now.getTime() + 3_600_000),
      };
      await insertPayment(tx, { ...payment, ...charge });
    });
  }
  const names = customers.map(({ username }) => username);
  const [first] = await app.sql.query(
    "select min(username) as name from customer_wallet where username = any($1)",
    [names],
  );
  const { thaw, sql } = await givenFrozen("select from customer_wallet where username = $1 for update", [
    first?.["name"],
  ]);
  const other = openDatabase(app.databaseUrl, { maxConnections: 1 });
  onTestFinished(() => other.destroy());
  const sweep = expireAnyDue(other, 500, now);
  await untilBlocked(app);
  // It waits for the first wallet and has none of the others.
  const free = await sql.query(
    "select username from customer_wallet where username = any($1) for update skip locked",
    [names],
  );
  expect(free).toHaveLength(names.length);
  await thaw();
  expect(await sweep).toHaveLength(names.length);
});
