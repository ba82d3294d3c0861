import {
  acceptPayment,
  endPaying,
  failPayment,
  findCancelReason,
  isOpenPayment,
  lockBooking,
  release,
  releaseClaims,
  returnToPending,
  updateClaims,
  type LockedBooking,
  type OpenPayment,
  type Tx,
} from "@skyfox/db";
import { maxDeclinedCards, retrySeconds, type Booking } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { PaymentFailure, PaymentSubject } from "../payment/ports.ts";
import { describeBookingIn } from "./describe-booking.ts";
import { statusAt } from "./status-at.ts";

/**
 * Bookings as what payments are for. A charge confirms the booking while this payment keeps its seats. A payment that is not charged makes it a
 * hold again; the third declined card or its cancelled show cancels it, and without time left it expires. A charge that comes too late is
 * refused with `SHOW_CANCELLED`, `BOOKING_EXPIRED`, `INVALID_BOOKING_STATUS`, `PAYMENT_IN_PROGRESS` while another payment of the booking
 * runs, and `PAYMENT_OUTCOME_UNKNOWN` where it can still be paid.
 */
export function bookingPayments(
  deps: Pick<Deps, "clock" | "monitors" | "settings">,
): PaymentSubject<Booking> {
  return {
    async lock(tx, payment) {
      const booking = await lockBooking(tx, bookingOf(payment));
      if (booking === undefined) throw new Error(`Payment ${payment.id} belongs to no booking.`);
      const now = deps.clock.nowFrom(booking.lockedAt);
      const cancelReason = await findCancelReason(tx, booking.showId);
      const paid: Locked = { booking, now, cancelReason, payment };
      const answer = () => describeBookingIn(tx, deps, booking.id);
      return {
        now,
        isWaiting: booking.status === "Paying" && cancelReason === undefined,
        async accept({ transactionId }) {
          const charge = { paymentId: payment.id, transactionId, now, kept: undefined };
          if (!(await acceptPayment(tx, charge)))
            throw new Error(`Payment ${payment.id} was changed outside the lock that guards it.`);
          return await answer();
        },
        giveUp: (failure) => giveUp(tx, paid, failure),
        async refuse(status) {
          // What counted as not charged may find its booking being paid by another payment.
          if (isOpenPayment(status) && booking.status === "Paying")
            await end(tx, paid, "Cancelled", booking.declinedCards);
          return {
            reason: cancelReason ?? `Charged when the booking was ${booking.status}`,
            refusal: refusalOf(paid),
          };
        },
        answer,
      };
    },
    acceptAtOnce: (db, charge) => acceptPayment(db, charge),
    watch: (payment, until) => deps.monitors.arm(bookingOf(payment), until),
  };
}

interface Locked {
  booking: LockedBooking;
  now: Date;
  /** The reason when its show is cancelled. */
  cancelReason: string | undefined;
  payment: OpenPayment;
}

function bookingOf({ id, bookingId }: OpenPayment): number {
  if (bookingId === null) throw new Error(`Payment ${id} is not for a booking.`);
  return bookingId;
}

async function giveUp(tx: Tx, locked: Locked, failure: PaymentFailure): Promise<Date | null> {
  const { booking, payment, now } = locked;
  const until = booking.status === "Paying" ? await holdAgain(tx, locked, failure) : null;
  await release(tx, payment.username, failure.reserved);
  await failPayment(tx, payment.id, { ...failure, now });
  return until;
}

async function holdAgain(tx: Tx, locked: Locked, failure: PaymentFailure): Promise<Date | null> {
  const { booking, now, cancelReason } = locked;
  const isDeclined = failure.status === "Declined";
  const declinedCards = booking.declinedCards + (isDeclined ? 1 : 0);
  if (declinedCards >= maxDeclinedCards || cancelReason !== undefined)
    return await end(tx, locked, "Cancelled", declinedCards);

  // Only a declined card gives more time, and the third one none: otherwise a hold could be kept for ever.
  const earliest = isDeclined ? now.getTime() + retrySeconds * 1_000 : 0;
  const expiresAt = new Date(Math.max(booking.expiresAt?.getTime() ?? 0, earliest));
  if (expiresAt <= now) return await end(tx, locked, "Expired", declinedCards);
  await returnToPending(tx, booking.id, { expiresAt, declinedCards });
  await updateClaims(tx, booking.id, expiresAt);
  return expiresAt;
}

async function end(
  tx: Tx,
  { booking, now }: Locked,
  status: "Cancelled" | "Expired",
  declinedCards: number,
): Promise<null> {
  await endPaying(tx, booking.id, { status, declinedCards, now });
  await releaseClaims(tx, booking.id);
  return null;
}

// How things stand without the charge, which is on its way back.
function refusalOf({ booking, cancelReason, now }: Locked): DomainError {
  if (cancelReason !== undefined)
    return new DomainError({ code: "SHOW_CANCELLED", details: { reason: cancelReason } });
  const status = statusAt(booking, now);
  if (status === "Paying") return new DomainError({ code: "PAYMENT_IN_PROGRESS" });
  if (status === "Expired") return new DomainError({ code: "BOOKING_EXPIRED" });
  if (status === "Pending") return new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
  return new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
}
