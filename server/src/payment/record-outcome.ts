import {
  addToWallet,
  confirmPaying,
  deductFromWallet,
  endPaying,
  findCancelReason,
  finishPayment,
  getPaymentState,
  hasRefund,
  inTransaction,
  insertRefund,
  lockBooking,
  lockWallet,
  release,
  releaseClaims,
  returnToPending,
  updateClaims,
  type LockedBooking,
  type OpenPayment,
  type Tx,
} from "@skyfox/db";
import { Decimal, maxDeclinedCards, retrySeconds } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { keepPaymentAnswer } from "../idempotency/kept-answer.ts";
import { nextQuestionAt } from "./when-to-ask.ts";

const open = ["Started", "Unknown"] as const;
const notCompleted = [...open, "Failed", "Declined", "Rejected"] as const;

/** What the caller of a payment is answered when it has succeeded, as it is in the transaction that records that. */
export type DescribePaid<Answer> = (tx: Tx, payment: OpenPayment) => Promise<Answer>;

/**
 * Records that the gateway has charged. A booking is confirmed if it is still being paid by this payment, and its wallet part spent. Without a
 * booking the money is added to the wallet. Where the payment counted as not charged already, or the booking has gone on, the card's money
 * is to go back. Recording it twice, or from two servers at once, does no harm. Answers what the caller is told: when the money goes back
 * `SHOW_CANCELLED`, `BOOKING_EXPIRED`, `INVALID_BOOKING_STATUS`, `PAYMENT_IN_PROGRESS` while another payment of the booking runs, and
 * `PAYMENT_OUTCOME_UNKNOWN` for funds and for a booking that can still be paid.
 */
export async function recordSuccess<Answer>(
  deps: Deps,
  payment: OpenPayment,
  transactionId: string,
  describe: DescribePaid<Answer>,
): Promise<Answer | DomainError> {
  return await inTransaction(deps.db, (tx) => recordSuccessIn(tx, deps, payment, transactionId, describe));
}

/** `recordSuccess` as a step of the caller's transaction. */
export async function recordSuccessIn<Answer>(
  tx: Tx,
  deps: Deps,
  payment: OpenPayment,
  transactionId: string,
  describe: DescribePaid<Answer>,
): Promise<Answer | DomainError> {
  const used = await usePayment(deps, tx, payment, transactionId);
  if (used instanceof DomainError) {
    await keepPaymentAnswer(tx, deps.clock, payment.id, undefined);
    return used;
  }
  const answer = await describe(tx, payment);
  if (used === "now") await keepPaymentAnswer(tx, deps.clock, payment.id, { answer });
  return answer;
}

async function usePayment(
  deps: Deps,
  tx: Tx,
  payment: OpenPayment,
  transactionId: string,
): Promise<"now" | "before" | DomainError> {
  const { id: paymentId, username, walletAmount, cardAmount } = payment;
  const { booking, now } = await lockWhatIsPaid(deps, tx, payment);
  const { status, reserved } = await getPaymentState(tx, paymentId);
  const completed = { status: "Completed", transactionId, now } as const;
  const added = { username, bookingId: payment.bookingId, paymentId, transactionId, now };

  const cancelReason = booking && (await findCancelReason(tx, booking.showId));
  if (status === "Completed")
    return (await hasRefund(tx, paymentId)) ? refusalOf(booking, cancelReason, now) : "before";
  if (booking === undefined && isOpen(status)) {
    await finishPayment(tx, paymentId, open, completed);
    await addToWallet(tx, { ...added, amount: cardAmount });
    return "now";
  }
  if (booking !== undefined && isOpen(status) && booking.status === "Paying" && cancelReason === undefined) {
    await confirmPaying(tx, booking.id, payment);
    await updateClaims(tx, booking.id, null);
    if (payment.method === "Wallet") {
      const amount = walletAmount.plus(cardAmount);
      if (!cardAmount.isZero()) await addToWallet(tx, { ...added, amount: cardAmount });
      await deductFromWallet(tx, { ...added, amount, reserved });
    }
    await finishPayment(tx, paymentId, open, completed);
    return "now";
  }
  // What counted as not charged may find its booking being paid by another payment.
  if (booking?.status === "Paying" && isOpen(status)) await endCancelled(tx, booking, now);
  await release(tx, username, reserved);
  await finishPayment(tx, paymentId, notCompleted, { ...completed, cardOnly: true });
  const state = booking === undefined ? `the payment was ${status}` : `the booking was ${booking.status}`;
  await giveCardPartBack(tx, payment, { reason: cancelReason ?? `Charged when ${state}`, now });
  return refusalOf(booking, cancelReason, now);
}

// What the payer is told of a charge that is on its way back: how things stand without it.
function refusalOf(
  booking: LockedBooking | undefined,
  cancelReason: string | undefined,
  now: Date,
): DomainError {
  if (cancelReason !== undefined)
    return new DomainError({ code: "SHOW_CANCELLED", details: { reason: cancelReason } });
  if (booking === undefined) return new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
  const { status, expiresAt } = booking;
  if (status === "Paying") return new DomainError({ code: "PAYMENT_IN_PROGRESS" });
  const isOverdue = expiresAt !== null && expiresAt <= now;
  if (status === "Expired" || (status === "Pending" && isOverdue))
    return new DomainError({ code: "BOOKING_EXPIRED" });
  if (status === "Pending") return new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
  return new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
}

async function giveCardPartBack(
  tx: Tx,
  payment: OpenPayment,
  refund: { reason: string; now: Date },
): Promise<void> {
  const { cardAmount } = payment;
  await insertRefund(tx, {
    ...refund,
    bookingId: payment.bookingId,
    paymentId: payment.id,
    destination: "source",
    amount: cardAmount,
    cardAmount,
    walletAmount: new Decimal(0),
    refundedBy: null,
  });
}

/** What the gateway has not charged, and why; a `Failed` one is asked about again, in case it is charged late. */
export type NotCharged =
  | { status: "Declined"; error: string }
  | { status: "Rejected"; error: string; errors: { field: string; message: string }[] }
  | { status: "Failed"; error: string };

/**
 * Records that the gateway has definitely not charged: the wallet part is available again, and the hold is pending again, or cancelled by the
 * third declined card or with its show, or expired if its time is over. Answers until when it is held; null when it is not.
 */
export async function recordNotCharged(
  deps: Deps,
  payment: OpenPayment,
  outcome: NotCharged,
): Promise<Date | null> {
  const { bookingId } = payment;
  const expiresAt = await inTransaction(deps.db, (tx) => recordNotChargedIn(tx, deps, payment, outcome));
  if (expiresAt !== null && bookingId !== null) deps.monitors.arm(bookingId, expiresAt);
  return expiresAt;
}

/** `recordNotCharged` as a step of the caller's transaction; the caller arms the hold's monitor after the commit. */
export async function recordNotChargedIn(
  tx: Tx,
  deps: Deps,
  payment: OpenPayment,
  outcome: NotCharged,
): Promise<Date | null> {
  const { booking, now } = await lockWhatIsPaid(deps, tx, payment);
  const { status, reserved } = await getPaymentState(tx, payment.id);
  if (!isOpen(status)) return null;
  const heldUntil = booking?.status === "Paying" ? await giveHoldBack(tx, booking, outcome, now) : null;
  await release(tx, payment.username, reserved);
  const askAgainAt = outcome.status === "Failed" ? nextQuestionAt(now, now) : null;
  await finishPayment(tx, payment.id, open, {
    status: outcome.status,
    error: outcome.error,
    now,
    askAgainAt,
  });
  await keepOrFree(deps, tx, payment, outcome, heldUntil);
  return heldUntil;
}

// A definite no of the gateway is an answer to keep; that it could not be reached is none.
async function keepOrFree(
  deps: Deps,
  tx: Tx,
  payment: OpenPayment,
  outcome: NotCharged,
  retryUntil: Date | null,
): Promise<void> {
  if (outcome.status === "Declined") {
    const refusal = { code: "PAYMENT_DECLINED", details: { retryUntil } } as const;
    await keepPaymentAnswer(tx, deps.clock, payment.id, { refusal });
  } else if (outcome.status === "Rejected") {
    const { errors } = outcome;
    const refusal = { code: "PAYMENT_VALIDATION_FAILED", details: { errors } } as const;
    await keepPaymentAnswer(tx, deps.clock, payment.id, { refusal });
  } else {
    await keepPaymentAnswer(tx, deps.clock, payment.id, undefined);
  }
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
  if ((await findCancelReason(tx, booking.showId)) !== undefined) return await endsNow("Cancelled");

  // Only a declined card gives more time, and the third one none: otherwise a hold could be kept for ever.
  const earliest = isDeclined ? now.getTime() + retrySeconds * 1_000 : 0;
  const expiresAt = new Date(Math.max(booking.expiresAt?.getTime() ?? 0, earliest));
  if (expiresAt <= now) return await endsNow("Expired");
  await returnToPending(tx, booking.id, { expiresAt, declinedCards });
  await updateClaims(tx, booking.id, expiresAt);
  return expiresAt;
}

// The show was cancelled while its payment was under way: the seats are nobody's any more.
async function endCancelled(tx: Tx, booking: LockedBooking, now: Date): Promise<void> {
  const { declinedCards } = booking;
  await endPaying(tx, booking.id, { status: "Cancelled", declinedCards, now });
  await releaseClaims(tx, booking.id);
}

/**
 * Locks a payment's booking, or the wallet that it adds to: every decision about the payment is made under that lock, by the time at which it
 * was had.
 */
export async function lockWhatIsPaid(
  { clock }: Pick<Deps, "clock">,
  tx: Tx,
  payment: OpenPayment,
): Promise<{ booking: LockedBooking | undefined; now: Date }> {
  if (payment.bookingId === null) {
    const { lockedAt } = await lockWallet(tx, payment.username);
    return { booking: undefined, now: clock.nowFrom(lockedAt) };
  }
  const booking = await lockBooking(tx, payment.bookingId);
  if (booking === undefined) throw new Error(`Payment ${payment.id} belongs to no booking.`);
  return { booking, now: clock.nowFrom(booking.lockedAt) };
}

/** Whether the outcome of a payment in this status is still to be learnt. */
export function isOpen(status: string): boolean {
  return open.some((one) => one === status);
}
