import {
  constraints,
  countLiveHolds,
  expireBookings,
  findWantedSeats,
  inTransaction,
  insertHold,
  isRetryable,
  listOverdueHolds,
  violatedConstraint,
  type NewHold,
  type WantedSeat,
} from "@skyfox/db";
import { Decimal, maxLiveHolds, minHoldSeconds, type Hold, type HoldSeatsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { seatPrices } from "../show/seat-prices.ts";
import { assertInWindow } from "../show/window.ts";

// Each lost race means that somebody else got what both went for; a handful of tries is more than enough.
const maxTries = 20;

/**
 * Holds one to ten seats of a show, all or none, for five minutes. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`, `SHOW_CANCELLED`,
 * `SHOW_ALREADY_STARTED`, `INVALID_SEAT`, `SEATS_UNAVAILABLE`, `TOO_MANY_HOLDS`, or `RATE_LIMITED` after too many calls in a
 * minute, whatever became of them.
 */
export async function holdSeats(deps: Deps, user: User, input: HoldSeatsInput): Promise<Hold> {
  await deps.limits.count("holds", { account: user.username, address: user.address });
  const seatNumbers = input.seatNumbers.toSorted(bySeat);
  for (let tries = 0; tries < maxTries; tries += 1) {
    const hold = await tryToHold(deps, user, { ...input, seatNumbers });
    if (hold === undefined) continue;
    deps.monitors.arm(hold.bookingId, hold.expiresAt);
    return { ...hold, timeRemainingMs: Math.max(0, hold.expiresAt.getTime() - deps.clock.now().getTime()) };
  }
  throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers } });
}

// Looks, decides, and writes; undefined when what was true at the look no longer was at the write.
async function tryToHold(
  deps: Deps,
  user: User,
  { showId, seatNumbers }: HoldSeatsInput,
): Promise<Omit<Hold, "timeRemainingMs"> | undefined> {
  const seats = await findWantedSeats(deps.db, { showId, seatNumbers });
  const now = deps.clock.now();
  const show = assertOnSale(deps, user, seats, now);
  const overdue = assertFree(seats, now);

  const expiresAt = holdUntil(deps, show.startsAt, now);
  const amountDue = priceOf(seats);
  const { screenId, date } = show;
  const { username } = user;
  const hold = { username, showId, screenId, date, seatNumbers, amountDue, now, expiresAt, maxLiveHolds };
  try {
    const bookingId =
      overdue.length === 0 ? await insertHold(deps.db, hold) : await takeOver(deps, overdue, hold);
    return bookingId === undefined ? undefined : { bookingId, showId, seatNumbers, amountDue, expiresAt };
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === constraints.noHoldSlot) await assertBelowLimit(deps, user, now);
    if ((constraint !== undefined && raceLosses.has(constraint)) || isRetryable(error)) return undefined;
    throw error;
  }
}

const raceLosses = new Set<string>([
  constraints.seatTaken,
  constraints.holdSlotTaken,
  constraints.noHoldSlot,
]);

// An overdue hold never blocks a seat: its booking is expired in the transaction that takes the seat over.
async function takeOver(deps: Deps, overdue: number[], hold: NewHold): Promise<number | undefined> {
  return await inTransaction(deps.db, async (tx) => {
    await expireBookings(tx, overdue, hold.now);
    return await insertHold(tx, hold);
  });
}

// No slot was free. Holds whose time is over do not count, whether or not anybody has written that yet.
async function assertBelowLimit(deps: Deps, user: User, now: Date): Promise<void> {
  await expireBookings(deps.db, await listOverdueHolds(deps.db, user.username, now), now);
  if ((await countLiveHolds(deps.db, user.username)) >= maxLiveHolds) {
    throw new DomainError({ code: "TOO_MANY_HOLDS", details: { max: maxLiveHolds } });
  }
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

// The bookings that still claim some of these seats although their time is over; a claim that is live refuses the hold.
function assertFree(seats: WantedSeat[], now: Date): number[] {
  const claimed = seats.filter((seat) => seat.claimedBy !== null);
  const taken = claimed.filter((seat) => seat.freeAfter === null || seat.freeAfter > now);
  if (taken.length > 0)
    throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers: numbersOf(taken) } });
  return [...new Set(claimed.flatMap((seat) => seat.claimedBy ?? []))];
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
