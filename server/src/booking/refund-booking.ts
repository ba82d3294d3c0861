import { lockBooking } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { describeBookingIn } from "./describe-booking.ts";
import { statusAt } from "./status-at.ts";
import type { Booking, RefundBookingInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { giveBookingBack } from "../payment/give-back.ts";
import type { BookingDeps } from "./ports.ts";

/**
 * Gives a confirmed booking's money back: it is `Refunded`, its seats are free and its ticket is good no more, at once; what goes to a card
 * follows. Throws `BOOKING_NOT_FOUND`, and `INVALID_BOOKING_STATUS` for a booking in another state, a checked-in one too.
 */
export async function refundBooking(
  deps: BookingDeps,
  admin: User,
  input: RefundBookingInput,
  call: Call = callWithoutKey(deps),
): Promise<Booking> {
  const { bookingId, to, reason } = input;
  return await call.commit(async (tx) => {
    const booking = await lockBooking(tx, bookingId);
    if (booking === undefined) throw new DomainError({ code: "BOOKING_NOT_FOUND" });
    const { status } = booking;
    const now = deps.clock.nowFrom(booking.lockedAt);
    if (status !== "Confirmed") {
      const details = { status: statusAt(booking, now) };
      throw new DomainError({ code: "INVALID_BOOKING_STATUS", details });
    }
    await giveBookingBack(tx, { ...booking, status }, { to, reason, refundedBy: admin.username, now });
    await recordAudit(tx, deps.clock, admin, {
      action: "booking-refunded",
      subject: booking.username,
      details: { bookingId, to },
    });
    return await describeBookingIn(tx, deps, bookingId);
  });
}
