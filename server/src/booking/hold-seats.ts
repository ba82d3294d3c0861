import { isIP } from "node:net";
import {
  constraints,
  countLiveHolds,
  expireBookings,
  expireForTakeover,
  insertHold,
  listOverdueHolds,
  listPendingHolds,
  violatedConstraint,
  type BrokenBound,
  type Db,
  type NewHold,
  type Tx,
} from "@skyfox/db";
import {
  maxLiveHolds,
  maxSeatsPerScreen,
  minHoldSeconds,
  type Hold,
  type HoldSeatsInput,
} from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, KeyTaken, type Call, type Keep } from "../idempotency/call.ts";
import { networkOf } from "../limits/network.ts";
import { findOffer, LostRace, retryLostRaces, type Offer } from "./claim-seats.ts";
import type { BookingDeps } from "./ports.ts";

// A /48 of IPv6 has 65,536 networks of a caller's size; it may hold this many times as much as one of them.
const widerNetworkFactor = 10;

/**
 * Holds one to ten seats of a show, all or none, for five minutes. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`, `SHOW_CANCELLED`,
 * `SHOW_ALREADY_STARTED`, `INVALID_SEAT`, `SEATS_UNAVAILABLE`, `TOO_MANY_HOLDS` (five live holds; too many unpaid seats of the show by
 * the customer or the network; too many of its holds abandoned within an hour), or `RATE_LIMITED` after too many calls in a minute.
 */
export async function holdSeats(
  deps: BookingDeps & Pick<Deps, "limits" | "monitors">,
  user: User,
  input: HoldSeatsInput,
  call: Call = callWithoutKey(deps),
): Promise<Hold> {
  const look = (wantsId: boolean) => findOffer(deps.db, deps, user, { ...input, wantsId });
  return await countHold(deps, user, () =>
    retryLostRaces(deps, user, input, () => tryToHold(deps, user, look, call)),
  );
}

/** Counts a call that asks for seats, and starts the timer of the hold that it makes. Throws `RATE_LIMITED`, and what `work` throws. */
export async function countHold(
  deps: Pick<Deps, "limits" | "monitors">,
  user: User,
  work: () => Promise<Hold>,
): Promise<Hold> {
  const counted = await deps.limits.count("holds", { account: user.username, address: user.address });
  try {
    const hold = await work();
    deps.monitors.arm(hold.bookingId, hold.expiresAt);
    return hold;
  } catch (error) {
    // The same call was first on another server, and counts there.
    if (error instanceof KeyTaken) await counted.giveBack();
    throw error;
  }
}

/** A hold as it was answered, with the time that it has left now: none once it is paid, given up or over. */
export async function holdAsItIs(deps: Pick<Deps, "db" | "clock">, hold: Hold): Promise<Hold> {
  const [now, [pending]] = await Promise.all([
    deps.clock.nowIn(deps.db),
    listPendingHolds(deps.db, [hold.bookingId]),
  ]);
  const left = pending === undefined ? 0 : pending.expiresAt.getTime() - now.getTime();
  return { ...hold, timeRemainingMs: Math.max(0, left) };
}

/**
 * Holds the seats that `look` offers, once. Throws what `look` throws, `TOO_MANY_HOLDS`, and errors by which `isLostRace` and `isSeatLocked` know
 * that another transaction has these seats, or keeps them locked; the call's key stays free then.
 */
export async function tryToHold(
  deps: BookingDeps,
  user: User,
  look: (wantsId: boolean) => Promise<Offer>,
  call: Call,
): Promise<Hold> {
  try {
    return await call.commitStatement<Hold>(async (keep) => {
      const offer = await call.look(() => look(keep !== undefined));
      // An overdue hold never blocks a seat: its booking is expired in the transaction that takes the seat over.
      if (offer.overdue.length > 0) return await call.commit((tx) => takeOver(tx, deps, user, offer));
      return await writeHold(deps.db, deps, user, offer, keep);
    });
  } catch (error) {
    if (violatedConstraint(error) === constraints.noHoldSlot)
      await assertBelowLimit(deps, user, await deps.clock.nowIn(deps.db));
    throw error;
  }
}

async function takeOver(tx: Tx, deps: BookingDeps, user: User, offer: Offer): Promise<Hold> {
  await expireForTakeover(tx, offer.overdue, offer.now);
  return await writeHold(tx, deps, user, offer);
}

async function writeHold(
  db: Db,
  deps: BookingDeps,
  user: User,
  { overdue: _overdue, startsAt, freeId, ...offer }: Offer,
  keep?: Keep<Hold>,
): Promise<Hold> {
  const expiresAt = holdUntil(deps, startsAt, offer.now);
  const hold = { ...offer, username: user.username, expiresAt, maxLiveHolds, ...boundsOf(deps, user) };
  const { showId, seatNumbers, amountDue } = offer;
  const timeRemainingMs = expiresAt.getTime() - offer.now.getTime();
  const answerOf = (bookingId: number): Hold => {
    return { bookingId, showId, seatNumbers, amountDue, expiresAt, timeRemainingMs };
  };
  if (keep !== undefined && freeId === null) throw new Error("The look has drawn no id for the booking.");
  const withKey = keep && { bookingId: freeId!, key: keep(answerOf(freeId!)) };
  const held = await insertHold(db, hold, withKey);
  if (held === undefined) throw new LostRace();
  if (held === "key taken") throw new KeyTaken();
  if (typeof held === "object") throw tooManyHolds(held, offer.now);
  return answerOf(held);
}

/** What bounds the unpaid seats of a customer and a network, and the network that counts; null where none does. */
export function boundsOf(
  { settings: { holdLimits } }: BookingDeps,
  { address }: User,
): Pick<NewHold, "heldFrom" | "bounds"> {
  const { seatsPerAddress, ...ofCustomer } = holdLimits;
  // A screen has fewer seats than one address may hold in development: nothing is bounded there, nor where a call has no address.
  const isBounded = isIP(address) !== 0 && seatsPerAddress < maxSeatsPerScreen;
  return {
    heldFrom: isBounded ? networkOf(address) : null,
    bounds: {
      ...ofCustomer,
      seatsPerNetwork: seatsPerAddress,
      seatsPerWiderNetwork: seatsPerAddress * widerNetworkFactor,
    },
  };
}

/** The refusal by a bound, with the seconds after which it would no longer be broken if nothing but time went on. */
export function tooManyHolds({ bound, freeAt }: BrokenBound, now: Date): DomainError {
  const seconds = freeAt && Math.max(1, Math.ceil((freeAt.getTime() - now.getTime()) / 1_000));
  return new DomainError({
    code: "TOO_MANY_HOLDS",
    details: { max: bound, ...(seconds !== null && { retryAfterSeconds: seconds }) },
  });
}

// No slot was free. Holds whose time is over do not count, whether or not they are marked as expired yet.
async function assertBelowLimit(deps: BookingDeps, user: User, now: Date): Promise<void> {
  await expireBookings(deps.db, await listOverdueHolds(deps.db, user.username, now), now);
  if ((await countLiveHolds(deps.db, user.username)) >= maxLiveHolds) {
    throw new DomainError({ code: "TOO_MANY_HOLDS", details: { max: maxLiveHolds } });
  }
}

// Until the show starts if that is sooner, but with half a minute to pay; a shorter HOLD_SECONDS wins over that floor.
function holdUntil(deps: BookingDeps, startsAt: Date, now: Date): Date {
  const { holdSeconds } = deps.settings;
  const untilStart = startsAt.getTime() - now.getTime();
  const floorMs = Math.min(holdSeconds, minHoldSeconds) * 1_000;
  return new Date(now.getTime() + Math.max(floorMs, Math.min(holdSeconds * 1_000, untilStart)));
}
