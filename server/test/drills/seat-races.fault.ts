import { databaseTime } from "@skyfox/db";
import { expect, test } from "vitest";
import { givenCustomers, givenShow, givenStaff } from "../given.ts";
import { createTestApp } from "../test-app.ts";
import { outcomesOf, together } from "../together.ts";
import { sellAtCounter } from "../../src/booking/sell-at-counter.ts";
import type { Booking, Hold } from "../../src/contract/index.ts";
import type { User } from "../../src/deps.ts";
import { cancelBooking } from "../../src/booking/cancel-booking.ts";
import { holdSeats } from "../../src/booking/hold-seats.ts";

const app = await createTestApp({ maxConnections: 20 });

test(
  "P1: of 200 buyers of one seat exactly one gets it, in each of 500 rounds",
  { timeout: 600_000 },
  async () => {
    const buyers = await givenCustomers(app.deps, 200);
    const shows: number[] = [];
    while (shows.length < 5) shows.push(await givenShow(app));
    const seats = shows.flatMap((showId) => seatNumbers.map((seat) => ({ showId, seatNumbers: [seat] })));
    const startedAt = performance.now();
    for (const seat of seats) {
      await forgetHolds();
      const { won, lost } = outcomesOf(
        await together(buyers.map((buyer) => () => holdSeats(app.deps, buyer, seat))),
      );
      expect(won).toHaveLength(1);
      expect(new Set(lost)).toEqual(new Set(["SEATS_UNAVAILABLE"]));
      await cancelHold(buyers, won[0]!);
    }
    const ms = (performance.now() - startedAt) / seats.length;
    console.log(`P1: 500 rounds of 200 buyers, one winner each; ${ms.toFixed(1)} ms a round.`);
  },
);

test(
  "P1: of 100 buyers at home and ten at the counter exactly one gets the seat, in each of 50 rounds",
  { timeout: 600_000 },
  async () => {
    const buyers = await givenCustomers(app.deps, 100);
    const admin = await givenStaff(app.deps, "admin");
    const showId = await givenShow(app);
    const walkIn = { customerName: "Walk In", phoneNumber: "9876543210" };
    const rounds = 50;
    let atCounter = 0;
    for (const [round, seat] of seatNumbers.slice(0, rounds).entries()) {
      await forgetHolds();
      const wish = { showId, seatNumbers: [seat] };
      const sell = async () => {
        // A hold counts against its limits first: in some rounds the counter comes as much later, in some less and in some more.
        for (let turn = 0; turn < round % 5; turn += 1) await databaseTime(app.deps.db);
        return await sellAtCounter(app.deps, admin, { ...walkIn, ...wish });
      };
      const { won, lost } = outcomesOf(
        await together<object>([
          ...buyers.map((buyer) => () => holdSeats(app.deps, buyer, wish)),
          ...Array.from({ length: 10 }, () => sell),
        ]),
      );
      expect(won).toHaveLength(1);
      expect(new Set(lost)).toEqual(new Set(["SEATS_UNAVAILABLE"]));
      const first = won[0] as Hold | Booking;
      if ("paymentType" in first) atCounter += 1;
      else await cancelHold(buyers, first);
    }
    const [row] = await app.sql.query(
      "select count(distinct booking_id)::int as bookings from seat_claim where show_id = $1",
      [showId],
    );
    expect(row).toEqual({ bookings: atCounter });
    // Or one of them would only ever come too late.
    expect([0, rounds]).not.toContain(atCounter);
    console.log(`P1: ${rounds} rounds of 110, one winner each; the counter was first in ${atCounter}.`);
  },
);

test(
  "P2: overlapping wishes of 100 buyers never end in a part of a booking",
  { timeout: 600_000 },
  async () => {
    const buyers = await givenCustomers(app.deps, 100);
    let bookings = 0;
    const deadlocks = async () =>
      (await app.sql.query("select deadlocks from pg_stat_database where datname = current_database()"))[0]?.[
        "deadlocks"
      ];
    const deadlocksBefore = await deadlocks();
    for (let round = 0; round < 200; round += 1) {
      await forgetHolds();
      const showId = await givenShow(app);
      const wishes = buyers.map((buyer, index) => ({ buyer, seats: someSeats(round * 1_000 + index) }));
      const { won, lost } = outcomesOf(
        await together(
          wishes.map(
            ({ buyer, seats }) =>
              () =>
                holdSeats(app.deps, buyer, { showId, seatNumbers: seats }),
          ),
        ),
      );
      expect(new Set(lost)).toEqual(new Set(["SEATS_UNAVAILABLE"]));
      const claimed = won.flatMap((hold) => hold.seatNumbers);
      expect(new Set(claimed).size).toBe(claimed.length);
      const [row] = await app.sql.query(
        "select count(*)::int as claims, count(distinct booking_id)::int as bookings from seat_claim where show_id = $1 and booking_id is not null",
        [showId],
      );
      expect(row).toEqual({ claims: claimed.length, bookings: won.length });
      bookings += won.length;
      await app.sql.query("update booking set status = 'Cancelled', ended_at = now() where show_id = $1", [
        showId,
      ]);
      await app.sql.query(
        "update seat_claim set booking_id = null, free_after = '-infinity' where show_id = $1 and booking_id is not null",
        [showId],
      );
    }
    expect(await deadlocks()).toBe(deadlocksBefore);
    console.log(`P2: 200 rounds of 100 buyers, ${bookings} whole bookings, no partial one, no deadlock.`);
  },
);

const seatNumbers = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"].flatMap((row) =>
  Array.from({ length: 10 }, (_, index) => `${row}${index + 1}`),
);

// Two to six of the first forty seats, different for every seed and the same for the same one.
function someSeats(seed: number): string[] {
  let state = (seed * 2_654_435_761) % 4_294_967_296;
  const next = (below: number) => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * below);
  };
  const chosen = new Set<string>();
  const wanted = 2 + next(5);
  while (chosen.size < wanted) chosen.add(seatNumbers[next(40)]!);
  return [...chosen];
}

// These buyers ask for seats more often than the limits allow.
async function forgetHolds(): Promise<void> {
  await app.forgetCounts();
}

async function cancelHold(buyers: User[], { bookingId }: Hold): Promise<void> {
  const [row] = await app.sql.query("select customer_username as username from booking where id = $1", [
    bookingId,
  ]);
  const winner = buyers.find(({ username }) => username === row?.["username"]);
  await cancelBooking(app.deps, winner!, { bookingId });
}
