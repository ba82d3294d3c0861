import { markPaymentUnknown, type OpenPayment } from "@skyfox/db";
import type { Card } from "../contract/index.ts";
import type { ChargeOutcome } from "./ports.ts";
import type { CountedTry } from "../limits/ports.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Begun, Call } from "../idempotency/call.ts";
import { recordNotCharged, recordSuccess, type DescribePaid } from "./record-outcome.ts";

// Just after the charge's own timeout: until then nobody else needs to ask about it.
const askAfterMs = 11_000;

/** When a payment that begins now is to be asked about, should its server not learn what became of it. */
export function askAfter(startedAt: Date): Date {
  return new Date(startedAt.getTime() + askAfterMs);
}

/** A card is good until the end of its month, here in the cinema's zone; the gateway has the last word. Throws `VALIDATION_ERROR`. */
export function assertNotOutOfDate(deps: Deps, card: Card): void {
  const today = deps.clock.now().toTemporalInstant().toZonedDateTimeISO(deps.settings.cinemaTimeZone);
  const month = today.toPlainDate().toPlainYearMonth().toString();
  if (`20${card.expiryYear}-${card.expiryMonth}` >= month) return;
  throw new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "card.expiryYear", message: "Card has expired" },
  ]);
}

/**
 * Begins a payment, charges its card if it needs one, and records what the gateway says. What `begin` has committed decides: a payment that
 * the wallet has made alone is answered at once. Cards that the gateway does not take are counted. Throws `PAYMENT_DECLINED`,
 * `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`, `PAYMENT_OUTCOME_UNKNOWN`, what `recordSuccess` answers when the money is on its
 * way back, `RATE_LIMITED`, and whatever `begin` throws.
 */
export async function chargeCard<Answer>(
  deps: Deps,
  { user, card, call }: { user: User; card: Card | undefined; call: Call },
  begin: () => Promise<Begun<Answer>>,
  describe: DescribePaid<Answer>,
): Promise<Answer> {
  const who = { account: user.username, address: user.address };
  const counted = card && (await deps.limits.count("failedCards", who));
  let hasCardFailed = false;
  try {
    const begun = await begin();
    if ("paid" in begun) return begun.paid;
    const { payment } = begun;
    if (card === undefined) throw new Error(`Payment ${payment.id} needs a card.`);
    const outcome = await deps.gateway.charge({ key: payment.gatewayKey, amount: payment.cardAmount, card });
    hasCardFailed = outcome.kind === "declined" || outcome.kind === "rejected";
    return await call.settlePayment(() => settle(deps, payment, outcome, describe));
  } finally {
    if (counted !== undefined && !hasCardFailed) await giveBackTry(deps, counted);
  }
}

// What became of the payment is the answer, whether or not the count could be corrected.
async function giveBackTry(deps: Deps, counted: CountedTry): Promise<void> {
  await counted.giveBack().catch((error: unknown) => {
    deps.logger.warn(
      { err: error },
      "A card that did not fail stays counted as failed until its window ends.",
    );
  });
}

async function settle<Answer>(
  deps: Deps,
  payment: OpenPayment,
  outcome: ChargeOutcome,
  describe: DescribePaid<Answer>,
): Promise<Answer> {
  try {
    const recorded = await recordOutcome(deps, payment, outcome, describe);
    if (recorded instanceof DomainError) throw recorded;
    return recorded;
  } catch (error) {
    if (error instanceof DomainError) throw error;
    // The gateway has acted and our record of it failed: the reconciler will learn it from the gateway.
    deps.logger.error(
      { paymentId: payment.id, err: error },
      "The outcome of a payment could not be recorded; it will be asked for.",
    );
    throw new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
  }
}

async function recordOutcome<Answer>(
  deps: Deps,
  payment: OpenPayment,
  outcome: ChargeOutcome,
  describe: DescribePaid<Answer>,
): Promise<Answer | DomainError> {
  switch (outcome.kind) {
    case "success":
      return await recordSuccess(deps, payment, outcome.transactionId, describe);
    case "declined": {
      const declined = { status: "Declined", error: outcome.message } as const;
      const retryUntil = await recordNotCharged(deps, payment, declined);
      return new DomainError({ code: "PAYMENT_DECLINED", details: { retryUntil } });
    }
    case "rejected": {
      const { errors } = outcome;
      await recordNotCharged(deps, payment, { status: "Rejected", error: "card details refused", errors });
      return new DomainError({ code: "PAYMENT_VALIDATION_FAILED", details: { errors } });
    }
    case "failed":
      await recordNotCharged(deps, payment, { status: "Failed", error: outcome.reason });
      return new DomainError({ code: "PAYMENT_GATEWAY_UNAVAILABLE" });
    case "unknown":
      await markPaymentUnknown(deps.db, payment.id, { error: outcome.reason, askAfter: deps.clock.now() });
      return new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
  }
}
