import {
  cancelHold,
  cancelSeenHold,
  retryConflicts,
  seeHold,
  type BookingRow,
  type CancelOutcome,
  type HoldToCancel,
} from "@skyfox/db";
import type { Booking, BookingIdInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, KeyTaken, type Call, type Keep } from "../idempotency/call.ts";
import { describeBooking } from "./describe-booking.ts";
import type { BookingDeps } from "./ports.ts";

// Each lost try means that the booking was changed and is a pending hold still: its payment failed meanwhile, for one.
const maxTries = 20;

/**
 * Gives a pending hold up: its seats are free at once. Throws `BOOKING_NOT_FOUND`, `PAYMENT_IN_PROGRESS` while it is being paid, and
 * `INVALID_BOOKING_STATUS` in any other state, an overdue hold being Expired.
 */
export async function cancelBooking(
  deps: BookingDeps & Pick<Deps, "monitors">,
  user: User,
  input: BookingIdInput,
  call: Call = callWithoutKey(deps),
): Promise<Booking> {
  const { bookingId } = input;
  const hold = { bookingId, username: user.username, stoppedAt: deps.clock.standsAt ?? null };
  const cancelled = await call.commitStatement<Booking>(async (keep) => {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const answer = await retryConflicts(() => tryToCancel(deps, hold, keep));
      if (answer !== undefined) return answer;
    }
    throw new Error(`Booking ${bookingId} was changed again and again while it was cancelled.`);
  });
  deps.monitors.disarm(bookingId);
  return cancelled;
}

// Undefined: it was changed after it was read. An answer that is kept with its key has to be there before the statement that cancels.
async function tryToCancel(
  deps: BookingDeps,
  hold: HoldToCancel,
  keep: Keep<Booking> | undefined,
): Promise<Booking | undefined> {
  if (keep === undefined) {
    const cancelled = await cancelHold(deps.db, hold);
    if (cancelled === undefined) throw new DomainError({ code: "BOOKING_NOT_FOUND" });
    return isDone(deps, cancelled) ? describeCancelled(deps, cancelled.row) : undefined;
  }
  const seen = await seeHold(deps.db, hold);
  if (seen === undefined) throw new DomainError({ code: "BOOKING_NOT_FOUND" });
  const answer = describeCancelled(deps, seen);
  const outcome = await cancelSeenHold(deps.db, seen, hold, keep(answer));
  if (outcome === "key taken") throw new KeyTaken();
  return isDone(deps, outcome) ? answer : undefined;
}

function isDone(deps: BookingDeps, { outcome, status, readAt }: CancelOutcome): boolean {
  // The function has decided; the clock learns of the reading.
  deps.clock.nowFrom(readAt);
  if (outcome === "refused" && status === "Paying") throw new DomainError({ code: "PAYMENT_IN_PROGRESS" });
  if (outcome === "refused") throw new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
  return outcome === "done";
}

function describeCancelled(deps: BookingDeps, row: BookingRow): Booking {
  return describeBooking(deps, { ...row, status: "Cancelled" });
}
