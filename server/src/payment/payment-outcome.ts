import { findCardRefund, findPayment, isOpenPayment, type Db, type PaymentStatus } from "@skyfox/db";
import type { PaymentOutcome, ResolvePaymentOutput } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";

/** A payment with the state that it is in. Throws `PAYMENT_NOT_FOUND`. */
export async function getPayment(db: Db, paymentId: number) {
  const payment = await findPayment(db, paymentId);
  if (payment === undefined) throw new DomainError({ code: "PAYMENT_NOT_FOUND" });
  return payment;
}

/** What became of a payment: `unknown` while it is in doubt, or while its card is still to get money back. Throws `PAYMENT_NOT_FOUND`. */
export async function describeOutcome(db: Db, paymentId: number): Promise<ResolvePaymentOutput> {
  const payment = await getPayment(db, paymentId);
  const refund = await findCardRefund(db, paymentId);
  if (refund?.state === "pending") return { paymentId, outcome: "unknown" };
  return { paymentId, outcome: refund === undefined ? chargeOf(payment) : "refunded" };
}

/** What became of a payment's charge, whether or not it was given back later. */
export function chargeOf({
  status,
  contested,
}: {
  status: PaymentStatus;
  contested: boolean;
}): PaymentOutcome {
  if (isOpenPayment(status) || contested) return "unknown";
  return status === "Completed" ? "completed" : "failed";
}
