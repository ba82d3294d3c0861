import {
  constraints,
  countLiveHolds,
  expireBookings,
  inTransaction,
  insertHold,
  listOverdueHolds,
  violatedConstraint,
  type NewHold,
  type Tx,
} from "@skyfox/db";
import { maxLiveHolds, minHoldSeconds, type Hold, type HoldSeatsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Intent } from "../idempotency/intent.ts";
import { claimKey, findReplay, keepAnswer } from "../idempotency/once.ts";
import { findOffer, LostRace, untilNobodyIsFaster } from "./claim-seats.ts";

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
  const hold = await untilNobodyIsFaster(input.seatNumbers, () => tryToHold(deps, user, input, intent));
  if (hold === "key is taken") {
    // By the same call on another server: repeating it counts once.
    await counted.giveBack();
    return await holdSeats(deps, user, input, intent);
  }
  deps.monitors.arm(hold.bookingId, hold.expiresAt);
  return hold;
}

// With a key, look and write are one transaction with it; without one, one look and one statement do. A lost race leaves the key free.
async function tryToHold(
  deps: Deps,
  user: User,
  wanted: HoldSeatsInput,
  intent: Intent | undefined,
): Promise<Hold | "key is taken"> {
  try {
    if (intent === undefined) return await lookAndHold(deps, user, wanted);
    return await inTransaction(deps.db, async (tx) => {
      if (!(await claimKey(tx, deps, intent))) return "key is taken";
      const hold = await lookAndHold(deps, user, wanted, tx);
      await keepAnswer(tx, intent, hold);
      return hold;
    });
  } catch (error) {
    if (violatedConstraint(error) === constraints.noHoldSlot)
      await assertBelowLimit(deps, user, deps.clock.now());
    throw error;
  }
}

// Looks, decides, and writes.
async function lookAndHold(deps: Deps, user: User, wanted: HoldSeatsInput, tx?: Tx): Promise<Hold> {
  const { overdue, startsAt, ...offer } = await findOffer(tx ?? deps.db, deps, user, wanted);
  const expiresAt = holdUntil(deps, startsAt, offer.now);
  const { username } = user;
  const bookingId = await insertOver(deps, overdue, { ...offer, username, expiresAt, maxLiveHolds }, tx);
  if (bookingId === undefined) throw new LostRace();
  const { showId, seatNumbers, amountDue } = offer;
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

// No slot was free. Holds whose time is over do not count, whether or not anybody has written that yet.
async function assertBelowLimit(deps: Deps, user: User, now: Date): Promise<void> {
  await expireBookings(deps.db, await listOverdueHolds(deps.db, user.username, now), now);
  if ((await countLiveHolds(deps.db, user.username)) >= maxLiveHolds) {
    throw new DomainError({ code: "TOO_MANY_HOLDS", details: { max: maxLiveHolds } });
  }
}

// Until the show starts if that is sooner, but with half a minute to pay; a shorter HOLD_SECONDS wins over that floor.
function holdUntil(deps: Deps, startsAt: Date, now: Date): Date {
  const { holdSeconds } = deps.settings;
  const untilStart = startsAt.getTime() - now.getTime();
  const floorMs = Math.min(holdSeconds, minHoldSeconds) * 1_000;
  return new Date(now.getTime() + Math.max(floorMs, Math.min(holdSeconds * 1_000, untilStart)));
}
