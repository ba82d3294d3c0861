import { expireBookings, inTransaction, insertHold, lockForHold, type Tx, type WantedSeat } from "@skyfox/db";
import { Decimal, maxLiveHolds, minHoldSeconds, type Hold, type HoldSeatsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { seatPrices } from "../show/seat-prices.ts";
import { assertInWindow } from "../show/window.ts";

/**
 * Holds one to ten seats of a show, all or none, for five minutes. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`, `SHOW_CANCELLED`,
 * `SHOW_ALREADY_STARTED`, `INVALID_SEAT`, `SEATS_UNAVAILABLE` or `TOO_MANY_HOLDS`.
 */
export async function holdSeats(deps: Deps, user: User, input: HoldSeatsInput): Promise<Hold> {
  const seatNumbers = input.seatNumbers.toSorted(bySeat);
  const hold = await inTransaction(deps.db, async (tx) => {
    const seats = await lockForHold(tx, { username: user.username, showId: input.showId, seatNumbers });
    // The time counts from here: whatever we waited for, we have it now.
    const now = deps.clock.now();
    const show = assertOnSale(deps, user, seats, now);
    await freeOverdue(tx, seats, now);

    const expiresAt = holdUntil(deps, show.startsAt, now);
    const amountDue = priceOf(seats);
    const placed = await insertHold(tx, {
      username: user.username,
      showId: input.showId,
      screenId: show.screenId,
      date: show.date,
      seatNumbers,
      amountDue,
      now,
      expiresAt,
      maxLiveHolds,
    });
    if (placed.bookingId === null)
      throw new DomainError({ code: "TOO_MANY_HOLDS", details: { max: maxLiveHolds } });
    const missing = seatNumbers.filter((seat) => !placed.claimedSeats.includes(seat));
    if (missing.length > 0)
      throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers: missing } });
    return { bookingId: placed.bookingId, showId: input.showId, seatNumbers, amountDue, expiresAt };
  });
  deps.monitors.arm(hold.bookingId, hold.expiresAt);
  return { ...hold, timeRemainingMs: Math.max(0, hold.expiresAt.getTime() - deps.clock.now().getTime()) };
}

function assertOnSale(deps: Deps, user: User, seats: WantedSeat[], now: Date): WantedSeat {
  const [show] = seats;
  if (show === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
  if (show.cancelReason !== null)
    throw new DomainError({ code: "SHOW_CANCELLED", details: { reason: show.cancelReason } });
  if (now > show.startsAt) throw new DomainError({ code: "SHOW_ALREADY_STARTED" });
  assertInWindow(deps, user, show.date);
  const unknown = seats.filter((seat) => seat.seatType === null);
  if (unknown.length > 0)
    throw new DomainError({ code: "INVALID_SEAT", details: { seatNumbers: numbersOf(unknown) } });
  return show;
}

// An overdue hold never blocks a seat: its booking is expired here and now, as part of this hold.
async function freeOverdue(tx: Tx, seats: WantedSeat[], now: Date): Promise<void> {
  const claimed = seats.filter((seat) => seat.claimedBy !== null);
  const taken = claimed.filter((seat) => seat.freeAfter === null || seat.freeAfter > now);
  if (taken.length > 0)
    throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers: numbersOf(taken) } });
  const overdue = new Set(claimed.flatMap((seat) => seat.claimedBy ?? []));
  if (overdue.size > 0) await expireBookings(tx, [...overdue], now);
}

// Until the show starts if that is sooner, but with half a minute to pay; a shorter HOLD_SECONDS wins over that floor.
function holdUntil(deps: Deps, startsAt: Date, now: Date): Date {
  const { holdSeconds } = deps.settings;
  const untilStart = startsAt.getTime() - now.getTime();
  const floorMs = Math.min(holdSeconds, minHoldSeconds) * 1_000;
  return new Date(now.getTime() + Math.max(floorMs, Math.min(holdSeconds * 1_000, untilStart)));
}

function priceOf(seats: WantedSeat[]): Decimal {
  return seats.reduce((sum, seat) => {
    return seat.seatType === null ? sum : sum.plus(seatPrices(seat.cost)[seat.seatType]);
  }, new Decimal(0));
}

function numbersOf(seats: WantedSeat[]): string[] {
  return seats.map((seat) => seat.seatNumber);
}

// A1, A2, A10, B1, …, AA1.
function bySeat(one: string, other: string): number {
  const [row, otherRow] = [one.replace(/\d+$/, ""), other.replace(/\d+$/, "")];
  if (row !== otherRow) return row.length - otherRow.length || (row < otherRow ? -1 : 1);
  return Number(one.slice(row.length)) - Number(other.slice(row.length));
}
