import { cancelPending, lockBooking, releaseClaims } from "@skyfox/db";
import type { Booking, BookingIdInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { describeBookingIn } from "./describe-booking.ts";
import { statusAt } from "./status-at.ts";
import type { BookingDeps } from "./ports.ts";

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
  const cancelled = await call.commit(async (tx) => {
    const booking = await lockBooking(tx, bookingId);
    if (booking === undefined || booking.username !== user.username)
      throw new DomainError({ code: "BOOKING_NOT_FOUND" });
    if (booking.status === "Paying") throw new DomainError({ code: "PAYMENT_IN_PROGRESS" });
    const now = deps.clock.nowFrom(booking.lockedAt);
    const status = statusAt(booking, now);
    if (status !== "Pending") throw new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
    await cancelPending(tx, bookingId, now);
    await releaseClaims(tx, bookingId);
    return await describeBookingIn(tx, deps, bookingId);
  });
  deps.monitors.disarm(bookingId);
  return cancelled;
}
