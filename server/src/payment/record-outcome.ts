import {
  completeTooLate,
  getPaymentState,
  hasRefund,
  insertRefund,
  inTransaction,
  isOpenPayment,
  release,
  type OpenPayment,
  type PaymentState,
  type Tx,
} from "@skyfox/db";
import { Decimal } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError, type Problem } from "../errors/domain-error.ts";
import { keepPaymentAnswer } from "../idempotency/kept-answer.ts";
import type { ChargeOutcome, LockedSubject, NotCharged, PaymentSubject } from "./ports.ts";
import { nextQuestionAt } from "./when-to-ask.ts";

/** What is known for certain of a charge. */
export type KnownOutcome = Exclude<ChargeOutcome, { kind: "unknown" }>;

/** What recording an outcome has come to. */
export interface Recorded<Answer> {
  /** What the payer is answered. */
  answer: Answer | DomainError;
  /** Until when the payer can try again; null where that is not so. */
  retryUntil: Date | null;
}

/**
 * Records what the gateway has done, and answers the payer. A charge is used if its subject still waits for it; otherwise, and where the payment
 * counted as not charged already, the card's money is to go back. Without a charge the wallet's part is available again, and the subject goes
 * on without the payment. Recording it twice, or from two servers at once, does no harm. The refusals: `PAYMENT_DECLINED`,
 * `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`, and what the subject says of a charge that goes back.
 */
export async function recordOutcome<Answer>(
  deps: Pick<Deps, "db" | "clock">,
  subject: PaymentSubject<Answer>,
  payment: OpenPayment,
  outcome: KnownOutcome,
): Promise<Answer | DomainError> {
  const { answer, retryUntil } = await inTransaction(deps.db, (tx) =>
    recordOutcomeIn(tx, deps, subject, payment, outcome),
  );
  if (retryUntil !== null) subject.watch(payment, retryUntil);
  return answer;
}

/** `recordOutcome` as a step of the caller's transaction; after the commit the caller lets the subject watch `retryUntil`. */
export async function recordOutcomeIn<Answer>(
  tx: Tx,
  { clock }: Pick<Deps, "clock">,
  subject: PaymentSubject<Answer>,
  payment: OpenPayment,
  outcome: KnownOutcome,
): Promise<Recorded<Answer>> {
  const locked = await subject.lock(tx, payment);
  const state = await getPaymentState(tx, payment.id);
  const isOpen = isOpenPayment(state.status);
  if (outcome.kind !== "success") {
    const retryUntil = isOpen ? await giveUp(locked, state, outcome) : null;
    const problem = refusalOf(outcome, retryUntil);
    // A definite no of the gateway is an answer to keep; that it could not be reached is none.
    if (isOpen)
      await keepPaymentAnswer(tx, clock, payment.id, outcome.kind === "failed" ? null : { refusal: problem });
    return { answer: new DomainError(problem), retryUntil };
  }
  const { transactionId } = outcome;
  if (isOpen && locked.isWaiting) {
    const answer = await locked.accept({ transactionId, reserved: state.reserved });
    await keepPaymentAnswer(tx, clock, payment.id, { answer });
    return { answer, retryUntil: null };
  }
  const isDone = state.status === "Completed";
  if (isDone && !(await hasRefund(tx, payment.id)))
    return { answer: await locked.answer(), retryUntil: null };
  const { reason, refusal } = await locked.refuse(state.status);
  if (!isDone) await giveChargeBack(tx, payment, state, { transactionId, reason, now: locked.now });
  await keepPaymentAnswer(tx, clock, payment.id, null);
  return { answer: refusal, retryUntil: null };
}

async function giveUp(
  locked: LockedSubject<unknown>,
  { reserved }: PaymentState,
  outcome: NotCharged,
): Promise<Date | null> {
  const { now } = locked;
  switch (outcome.kind) {
    case "declined":
      return await locked.giveUp({ status: "Declined", error: outcome.message, askAgainAt: null, reserved });
    case "rejected":
      return await locked.giveUp({
        status: "Rejected",
        error: "card details refused",
        askAgainAt: null,
        reserved,
      });
    case "failed":
      return await locked.giveUp({
        status: "Failed",
        error: outcome.reason,
        askAgainAt: nextQuestionAt(now, now),
        reserved,
      });
  }
}

function refusalOf(outcome: NotCharged, retryUntil: Date | null): Problem {
  switch (outcome.kind) {
    case "declined":
      return { code: "PAYMENT_DECLINED", details: { retryUntil } };
    case "rejected":
      return { code: "PAYMENT_VALIDATION_FAILED", details: { errors: outcome.errors } };
    case "failed":
      return { code: "PAYMENT_GATEWAY_UNAVAILABLE" };
  }
}

// The card's part alone: what was reserved of the wallet is free again.
async function giveChargeBack(
  tx: Tx,
  payment: OpenPayment,
  { reserved }: PaymentState,
  charge: { transactionId: string; reason: string; now: Date },
): Promise<void> {
  const { id: paymentId, bookingId, cardAmount } = payment;
  const { transactionId, reason, now } = charge;
  await release(tx, payment.username, reserved);
  await completeTooLate(tx, paymentId, { transactionId, now });
  await insertRefund(tx, {
    reason,
    now,
    bookingId,
    paymentId,
    destination: "source",
    amount: cardAmount,
    cardAmount,
    walletAmount: new Decimal(0),
    refundedBy: null,
  });
}
