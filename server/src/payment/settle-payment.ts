import { confirmFailed, findCardRefund, hasReference, type Tx } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { ResolvePaymentOutput, SettlePaymentInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { giveBack, type ReconcilingDeps } from "./reconcile-payments.ts";
import { recordOutcomeIn } from "./record-outcome.ts";
import { keepRefundsWaiting } from "./waiting-refunds.ts";
import { callIsOverAt } from "./when-to-ask.ts";
import { chargeOf, describeOutcome, getPayment } from "./payment-outcome.ts";

/**
 * Records what the gateway's own books say of a payment in doubt, as if the gateway had said it: `charged` confirms the booking while its seats
 * are still held for it, and otherwise gives the money back; `notCharged` ends the payment. Audited with reason and reference. Throws
 * `PAYMENT_NOT_FOUND`, `PAYMENT_NOT_IN_DOUBT` once it is settled, `PAYMENT_IN_PROGRESS` until our call is twenty seconds old, and
 * `VALIDATION_ERROR` for the reference of another payment.
 */
export async function settlePayment(
  deps: ReconcilingDeps,
  admin: User,
  input: SettlePaymentInput,
  call: Call = callWithoutKey(deps),
): Promise<ResolvePaymentOutput> {
  const { paymentId } = input;
  let watch: (() => void) | undefined;
  return await call.inSteps({
    async begin(tx) {
      const payment = await lockInDoubt(deps, tx, paymentId);
      watch = undefined;
      if (input.outcome === "charged") {
        await recordCharged(deps, tx, payment, input.reference);
      } else if (payment.contested) {
        await confirmFailed(tx, paymentId, null);
      } else {
        const subject = deps.subjects.of(payment);
        const failed = { kind: "failed", reason: "the gateway's own books have no charge" } as const;
        const { retryUntil } = await recordOutcomeIn(tx, deps, subject, payment, failed);
        if (retryUntil !== null) watch = () => subject.watch(payment, retryUntil);
      }
      await recordAudit(tx, deps.clock, admin, {
        action: "payment-settled",
        subject: payment.username,
        details: {
          paymentId,
          outcome: input.outcome,
          reference: input.reference ?? null,
          reason: input.reason,
        },
      });
    },
    async goOn() {
      watch?.();
      const refund = await findCardRefund(deps.db, paymentId);
      // What the gateway does not do now is the reconciler's, and so is what waits to be resumed.
      if (refund?.state === "pending" && !(await keepRefundsWaiting(deps))) await giveBack(deps, refund);
    },
    describe: (tx) => describeOutcome(tx, paymentId),
  });
}

type PaymentInDoubt = Awaited<ReturnType<typeof getPayment>>;

async function lockInDoubt(deps: ReconcilingDeps, tx: Tx, paymentId: number): Promise<PaymentInDoubt> {
  const found = await getPayment(tx, paymentId);
  await assertInDoubt(tx, found);
  const { now } = await deps.subjects.of(found).lock(tx, found);
  // Another admin, the reconciler or the payer's own call may have settled it while we waited for the lock.
  const payment = await getPayment(tx, paymentId);
  await assertInDoubt(tx, payment);
  if (now < callIsOverAt(payment.startedAt, deps.clock))
    throw new DomainError({ code: "PAYMENT_IN_PROGRESS" });
  return payment;
}

async function assertInDoubt(tx: Tx, payment: PaymentInDoubt): Promise<void> {
  const charge = chargeOf(payment);
  if (charge === "unknown") return;
  const refund = await findCardRefund(tx, payment.id);
  const outcome = refund?.state === "done" ? "refunded" : charge;
  throw new DomainError({ code: "PAYMENT_NOT_IN_DOUBT", details: { outcome } });
}

async function recordCharged(
  deps: ReconcilingDeps,
  tx: Tx,
  payment: PaymentInDoubt,
  reference: string | undefined,
): Promise<void> {
  // With the reference of another charge, giving this one back would give that one back.
  if (reference !== undefined && (await hasReference(tx, reference))) {
    throw new DomainError({ code: "VALIDATION_ERROR" }, [
      { field: "reference", message: "Another payment has this reference. Look it up again." },
    ]);
  }
  const charged = { kind: "success", transactionId: reference ?? payment.gatewayKey } as const;
  await recordOutcomeIn(tx, deps, deps.subjects.of(payment), payment, charged);
}
