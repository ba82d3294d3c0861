import {
  confirmPaying,
  endPaying,
  finishPayment,
  getPaymentStatus,
  hasRefund,
  inTransaction,
  insertRefund,
  lockBooking,
  releaseClaims,
  returnToPending,
  updateClaims,
  type FinalOutcome,
  type LockedBooking,
  type OpenPayment,
  type Tx,
} from "@skyfox/db";
import { maxDeclinedCards, retrySeconds } from "../contract/index.ts";
import type { Deps } from "../deps.ts";

const open = ["Started", "Unknown"] as const;

/**
 * Records that the gateway has charged: the booking is confirmed if it is still being paid by this payment, otherwise the money is to go
 * back. Recording it twice, or from two servers at once, does no harm. Answers whether this payment has confirmed the booking.
 */
export async function recordSuccess(
  deps: Deps,
  payment: OpenPayment,
  transactionId: string,
): Promise<boolean> {
  return await inTransaction(deps.db, async (tx) => {
    const booking = await lockPaidBooking(tx, payment);
    const status = await getPaymentStatus(tx, payment.id);
    const now = deps.clock.now();
    const completed: FinalOutcome = { status: "Completed", transactionId, now };
    if (isOpen(status) && booking.status === "Paying") {
      await confirmPaying(tx, booking);
      await updateClaims(tx, booking.id, null);
      await finishPayment(tx, payment.id, open, completed);
      return true;
    }
    if (isOpen(status) || status === "Failed") {
      await finishPayment(tx, payment.id, [...open, "Failed"], completed);
      const reason = `Charged when the booking was ${booking.status}`;
      await insertRefund(tx, { paymentId: payment.id, amount: payment.amount, reason, now });
      return false;
    }
    return !(await hasRefund(tx, payment.id));
  });
}

export interface NotCharged {
  status: "Declined" | "Rejected" | "Failed";
  error: string;
  /** When the gateway is to be asked once more whether it has charged after all. */
  onceMoreAt?: Date;
}

/**
 * Records that the gateway has definitely not charged: the hold is pending again, or cancelled by the third declined card, or expired if
 * its time is over. Answers until when it is held; null when it is not.
 */
export async function recordNotCharged(
  deps: Deps,
  payment: OpenPayment,
  outcome: NotCharged,
): Promise<Date | null> {
  const expiresAt = await inTransaction(deps.db, async (tx) => {
    const booking = await lockPaidBooking(tx, payment);
    if (!isOpen(await getPaymentStatus(tx, payment.id))) return null;
    const now = deps.clock.now();
    const heldUntil = booking.status === "Paying" ? await giveHoldBack(tx, booking, outcome, now) : null;
    const { status, error, onceMoreAt } = outcome;
    await finishPayment(tx, payment.id, open, { status, error, now, ...(onceMoreAt && { onceMoreAt }) });
    return heldUntil;
  });
  if (expiresAt !== null) deps.monitors.arm(payment.bookingId, expiresAt);
  return expiresAt;
}

async function giveHoldBack(
  tx: Tx,
  booking: LockedBooking,
  outcome: NotCharged,
  now: Date,
): Promise<Date | null> {
  const isDeclined = outcome.status === "Declined";
  const declinedCards = booking.declinedCards + (isDeclined ? 1 : 0);
  const endsNow = async (status: "Cancelled" | "Expired") => {
    await endPaying(tx, booking.id, { status, declinedCards, now });
    await releaseClaims(tx, booking.id);
    return null;
  };
  if (declinedCards >= maxDeclinedCards) return await endsNow("Cancelled");

  // Only a declined card gives more time, and the third one none: otherwise a hold could be kept for ever.
  const earliest = isDeclined ? now.getTime() + retrySeconds * 1_000 : 0;
  const expiresAt = new Date(Math.max(booking.expiresAt?.getTime() ?? 0, earliest));
  if (expiresAt <= now) return await endsNow("Expired");
  await returnToPending(tx, booking.id, { expiresAt, declinedCards });
  await updateClaims(tx, booking.id, expiresAt);
  return expiresAt;
}

async function lockPaidBooking(tx: Tx, payment: OpenPayment): Promise<LockedBooking> {
  const booking = await lockBooking(tx, payment.bookingId);
  if (booking === undefined) throw new Error(`Payment ${payment.id} belongs to no booking.`);
  return booking;
}

function isOpen(status: string): boolean {
  return open.some((one) => one === status);
}
