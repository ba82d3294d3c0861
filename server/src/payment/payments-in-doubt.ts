import { findCardRefund, hurryPayment, isOpenPayment, listPaymentsInDoubt } from "@skyfox/db";
import type {
  PaymentsInDoubtInput,
  PaymentsInDoubtPage,
  ResolvePaymentInput,
  ResolvePaymentOutput,
} from "../contract/index.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Deps, User } from "../deps.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { readCursor, toPage } from "../rpc/pages.ts";
import { askAboutPayment, giveBack, type ReconcilingDeps } from "./reconcile-payments.ts";
import { describeOutcome, getPayment } from "./payment-outcome.ts";

/**
 * Payments whose outcome is not known, those that the gateway does not confirm as not charged, and those whose money the gateway has not given
 * back yet, newest first.
 */
export async function listDoubts(
  deps: Pick<Deps, "db" | "clock">,
  { cursor, limit }: PaymentsInDoubtInput,
): Promise<PaymentsInDoubtPage> {
  const rows = await listPaymentsInDoubt(deps.db, { beforeId: readCursor(cursor), limit: limit + 1 });
  const now = deps.clock.now().getTime();
  const doubts = rows.map(({ since, ...doubt }) => ({
    ...doubt,
    ageSeconds: Math.max(0, Math.floor((now - since.getTime()) / 1_000)),
  }));
  return toPage(doubts, limit, ({ paymentId }) => paymentId);
}

/**
 * Asks the gateway about a payment now, records what it says, and sends its refund if one is owed: `unknown` when that is still not known; the
 * reconciler asks again in its next round then. A payment that is settled is answered as it is. Each question is audited, a repeated one with
 * the same key once. Throws `PAYMENT_NOT_FOUND`.
 */
export async function resolvePayment(
  deps: ReconcilingDeps,
  admin: User,
  { paymentId }: ResolvePaymentInput,
  call: Call = callWithoutKey(deps),
): Promise<ResolvePaymentOutput> {
  return await call.inSteps({
    async begin(tx) {
      await getPayment(tx, paymentId);
    },
    async goOn() {
      const payment = await getPayment(deps.db, paymentId);
      const mayBeCharged = isOpenPayment(payment.status) || payment.status === "Failed";
      const isKnown = !mayBeCharged || (await askAboutPayment(deps, payment));
      const refund = await findCardRefund(deps.db, paymentId);
      const isOwed = refund?.state === "pending" && !(await giveBack(deps, refund));
      if (!isKnown || isOwed) await hurryPayment(deps.db, paymentId, deps.clock.now());
    },
    describe: (tx) => describeOutcome(tx, paymentId),
    async record(tx, answer) {
      const { username } = await getPayment(tx, paymentId);
      await recordAudit(tx, deps.clock, admin, {
        action: "payment-resolved",
        subject: username === "" ? null : username,
        details: { ...answer },
      });
    },
  });
}
