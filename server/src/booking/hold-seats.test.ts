import { connectOnce } from "@skyfox/db";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, goodCard } from "../../test/given.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, together, refusalOf } from "../../test/together.ts";
import { seatStatus } from "../../test/seat-status.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { maxLiveHolds } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { listOwnBookings } from "./list-own-bookings.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp();
const { deps, clock } = app;
const shortHolds = await createTestApp({ beside: app, settings: { holdSeconds: 10 } });

// Every test begins at the same moment, whatever ran before it.
beforeEach(() => clock.set(testStart));

const statusOf = (user: User, showId: number, seatNumber: string) =>
  seatStatus(deps, user, showId, seatNumber);

describe("a hold", () => {
  test("is priced by the server: the show's cost, and 150.00 on top for Deluxe", async () => {
    const showId = await givenShow(app, { cost: "200.10" });
    const customer = await givenCustomer(deps);
    const hold = await holdSeats(deps, customer, { showId, seatNumbers: ["E10", "F1", "A1"] });
    expect(hold.amountDue.toFixed(2)).toBe("750.30");
    expect(hold.seatNumbers).toEqual(["A1", "E10", "F1"]);
  });

  test("lives five minutes and says how long it still has", async () => {
    const hold = await holdSeats(deps, await givenCustomer(deps), {
      showId: await givenShow(app),
      seatNumbers: ["A1"],
    });
    expect(hold.expiresAt.getTime() - clock.now().getTime()).toBe(300_000);
    expect(hold.timeRemainingMs).toBe(300_000);
  });

  test("is cancelled by its owner, and the seats are free at once", async () => {
    const showId = await givenShow(app);
    const [customer, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers: ["A1", "A2"] });
    expect(await refusalOf(cancelBooking(deps, other, { bookingId }))).toBe("BOOKING_NOT_FOUND");
    const booking = await cancelBooking(deps, customer, { bookingId });
    expect(booking).toMatchObject({
      status: "Cancelled",
      seatNumbers: ["A1", "A2"],
      expiresAt: null,
      paymentType: null,
    });
    expect(await statusOf(customer, showId, "A1")).toBe("free");
    await holdSeats(deps, other, { showId, seatNumbers: ["A1", "A2"] });
    await expect(cancelBooking(deps, customer, { bookingId })).rejects.toMatchObject({
      problem: { code: "INVALID_BOOKING_STATUS", details: { status: "Cancelled" } },
    });
  });

  test("of taken seats is refused with exactly those seats", async () => {
    const showId = await givenShow(app);
    await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["B2", "B4"] });
    await expect(
      holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["B1", "B2", "B3", "B4"] }),
    ).rejects.toMatchObject({
      problem: { code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["B2", "B4"] } },
    });
  });

  test("of seats that the screen does not have is refused with those seats", async () => {
    await expect(
      holdSeats(deps, await givenCustomer(deps), {
        showId: await givenShow(app),
        seatNumbers: ["A10", "A11", "K1"],
      }),
    ).rejects.toMatchObject({ problem: { code: "INVALID_SEAT", details: { seatNumbers: ["A11", "K1"] } } });
  });

  test("of a show that does not exist, is cancelled, or is too far ahead is refused", async () => {
    const customer = await givenCustomer(deps);
    const hold = (showId: number) => refusalOf(holdSeats(deps, customer, { showId, seatNumbers: ["A1"] }));
    expect(await hold(999_999_999)).toBe("SHOW_NOT_FOUND");
    expect(await hold(await givenShow(app, { cancelReason: "A power cut" }))).toBe("SHOW_CANCELLED");
    expect(await hold(await givenShow(app, { date: "2026-03-17" }))).toBe("DATE_OUT_OF_RANGE");
    expect(await hold(await givenShow(app, { date: "2026-03-16" }))).toBe("accepted");
    expect(await hold(await givenShow(app, { date: "2026-03-09" }))).toBe("SHOW_ALREADY_STARTED");
  });

  test("that meets a cancellation of the show under way waits for it, and is refused", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    await app.sql.query("begin");
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = 'A power cut' where id = $1", [
      showId,
      clock.now(),
    ]);
    const holding = refusalOf(holdSeats(deps, customer, { showId, seatNumbers: ["A1"] }));
    await untilBlocked(app);
    await app.sql.query("commit");
    expect(await holding).toBe("SHOW_CANCELLED");
  });

  test("counts against five live ones at most, which an ended one no longer does", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const hold = (seat: string) => holdSeats(deps, customer, { showId, seatNumbers: [seat] });
    const first = await hold("C1");
    for (const seat of ["C2", "C3", "C4", "C5"]) await hold(seat);
    expect(await refusalOf(hold("C6"))).toBe("TOO_MANY_HOLDS");
    await cancelBooking(deps, customer, first);
    await hold("C6");
    expect(await refusalOf(hold("C7"))).toBe("TOO_MANY_HOLDS");
    const slow = app.gateway.script("slow");
    const latest = await listOwnBookings(deps, customer, { limit: 1 });
    const paying = payBooking(deps, customer, {
      bookingId: latest.items[0]!.bookingId,
      method: "Card",
      card: goodCard,
    });
    await slow.arrived;
    expect(await refusalOf(hold("C7"))).toBe("TOO_MANY_HOLDS");
    await slow.release();
    await paying;
    await hold("C7");
    expect(await refusalOf(hold("C8"))).toBe("TOO_MANY_HOLDS");
    clock.advance(300_000);
    await hold("C8");
  });
});

test("a customer whose holds another transaction is just expiring is not told that there are too many", async () => {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const other = await givenShow(app);
  for (const seat of ["D1", "D2", "D3", "D4", "D5"])
    await holdSeats(deps, customer, { showId, seatNumbers: [seat] });
  for (const { bookingId } of (await listOwnBookings(deps, customer, { limit: 10 })).items)
    deps.monitors.disarm(bookingId);
  clock.advance(300_000);
  const rival = await connectOnce(app.databaseUrl);
  await rival.query("begin");
  await rival.query("select id from booking where customer_username = $1 for update", [customer.username]);
  const holding = holdSeats(deps, customer, { showId: other, seatNumbers: ["D6"] });
  await untilBlocked(app);
  await rival.query("update booking set status = 'Expired', ended_at = $2 where customer_username = $1", [
    customer.username,
    clock.now(),
  ]);
  await rival.query("update seat_claim set booking_id = null, free_after = '-infinity' where show_id = $1", [
    showId,
  ]);
  await rival.query("commit");
  await rival.end();
  expect((await holding).seatNumbers).toEqual(["D6"]);
});

test("holds beyond the limit that an older system let happen leave room for none", async () => {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const hold = (seat: string) => holdSeats(deps, customer, { showId, seatNumbers: [seat] });
  for (const seat of ["E1", "E2", "E3", "E4"]) await hold(seat);
  await app.sql.query("update booking set hold_slot = hold_slot + 5 where customer_username = $1", [
    customer.username,
  ]);
  await hold("E5");
  expect(await refusalOf(hold("E6"))).toBe("TOO_MANY_HOLDS");
});

test("P3: of 20 parallel holds of one customer at most five live", async () => {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const holds = Array.from(
    { length: 20 },
    (_, index) => async () =>
      holdSeats(deps, customer, { showId, seatNumbers: [`${"AB"[index % 2]}${Math.floor(index / 2) + 1}`] }),
  );
  const { won, lost } = outcomesOf(await together(holds));
  expect(won).toHaveLength(maxLiveHolds);
  expect(new Set(lost)).toEqual(new Set(["TOO_MANY_HOLDS"]));
});

describe("near the start of the show", () => {
  const startOf = (showId: number) => app.sql.query("select starts_at from show where id = $1", [showId]);
  const at = async (showId: number, offsetMs: number) => {
    const [row] = await startOf(showId);
    clock.set(new Date((row!["starts_at"] as Date).getTime() + offsetMs));
  };

  test("a hold ends with the start, but lives thirty seconds at least, and the exact start is still in time", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const lifeOf = async (seat: string) =>
      (await holdSeats(deps, customer, { showId, seatNumbers: [seat] })).timeRemainingMs;
    await at(showId, -300_000);
    expect(await lifeOf("A1")).toBe(300_000);
    await at(showId, -299_999);
    expect(await lifeOf("A2")).toBe(299_999);
    await at(showId, -29_999);
    expect(await lifeOf("A3")).toBe(30_000);
    await at(showId, 0);
    expect(await lifeOf("A4")).toBe(30_000);
    await at(showId, 1);
    expect(await refusalOf(lifeOf("A5"))).toBe("SHOW_ALREADY_STARTED");
  });

  test("a HOLD_SECONDS shorter than thirty wins over that floor", async () => {
    const showId = await givenShow(app, { date: "2026-03-12" });
    await at(showId, 0);
    const hold = await holdSeats(shortHolds.deps, await givenCustomer(deps), { showId, seatNumbers: ["A1"] });
    expect(hold.timeRemainingMs).toBe(10_000);
  });
});
