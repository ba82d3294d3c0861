import { cancelLiveHolds, connectOnce, expireBookings, inTransaction } from "@skyfox/db";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { seatStatus } from "../../test/seat-status.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import type { Hold } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { cancelShow } from "./cancel-show.ts";
import { changeSeats } from "./change-seats.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp();
const { deps, clock } = app;

// Every test begins at the same moment, whatever ran before it.
beforeEach(() => clock.set(testStart));

async function givenHeld(...seatNumbers: string[]) {
  const showId = await givenShow(app, { cost: "200.00" });
  const customer = await givenCustomer(deps);
  const hold = await holdSeats(deps, customer, { showId, seatNumbers });
  const change = (...seats: string[]) =>
    changeSeats(deps, customer, { bookingId: hold.bookingId, seatNumbers: seats });
  return { showId, customer, hold, change, bookingId: hold.bookingId };
}

async function statesOf(showId: number, ...seats: string[]) {
  const user = await givenCustomer(deps);
  return await Promise.all(seats.map((seat) => seatStatus(deps, user, showId, seat)));
}

const pay = (customer: User, bookingId: number) =>
  payBooking(deps, customer, { bookingId, method: "Card", card: goodCard });

describe("a hold that changes its seats", () => {
  test("has the new ones at their price, in their order, and keeps its time", async () => {
    const { showId, customer, hold, change, bookingId } = await givenHeld("A1", "A2");
    clock.advance(60_000);
    const changed = await change("F1", "A2", "A10");
    expect(changed).toMatchObject({ bookingId, showId, seatNumbers: ["A2", "A10", "F1"] });
    expect(changed.amountDue.toFixed(2)).toBe("750.00");
    expect([changed.expiresAt, changed.timeRemainingMs]).toEqual([hold.expiresAt, 240_000]);
    expect(await statesOf(showId, "A1", "A2", "A10", "F1")).toEqual(["free", "held", "held", "held"]);
    const booking = await getBooking(deps, customer, { bookingId });
    expect(booking).toMatchObject({ seatNumbers: ["A2", "A10", "F1"], expiresAt: hold.expiresAt });
    expect((await pay(customer, bookingId)).amountPaid.toFixed(2)).toBe("750.00");
    expect(await statesOf(showId, "A1", "A2", "A10", "F1")).toEqual(["free", "sold", "sold", "sold"]);
  });

  test("gets all of them or none", async () => {
    const { showId, customer, change, bookingId } = await givenHeld("A1");
    await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["B2"] });
    await expect(change("B1", "B2")).rejects.toMatchObject({
      problem: { code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["B2"] } },
    });
    await expect(change("A1", "Z9")).rejects.toMatchObject({ problem: { code: "INVALID_SEAT" } });
    expect(await statesOf(showId, "A1", "B1", "B2")).toEqual(["held", "free", "held"]);
    expect((await getBooking(deps, customer, { bookingId })).seatNumbers).toEqual(["A1"]);
  });

  test("may keep all, or give some back, and those are free at once", async () => {
    const { showId, customer, bookingId, change } = await givenHeld("A1", "A2", "A3");
    expect((await change("A3", "A1", "A2")).seatNumbers).toEqual(["A1", "A2", "A3"]);
    await change("A2");
    await change("A2", "A1");
    expect((await getBooking(deps, customer, { bookingId })).seatNumbers).toEqual(["A1", "A2"]);
    expect((await change("A2")).amountDue.toFixed(2)).toBe("200.00");
    await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["A1", "A3"] });
    expect(await refusalOf(change("A1", "A2"))).toBe("SEATS_UNAVAILABLE");
  });

  test("takes over a seat whose hold is overdue", async () => {
    const showId = await givenShow(app);
    const [late, customer] = [await givenCustomer(deps), await givenCustomer(deps)];
    const overdue = await holdSeats(deps, late, { showId, seatNumbers: ["C1", "C2"] });
    deps.monitors.disarm(overdue.bookingId);
    clock.advance(299_000);
    const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers: ["D1"] });
    clock.advance(1_000);
    await changeSeats(deps, customer, { bookingId, seatNumbers: ["C1"] });
    expect(await statesOf(showId, "C1", "C2", "D1")).toEqual(["held", "free", "free"]);
    expect((await getBooking(deps, late, overdue)).status).toBe("Expired");
  });

  test("counts against the bounds of unpaid seats by the seats that it gains", async () => {
    const bounded = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...deps.settings.holdLimits, seatsPerCustomer: 3 } },
    });
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await holdSeats(bounded.deps, customer, { showId, seatNumbers: ["A1", "A2"] });
    const change = (...seatNumbers: string[]) =>
      changeSeats(bounded.deps, customer, { bookingId, seatNumbers });
    await change("B1", "B2", "B3");
    expect(await refusalOf(change("B1", "B2", "B3", "B4"))).toBe("TOO_MANY_HOLDS");
    await change("C1", "C2", "C3");
    const narrow = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...deps.settings.holdLimits, seatsPerCustomer: 2 } },
    });
    await changeSeats(narrow.deps, customer, { bookingId, seatNumbers: ["D1", "D2", "D3"] });
  });

  test("counts for the network from which it was made, wherever it is changed from", async () => {
    const bounded = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...deps.settings.holdLimits, seatsPerAddress: 3 } },
    });
    const showId = await givenShow(app);
    const [one, two] = [await givenCustomer(deps), await givenCustomer(deps)];
    const home = "203.0.113.1";
    await holdSeats(bounded.deps, { ...one, address: home }, { showId, seatNumbers: ["A1", "A2"] });
    const { bookingId } = await holdSeats(
      bounded.deps,
      { ...two, address: home },
      { showId, seatNumbers: ["B1"] },
    );
    for (const address of [home, "198.51.100.9"]) {
      const change = changeSeats(bounded.deps, { ...two, address }, { bookingId, seatNumbers: ["B1", "B2"] });
      expect(await refusalOf(change)).toBe("TOO_MANY_HOLDS");
    }
  });
});

describe("is refused", () => {
  test("for another customer's booking, and for what is no live hold any more", async () => {
    const { customer, change, bookingId } = await givenHeld("A1");
    const other = await givenCustomer(deps);
    expect(await refusalOf(changeSeats(deps, other, { bookingId, seatNumbers: ["A2"] }))).toBe(
      "BOOKING_NOT_FOUND",
    );
    await cancelBooking(deps, customer, { bookingId });
    await expect(change("A2")).rejects.toMatchObject({
      problem: { code: "INVALID_BOOKING_STATUS", details: { status: "Cancelled" } },
    });
    const late = await givenHeld("A1");
    deps.monitors.disarm(late.bookingId);
    clock.advance(300_000);
    expect(await refusalOf(late.change("A2"))).toBe("BOOKING_EXPIRED");
  });

  test("while it is being paid, and once it is paid", async () => {
    const { customer, change, bookingId } = await givenHeld("A1");
    const slow = app.gateway.script("slow");
    const paying = pay(customer, bookingId);
    await slow.arrived;
    expect(await refusalOf(change("A2"))).toBe("PAYMENT_IN_PROGRESS");
    await slow.release();
    await paying;
    expect(await refusalOf(change("A2"))).toBe("INVALID_BOOKING_STATUS");
  });

  test("once the show has started or is cancelled", async () => {
    const started = await givenHeld("A1");
    await app.sql.query("update show set starts_at = $2 where id = $1", [started.showId, clock.now()]);
    clock.advance(1);
    expect(await refusalOf(started.change("A2"))).toBe("SHOW_ALREADY_STARTED");
    const cancelled = await givenHeld("A1");
    await cancelShow(deps, await givenStaff(deps, "admin"), {
      showId: cancelled.showId,
      reason: "No heating.",
    });
    expect(await refusalOf(cancelled.change("A2"))).toBe("INVALID_BOOKING_STATUS");
  });
});

describe("a race", () => {
  test("for one seat by twenty holds that change to it has one winner, and the others keep theirs", async () => {
    const showId = await givenShow(app);
    const rivals = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const customer = await givenCustomer(deps);
        const seat = `${"AB"[index % 2]}${Math.floor(index / 2) + 1}`;
        const hold = await holdSeats(deps, customer, { showId, seatNumbers: [seat] });
        return { customer, seat, hold };
      }),
    );
    const { won, lost } = outcomesOf(
      await together(
        rivals.map(
          ({ customer, hold }) =>
            () =>
              changeSeats(deps, customer, { bookingId: hold.bookingId, seatNumbers: ["J5"] }),
        ),
      ),
    );
    expect(won).toHaveLength(1);
    expect(new Set(lost)).toEqual(new Set(["SEATS_UNAVAILABLE"]));
    for (const { customer, seat, hold } of rivals) {
      const isWinner = hold.bookingId === won[0]?.bookingId;
      const { seatNumbers } = await getBooking(deps, customer, { bookingId: hold.bookingId });
      expect(seatNumbers).toEqual([isWinner ? "J5" : seat]);
      expect(await statesOf(showId, seat)).toEqual([isWinner ? "free" : "held"]);
    }
    expect(await app.sql.query("select * from integrity_violation")).toEqual([]);
  });

  test("between a change and a hold of the same seats has one winner", async () => {
    for (let round = 0; round < 10; round += 1) {
      const { showId, change } = await givenHeld("A1");
      const other = await givenCustomer(deps);
      const { won, lost } = outcomesOf<Hold>(
        await together<Hold>([
          () => change("A2", "A3"),
          () => holdSeats(deps, other, { showId, seatNumbers: ["A3", "A4"] }),
        ]),
      );
      expect([won.length, lost]).toEqual([1, ["SEATS_UNAVAILABLE"]]);
    }
  });

  test("with a payment that came first waits for it, and finds it paid or being paid", async () => {
    const { customer, change, bookingId } = await givenHeld("A1");
    const other = await connectOnce(app.databaseUrl);
    await other.query("begin");
    await other.query("select from booking where id = $1 for update", [bookingId]);
    const paying = pay(customer, bookingId);
    await untilBlocked(app);
    const changing = refusalOf(change("A2"));
    await untilBlocked(app, 2);
    await other.query("commit");
    await other.end();
    expect((await paying).seatNumbers).toEqual(["A1"]);
    expect(["PAYMENT_IN_PROGRESS", "INVALID_BOOKING_STATUS"]).toContain(await changing);
  });

  test.each(["expiry", "cancelled show"])(
    "with the %s that waits for it frees the new seats as well",
    async (end) => {
      const { showId, change, bookingId } = await givenHeld("A1");
      deps.monitors.disarm(bookingId);
      const due = new Date(testStart.getTime() + 300_000);
      const frozen = await connectOnce(app.databaseUrl);
      await frozen.query("begin");
      // The change waits for this claim with its booking locked.
      await frozen.query("select from seat_claim where show_id = $1 for update", [showId]);
      const changing = change("A2", "A3");
      await untilBlocked(app);
      const ending =
        end === "expiry"
          ? expireBookings(deps.db, [bookingId], due)
          : inTransaction(deps.db, (tx) => cancelLiveHolds(tx, showId, testStart));
      await untilBlocked(app, 2);
      await frozen.query("commit");
      await frozen.end();
      await Promise.all([changing, ending]);
      const left = await app.sql.query("select seat_number from seat_claim where booking_id = $1", [
        bookingId,
      ]);
      expect(left).toEqual([]);
    },
  );

  test("that left seats with a booking that has ended is healed by the next buyer", async () => {
    const { showId, customer, bookingId } = await givenHeld("A1");
    await app.sql.query("update booking set status = 'Expired', ended_at = expires_at where id = $1", [
      bookingId,
    ]);
    clock.advance(300_000);
    const { seatNumbers } = await holdSeats(deps, customer, { showId, seatNumbers: ["A1"] });
    expect(seatNumbers).toEqual(["A1"]);
  });

  test("keeps a kept seat claimed throughout: a rival never gets it", async () => {
    const { showId, change } = await givenHeld("A1", "A2");
    const other = await givenCustomer(deps);
    const steps = Array.from({ length: 10 }, (_, index) => () => change("A1", `B${index + 1}`));
    const rivals = Array.from(
      { length: 10 },
      () => () => refusalOf(holdSeats(deps, other, { showId, seatNumbers: ["A1"] })),
    );
    const settled = await together<unknown>([...steps, ...rivals]);
    expect(settled.slice(10).map((result) => result.status === "fulfilled" && result.value)).toEqual(
      Array.from({ length: 10 }, () => "SEATS_UNAVAILABLE"),
    );
  });
});

test("a replay says how long the hold has left now, and nothing once it is not held", async () => {
  const { customer, bookingId, hold } = await givenHeld("A1");
  const token = await tokenOf(deps, customer);
  const key = crypto.randomUUID();
  const send = () =>
    mutate<Hold>(
      app,
      "booking.changeSeats",
      { bookingId, seatNumbers: ["A2"] },
      {
        token,
        headers: { "idempotency-key": key },
      },
    );
  expect((await send()).data).toMatchObject({ seatNumbers: ["A2"], timeRemainingMs: 300_000 });
  clock.advance(100_000);
  expect((await send()).data).toMatchObject({ expiresAt: hold.expiresAt, timeRemainingMs: 200_000 });
  await cancelBooking(deps, customer, { bookingId });
  expect((await send()).data).toMatchObject({ seatNumbers: ["A2"], timeRemainingMs: 0 });
});
