import {
  constraints,
  findWantedSeats,
  isRetryable,
  isSeatLocked,
  violatedConstraint,
  type Db,
  type WantedSeat,
} from "@skyfox/db";
import { Decimal } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { seatPrices } from "../show/seat-prices.ts";
import { assertInWindow } from "../show/window.ts";
import type { BookingDeps } from "./ports.ts";

// Each lost race means that another customer got the seats; a handful of tries is more than enough.
const maxTries = 20;

/** Seats of a show that are free for the person at this moment, and what they cost. */
export interface Offer {
  showId: number;
  screenId: number;
  /** The show's date in the cinema's zone. */
  date: string;
  startsAt: Date;
  /** By row and number. */
  seatNumbers: string[];
  amountDue: Decimal;
  /** Bookings that still claim some of these seats although their time is over. Taking the seats expires them along with it. */
  overdue: number[];
  /** The moment at which all of this is true. */
  now: Date;
  /** An id for the booking, where one was asked for. */
  freeId: number | null;
}

/** Seats of a show that a person wants; what the booking `heldBy` claims of them counts as free. */
export interface Wanted {
  showId: number;
  seatNumbers: string[];
  heldBy?: number;
}

/**
 * Looks whether the person may have all of these seats now, and prices them. Throws `SHOW_NOT_FOUND`, `SHOW_CANCELLED`,
 * `SHOW_ALREADY_STARTED`, `DATE_OUT_OF_RANGE`, `INVALID_SEAT`, `SEATS_UNAVAILABLE`.
 */
export async function findOffer(
  db: Db,
  deps: BookingDeps,
  user: User,
  wanted: Wanted & { wantsId?: boolean },
): Promise<Offer> {
  const { showId, heldBy, wantsId = false } = wanted;
  const seatNumbers = wanted.seatNumbers.toSorted(bySeat);
  const seats = await findWantedSeats(db, { showId, seatNumbers, wantsId });
  const { screenId, date, startsAt, now, freeId } = assertOnSale(deps, user, seats);
  const overdue = assertFree(
    seats.filter((seat) => heldBy === undefined || seat.claimedBy !== heldBy),
    now,
  );
  return { showId, screenId, date, startsAt, seatNumbers, amountDue: priceOf(seats), overdue, now, freeId };
}

/** What was true of an offer no longer is: look again. */
export class LostRace extends Error {}

const raceLosses = new Set<string>([
  constraints.seatTaken,
  constraints.holdSlotTaken,
  constraints.noHoldSlot,
]);

/**
 * Tries to claim seats again while another customer was faster. Throws `SEATS_UNAVAILABLE` after the last try, and when a claim stays
 * locked, as by a server that is frozen: it names the seats that are taken by then, or else all of them.
 */
export async function retryLostRaces<Result>(
  deps: BookingDeps,
  user: User,
  wanted: Wanted,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (isSeatLocked(error)) {
        await findOffer(deps.db, deps, user, wanted);
        break;
      }
      if (!isLostRace(error)) throw error;
    }
  }
  const { seatNumbers } = wanted;
  throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers } });
}

/** Whether another transaction was faster, so that looking again and trying again is right. */
export function isLostRace(error: unknown): boolean {
  const constraint = violatedConstraint(error);
  return (
    error instanceof LostRace ||
    (constraint !== undefined && raceLosses.has(constraint)) ||
    isRetryable(error)
  );
}

/**
 * What the seats' show is like at this moment. Throws `SHOW_NOT_FOUND` without seats, `SHOW_CANCELLED`, `SHOW_ALREADY_STARTED`,
 * `DATE_OUT_OF_RANGE`, `INVALID_SEAT`.
 */
export function assertOnSale(deps: BookingDeps, user: User, seats: WantedSeat[]): WantedSeat & { now: Date } {
  const [show] = seats;
  if (show === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
  // Read before the seats are locked: what is over then is still over after the wait, and what is claimed since is refused by constraint.
  const now = deps.clock.nowFrom(show.readAt);
  if (show.cancelReason !== null)
    throw new DomainError({ code: "SHOW_CANCELLED", details: { reason: show.cancelReason } });
  if (now > show.startsAt) throw new DomainError({ code: "SHOW_ALREADY_STARTED" });
  assertInWindow(deps, user, show.date, now);
  const unknown = seats.filter((seat) => seat.seatType === null);
  if (unknown.length > 0)
    throw new DomainError({ code: "INVALID_SEAT", details: { seatNumbers: numbersOf(unknown) } });
  return { ...show, now };
}

// The bookings that still claim some of these seats although their time is over; a claim that is live refuses the offer.
function assertFree(seats: WantedSeat[], now: Date): number[] {
  const taken = seats.filter((seat) => isTaken(seat, now));
  if (taken.length > 0)
    throw new DomainError({ code: "SEATS_UNAVAILABLE", details: { seatNumbers: numbersOf(taken) } });
  return claimantsOf(seats);
}

/** Whether a claim on the seat is live at this moment. */
export function isTaken({ claimedBy, freeAfter }: WantedSeat, now: Date): boolean {
  return claimedBy !== null && (freeAfter === null || freeAfter > now);
}

/** The bookings that claim any of these seats. */
export function claimantsOf(seats: WantedSeat[]): number[] {
  return [...new Set(seats.flatMap((seat) => seat.claimedBy ?? []))];
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
