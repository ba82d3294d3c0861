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
  type Tx,
  type WantedSeat,
} from "@skyfox/db";
import { Decimal, maxLiveHolds, minHoldSeconds, type Hold, type HoldSeatsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Intent } from "../idempotency/intent.ts";
import { claimKey, findReplay, keepAnswer } from "../idempotency/once.ts";
import { seatPrices } from "../show/seat-prices.ts";
import { assertInWindow } from "../show/window.ts";

// Each lost race means that somebody else got what both went for; a handful of tries is more than enough.
const maxTries = 20;

/**
 * Holds one to ten seats of a show, all or none, for five minutes. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`, `SHOW_CANCELLED`,
 * `SHOW_ALREADY_STARTED`, `INVALID_SEAT`, `SEATS_UNAVAILABLE`, `TOO_MANY_HOLDS`, or `RATE_LIMITED` after too many calls in a
 * minute, whatever became of them.
 */
export async function holdSeats(
  deps: Deps,
  user: User,
  input: HoldSeatsInput,
  intent?: Intent,
): Promise<Hold> {
  const replay = await findReplay(deps, intent);
  if (replay !== undefined) return replay.answer as Hold;
  const counted = await deps.limits.count("holds", { account: user.username, address: user.address });
  const wanted = { ...input, seatNumbers: input.seatNumbers.toSorted(bySeat) };
  for (let tries = 0; tries < maxTries; tries += 1) {
    const hold = await tryToHold(deps, user, wanted, intent);
    if (hold === undefined) continue;
    if (hold === "key is taken") {
      // By the same call on another server: repeating it counts once.
      await counted.giveBack();
      return await holdSeats(deps, user, input, intent);
    }
    deps.monitors.arm(hold.bookingId, hold.expiresAt);
    return hold;
  }
  const { seatNumbers } = wanted;
  throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers } });
}

// With a key, look and write are one transaction with it; without one, one look and one statement do. Undefined when what was true at the
// look no longer was at the write.
async function tryToHold(
  deps: Deps,
  user: User,
  wanted: HoldSeatsInput,
  intent: Intent | undefined,
): Promise<Hold | "key is taken" | undefined> {
  try {
    if (intent === undefined) return await lookAndHold(deps, user, wanted);
    return await inTransaction(deps.db, async (tx) => {
      if (!(await claimKey(tx, deps, intent))) return "key is taken";
      const hold = await lookAndHold(deps, user, wanted, tx);
      // Leaves the key free, and the next try to look again.
      if (hold === undefined) throw new LostRace();
      await keepAnswer(tx, intent, hold);
      return hold;
    });
  } catch (error) {
    if (error instanceof LostRace) return undefined;
    const constraint = violatedConstraint(error);
    if (constraint === constraints.noHoldSlot) await assertBelowLimit(deps, user, deps.clock.now());
    if ((constraint !== undefined && raceLosses.has(constraint)) || isRetryable(error)) return undefined;
    throw error;
  }
}

class LostRace extends Error {}

// Looks, decides, and writes.
async function lookAndHold(
  deps: Deps,
  user: User,
  { showId, seatNumbers }: HoldSeatsInput,
  tx?: Tx,
): Promise<Hold | undefined> {
  const seats = await findWantedSeats(tx ?? deps.db, { showId, seatNumbers });
  const now = deps.clock.now();
  const show = assertOnSale(deps, user, seats, now);
  const overdue = assertFree(seats, now);

  const expiresAt = holdUntil(deps, show.startsAt, now);
  const amountDue = priceOf(seats);
  const { screenId, date } = show;
  const { username } = user;
  const hold = { username, showId, screenId, date, seatNumbers, amountDue, now, expiresAt, maxLiveHolds };
  const bookingId = await insertOver(deps, overdue, hold, tx);
  if (bookingId === undefined) return undefined;
  const timeRemainingMs = Math.max(0, expiresAt.getTime() - deps.clock.now().getTime());
  return { bookingId, showId, seatNumbers, amountDue, expiresAt, timeRemainingMs };
}

// An overdue hold never blocks a seat: its booking is expired in the transaction that takes the seat over.
async function insertOver(
  deps: Deps,
  overdue: number[],
  hold: NewHold,
  tx: Tx | undefined,
): Promise<number | undefined> {
  if (overdue.length === 0) return await insertHold(tx ?? deps.db, hold);
  const takeOver = async (transaction: Tx) => {
    await expireBookings(transaction, overdue, hold.now);
    return await insertHold(transaction, hold);
  };
  return tx === undefined ? await inTransaction(deps.db, takeOver) : await takeOver(tx);
}

const raceLosses = new Set<string>([
  constraints.seatTaken,
  constraints.holdSlotTaken,
  constraints.noHoldSlot,
]);

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
