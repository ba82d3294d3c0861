import {
  askAgainAt,
  confirmFailed,
  contestFailed,
  finishRefund,
  markPaymentUnknown,
  noteRefundFailure,
  putOffFailed,
  takeDuePayments,
  takeDueRefunds,
  type DuePayment,
  type DueRefund,
} from "@skyfox/db";
import type { Deps } from "../deps.ts";
import { recordOutcome } from "./record-outcome.ts";
import { keepRefundsWaiting } from "./waiting-refunds.ts";
import { callIsOverAt, nextQuestionAfterSilence, nextQuestionAt } from "./when-to-ask.ts";

/** What settling payments with the gateway uses. */
export type ReconcilingDeps = Pick<Deps, "db" | "clock" | "gateway" | "logger" | "subjects">;

const batchSize = 50;

/**
 * One round over every payment whose outcome is not known and every refund that is not done: asks the gateway by key, then confirms, frees
 * or gives back; after a gap in the heartbeats refunds wait for `payments:resume`. What it cannot learn stays for a later round; several servers
 * may do this at once. An aborted signal ends the round early.
 */
export async function reconcilePayments(deps: ReconcilingDeps, signal?: AbortSignal): Promise<void> {
  // Only what is due now: what becomes due during a long round waits for the next one, and the refunds get their turn.
  const turn = { limit: batchSize, now: await deps.clock.nowIn(deps.db) };
  await inBatches(signal, async () => {
    const payments = await takeDuePayments(deps.db, turn);
    await Promise.all(
      payments.map((payment) =>
        withoutEndingTheRound(
          deps,
          payment,
          askAboutPayment(deps, payment).catch(async (error: unknown) => {
            // Where people look for what is in doubt; the reason is in the log.
            await noteDoubt(deps, payment, "what the gateway said could not be recorded");
            throw error;
          }),
        ),
      ),
    );
    return payments.length;
  });
  await inBatches(signal, async () => {
    if (await keepRefundsWaiting(deps)) return 0;
    const refunds = await takeDueRefunds(deps.db, turn);
    await Promise.all(refunds.map((refund) => withoutEndingTheRound(deps, refund, giveBack(deps, refund))));
    return refunds.length;
  });
}

// What was taken has its next turn later than this round, so this ends.
async function inBatches(signal: AbortSignal | undefined, takeBatch: () => Promise<number>): Promise<void> {
  while (signal?.aborted !== true && (await takeBatch()) === batchSize);
}

/** Asks the gateway about one payment, and records what it says; false when that was nothing to go by. */
export async function askAboutPayment(deps: ReconcilingDeps, payment: DuePayment): Promise<boolean> {
  // Before the question: an answer that took its time must not make our call look older than it was.
  const now = await deps.clock.nowIn(deps.db);
  const report = await deps.gateway.findCharge({ key: payment.gatewayKey, amount: payment.cardAmount });
  deps.logger.info(
    { paymentId: payment.id, attempts: payment.attempts, report: report.kind },
    "Asked about a payment.",
  );
  const subject = deps.subjects.of(payment);
  switch (report.kind) {
    case "success":
      await recordOutcome(deps, subject, payment, report);
      return true;
    case "declined":
      if (payment.status === "Failed") await confirmFailed(deps.db, payment.id, null);
      else await recordOutcome(deps, subject, payment, { kind: "declined", message: "declined" });
      return true;
    case "unknown-key":
      if (payment.status !== "Failed") await believeUnknownKey(deps, payment, now);
      else await confirmFailed(deps.db, payment.id, nextQuestionAt(failedAtOf(payment), now));
      return true;
    case "pending":
      await noteDoubt(deps, payment, "the gateway is still at work on the payment");
      return false;
    case "unclear":
      await noteDoubt(deps, payment, report.reason);
      return false;
    case "silent":
      // Silence contradicts nothing: what counts as not charged goes on counting as that.
      if (payment.status !== "Failed") await noteDoubt(deps, payment, report.reason);
      else await putOffFailed(deps.db, payment.id, nextQuestionAfterSilence(failedAtOf(payment), now));
      return false;
  }
}

// Its next turn is set already, sooner the younger it is.
async function noteDoubt(
  deps: Pick<Deps, "db" | "clock">,
  payment: DuePayment,
  error: string,
): Promise<void> {
  if (payment.status === "Failed") await contestFailed(deps.db, payment.id, { error, now: deps.clock.now() });
  else await markPaymentUnknown(deps.db, payment.id, { error });
}

function failedAtOf({ processedAt, startedAt }: DuePayment): Date {
  return processedAt ?? startedAt;
}

async function believeUnknownKey(deps: ReconcilingDeps, payment: DuePayment, now: Date): Promise<void> {
  const believable = callIsOverAt(payment.startedAt, deps.clock);
  if (now < believable) {
    // Never later than a new call would be believed: the clock may have been set back.
    const soon = Math.min(believable.getTime(), callIsOverAt(now, deps.clock).getTime());
    await askAgainAt(deps.db, payment.id, new Date(soon));
    return;
  }
  const reason = "the gateway does not know the payment";
  await recordOutcome(deps, deps.subjects.of(payment), payment, { kind: "failed", reason });
}

/** Sends one refund to the gateway, and records whether it is done, which it answers. */
export async function giveBack(
  deps: Pick<Deps, "db" | "clock" | "gateway" | "logger">,
  refund: DueRefund,
): Promise<boolean> {
  const outcome = await deps.gateway.refund({
    key: refund.gatewayKey,
    transactionId: refund.transactionId,
    amount: refund.amount,
  });
  if (outcome.kind === "done") {
    await finishRefund(deps.db, refund.id, deps.clock.now());
    deps.logger.info({ refundId: refund.id, paymentId: refund.paymentId }, "A payment was given back.");
    return true;
  }
  await noteRefundFailure(deps.db, refund.id, outcome.reason);
  deps.logger.warn(
    { refundId: refund.id, paymentId: refund.paymentId, reason: outcome.reason },
    "A refund is not done yet.",
  );
  return false;
}

async function withoutEndingTheRound(
  { logger }: Pick<Deps, "logger">,
  what: { id: number },
  work: Promise<boolean>,
): Promise<void> {
  try {
    await work;
  } catch (error) {
    logger.error(
      { id: what.id, err: error },
      "A payment or refund could not be reconciled; it is tried again.",
    );
  }
}
