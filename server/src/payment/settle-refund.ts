import { findCardRefund, finishRefund, isOpenPayment } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { ResolvePaymentOutput, SettleRefundInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { callIsOverAt } from "./when-to-ask.ts";
import { describeOutcome, getPayment } from "./payment-outcome.ts";

/**
 * Records that a refund which is owed to a card is in the gateway's own books, so that it is not sent again. Audited with reason and reference.
 * Throws `PAYMENT_NOT_FOUND`, `PAYMENT_NOT_IN_DOUBT` where no refund is owed or it is done, and `PAYMENT_IN_PROGRESS` until the refund is twenty
 * seconds old.
 */
export async function settleRefund(
  deps: Pick<Deps, "db" | "clock">,
  admin: User,
  input: SettleRefundInput,
  call: Call = callWithoutKey(deps),
): Promise<ResolvePaymentOutput> {
  const { paymentId, reference, reason } = input;
  return await call.commit(async (tx) => {
    const { username, status, startedAt } = await getPayment(tx, paymentId);
    const refund = await findCardRefund(tx, paymentId);
    const now = await deps.clock.nowIn(tx);
    const isUnderWay = isOpenPayment(status) || refund?.state === "pending";
    if (isUnderWay && now < callIsOverAt(refund?.createdAt ?? startedAt, deps.clock))
      throw new DomainError({ code: "PAYMENT_IN_PROGRESS" });
    const isSettled = refund?.state === "pending" && (await finishRefund(tx, refund.id, now));
    const answer = await describeOutcome(tx, paymentId);
    if (!isSettled)
      throw new DomainError({ code: "PAYMENT_NOT_IN_DOUBT", details: { outcome: answer.outcome } });
    await recordAudit(tx, deps.clock, admin, {
      action: "refund-settled",
      subject: username === "" ? null : username,
      details: { paymentId, reference, reason },
    });
    return answer;
  });
}
