import {
  askAgainAt,
  confirmFailed,
  contestFailed,
  finishRefund,
  markPaymentUnknown,
  noteRefundFailure,
  takeDuePayments,
  takeDueRefunds,
  type DuePayment,
  type DueRefund,
} from "@skyfox/db";
import type { Deps } from "../deps.ts";
import { askOnceMoreAt } from "./charge-card.ts";
import { recordNotCharged, recordSuccess, type DescribePaid } from "./record-outcome.ts";

// "Unknown key" means never charged only once our own call can no longer be on its way.
const believeUnknownKeyAfterMs = 20_000;
// A payment that counts as not charged and that nobody would ask about any more, until it is settled.
const askContestedAfterMs = 600_000;
const batchSize = 50;

/**
 * One round over every payment whose outcome nobody knows and every refund that is not done: asks the gateway by key, then confirms, frees
 * or gives back. What it cannot learn stays for a later round; several servers may do this at once. An aborted signal ends the round early.
 */
export async function reconcilePayments(
  deps: Deps,
  describe: DescribePaid<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  // Only what is due now: whoever becomes due during a long round waits for the next one, and the refunds get their turn.
  const turn = { limit: batchSize, now: deps.clock.now() };
  await inBatches(signal, async () => {
    const payments = await takeDuePayments(deps.db, turn);
    await Promise.all(
      payments.map((payment) =>
        withoutEndingTheRound(
          deps,
          payment,
          askAboutPayment(deps, payment, describe).catch(async (error: unknown) => {
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
    const refunds = await takeDueRefunds(deps.db, turn);
    await Promise.all(refunds.map((refund) => withoutEndingTheRound(deps, refund, giveBack(deps, refund))));
    return refunds.length;
  });
}

// Whoever was taken has its next turn later than this round, so this ends.
async function inBatches(signal: AbortSignal | undefined, takeBatch: () => Promise<number>): Promise<void> {
  while (signal?.aborted !== true && (await takeBatch()) === batchSize);
}

/** Asks the gateway about one payment, and records what it says. */
export async function askAboutPayment(
  deps: Deps,
  payment: DuePayment,
  describe: DescribePaid<unknown>,
): Promise<void> {
  // Before the question: an answer that took its time must not make our call look older than it was.
  const now = deps.clock.now();
  const report = await deps.gateway.findCharge({ key: payment.gatewayKey, amount: payment.cardAmount });
  deps.logger.info(
    { paymentId: payment.id, attempts: payment.attempts, report: report.kind },
    "Asked about a payment.",
  );
  switch (report.kind) {
    case "success":
      await recordSuccess(deps, payment, report.transactionId, describe);
      return;
    case "declined":
      if (payment.status === "Failed") await confirmFailed(deps.db, payment.id, { isLast: true });
      else await recordNotCharged(deps, payment, { status: "Declined", error: "declined" });
      return;
    case "unknown-key":
      if (payment.status !== "Failed") await believeUnknownKey(deps, payment, now);
      // Asked earlier by a person, it still has its last turn to come.
      else await confirmFailed(deps.db, payment.id, { isLast: now >= askOnceMoreAt(payment.startedAt) });
      return;
    case "pending":
      await noteDoubt(deps, payment, "the gateway is still at work on the payment");
      return;
    case "silent":
      await noteDoubt(deps, payment, report.reason);
  }
}

// Its next turn is set already, sooner the younger it is.
async function noteDoubt(deps: Deps, payment: DuePayment, error: string): Promise<void> {
  if (payment.status !== "Failed") {
    await markPaymentUnknown(deps.db, payment.id, { error });
    return;
  }
  const askAfter = new Date(deps.clock.now().getTime() + askContestedAfterMs);
  await contestFailed(deps.db, payment.id, { error, askAfter });
}

async function believeUnknownKey(deps: Deps, payment: DuePayment, now: Date): Promise<void> {
  const believable = new Date(payment.startedAt.getTime() + believeUnknownKeyAfterMs);
  if (now < believable) {
    // Never later than a new call would be believed: the clock may have been set back.
    const soon = now.getTime() + believeUnknownKeyAfterMs;
    await askAgainAt(deps.db, payment.id, new Date(Math.min(believable.getTime(), soon)));
    return;
  }
  const onceMoreAt = askOnceMoreAt(now);
  const error = "the gateway does not know the payment";
  await recordNotCharged(deps, payment, { status: "Failed", error, onceMoreAt });
}

/** Sends one refund to the gateway, and records whether it is done. */
export async function giveBack(deps: Deps, refund: DueRefund): Promise<void> {
  const outcome = await deps.gateway.refund({
    key: refund.gatewayKey,
    transactionId: refund.transactionId,
    amount: refund.amount,
  });
  if (outcome.kind === "done") {
    await finishRefund(deps.db, refund.id, deps.clock.now());
    deps.logger.info({ refundId: refund.id, paymentId: refund.paymentId }, "A payment was given back.");
  } else {
    await noteRefundFailure(deps.db, refund.id, outcome.reason);
    deps.logger.warn(
      { refundId: refund.id, paymentId: refund.paymentId, reason: outcome.reason },
      "A refund is not done yet.",
    );
  }
}

async function withoutEndingTheRound(
  deps: Deps,
  subject: { id: number },
  work: Promise<void>,
): Promise<void> {
  try {
    await work;
  } catch (error) {
    deps.logger.error(
      { id: subject.id, err: error },
      "A payment or refund could not be reconciled; it is tried again.",
    );
  }
}
