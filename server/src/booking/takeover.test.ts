import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, goodCard } from "../../test/given.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { seatStatus } from "../../test/seat-status.ts";
import type { User } from "../deps.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { listOwnBookings } from "./list-own-bookings.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp();
const { deps, clock } = app;
// Nothing but the verbs acts on time here.
await deps.monitors.close();
beforeEach(() => clock.set(testStart));

const statusOf = (user: User, showId: number, seatNumber: string) =>
  seatStatus(deps, user, showId, seatNumber);

describe("P4: an overdue hold, with no monitor running,", () => {
  test("is live while now is before its end, and not at its end", async () => {
    const showId = await givenShow(app, { date: "2026-03-13" });
    const [loser, buyer] = [await givenCustomer(deps), await givenCustomer(deps)];
    const { bookingId } = await holdSeats(deps, loser, { showId, seatNumbers: ["A1", "A2"] });
    clock.advance(299_999);
    expect(await refusalOf(holdSeats(deps, buyer, { showId, seatNumbers: ["A1"] }))).toBe(
      "SEATS_UNAVAILABLE",
    );
    expect(await statusOf(buyer, showId, "A1")).toBe("held");
    clock.advance(1);
    expect(await statusOf(buyer, showId, "A1")).toBe("free");
    expect(await getBooking(deps, loser, { bookingId })).toMatchObject({
      status: "Expired",
      expiresAt: null,
    });
    expect((await listOwnBookings(deps, loser, { limit: 20, status: "Expired" })).items).toHaveLength(1);
    expect((await listOwnBookings(deps, loser, { limit: 20, status: "Pending" })).items).toHaveLength(0);
    const payment = { bookingId, method: "Card", card: goodCard } as const;
    expect(await refusalOf(payBooking(deps, loser, payment))).toBe("BOOKING_EXPIRED");
    await expect(cancelBooking(deps, loser, { bookingId })).rejects.toMatchObject({
      problem: { code: "INVALID_BOOKING_STATUS", details: { status: "Expired" } },
    });
  });

  test("loses its seats to the next buyer at once, and its booking is written as Expired with all its seats free", async () => {
    const showId = await givenShow(app, { date: "2026-03-13" });
    const [loser, buyer] = [await givenCustomer(deps), await givenCustomer(deps)];
    for (let round = 0; round < 100; round += 1) {
      const old = await holdSeats(deps, loser, { showId, seatNumbers: ["B1", "B2"] });
      clock.advance(300_000);
      const taken = await holdSeats(deps, buyer, { showId, seatNumbers: ["B1", "B3"] });
      const [row] = await app.sql.query("select status, ended_at from booking where id = $1", [
        old.bookingId,
      ]);
      expect(row).toEqual({ status: "Expired", ended_at: clock.now() });
      expect(await statusOf(buyer, showId, "B2")).toBe("free");
      await cancelBooking(deps, buyer, taken);
    }
    console.log("P4: 100 overdue holds taken over by the next buyer, 100 at once.");
  });

  test("that is being paid when its end passes keeps its seats", async () => {
    const showId = await givenShow(app, { date: "2026-03-13" });
    const [payer, buyer] = [await givenCustomer(deps), await givenCustomer(deps)];
    const { bookingId } = await holdSeats(deps, payer, { showId, seatNumbers: ["C1"] });
    const slow = app.gateway.script("slow");
    const paying = payBooking(deps, payer, { bookingId, method: "Card", card: goodCard });
    await slow.arrived;
    clock.advance(301_000);
    expect(await refusalOf(holdSeats(deps, buyer, { showId, seatNumbers: ["C1"] }))).toBe(
      "SEATS_UNAVAILABLE",
    );
    expect(await getBooking(deps, payer, { bookingId })).toMatchObject({ status: "Paying" });
    expect(await refusalOf(cancelBooking(deps, payer, { bookingId }))).toBe("PAYMENT_IN_PROGRESS");
    expect(await refusalOf(payBooking(deps, payer, { bookingId, method: "Card", card: goodCard }))).toBe(
      "PAYMENT_IN_PROGRESS",
    );
    await slow.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
    expect(await statusOf(buyer, showId, "C1")).toBe("sold");
  });
});
