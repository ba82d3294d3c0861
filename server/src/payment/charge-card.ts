import { markPaymentUnknown, retryConflicts, type OpenPayment } from "@skyfox/db";
import type { Card } from "../contract/index.ts";
import type { ChargeOutcome, PaymentSubject } from "./ports.ts";
import type { PlannedTry } from "../limits/ports.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Begun, BegunPayment, Call } from "../idempotency/call.ts";
import { keptFrom } from "../idempotency/kept-answer.ts";
import { recordOutcome } from "./record-outcome.ts";

/** What charging a card uses. */
export type ChargingDeps = Pick<Deps, "db" | "clock" | "gateway" | "limits" | "logger" | "settings">;

/**
 * How long after its beginning a payment is asked about, should its server not learn what became of it: just after the charge's own timeout,
 * since until then the server that charges learns it by itself.
 */
export const askAfterMs = 11_000;

/** When a payment that began then is asked about at first. */
export function askAfter(startedAt: Date): Date {
  return new Date(startedAt.getTime() + askAfterMs);
}

/** A card is good until the end of its month, here in the cinema's zone; the gateway has the last word. Throws `VALIDATION_ERROR`. */
export function assertNotOutOfDate(deps: Pick<Deps, "clock" | "settings">, card: Card): void {
  const today = deps.clock.now().toTemporalInstant().toZonedDateTimeISO(deps.settings.cinemaTimeZone);
  const month = today.toPlainDate().toPlainYearMonth().toString();
  if (`20${card.expiryYear}-${card.expiryMonth}` >= month) return;
  throw new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "card.expiryYear", message: "Card has expired" },
  ]);
}

/**
 * Begins a payment, charges its card if it needs one, and records what the gateway says. What `begin` has committed decides: a payment that
 * the wallet has made alone is answered at once. The statement that begins counts the card as one that fails. A card that did not fail stops counting
 * soon after the gateway has answered; where its server or the database fails first, it counts until its window ends. Throws `PAYMENT_DECLINED`,
 * `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`, `PAYMENT_OUTCOME_UNKNOWN`, what the subject answers to a charge that goes back,
 * `RATE_LIMITED`, and whatever `begin` throws.
 */
export async function chargeCard<Answer>(
  deps: ChargingDeps,
  { user, card, call }: { user: User; card: Card | undefined; call: Call },
  subject: PaymentSubject<Answer>,
  begin: (tried: PlannedTry | undefined) => Promise<Begun<Answer>>,
): Promise<Answer> {
  const who = { account: user.username, address: user.address };
  const tried = card && deps.limits.plan("failedCards", who);
  const begun = await begin(tried);
  if ("paid" in begun) return begun.paid;
  const { payment, counted } = begun;
  if (card === undefined || tried === undefined) throw new Error(`Payment ${payment.id} needs a card.`);
  const outcome = await deps.gateway.charge({ key: payment.gatewayKey, amount: payment.cardAmount, card });
  const hasCardFailed = outcome.kind === "declined" || outcome.kind === "rejected";
  if (!hasCardFailed) tried.giveBack(counted);
  if (outcome.kind === "success") {
    const accepted = await acceptAtOnce(deps, subject, begun, outcome.transactionId, call);
    if (accepted !== undefined) return accepted.answer;
  }
  return await call.settlePayment(() => settle(deps, subject, payment, outcome));
}

// The usual end, in one statement: charged, and nothing has come in between. Undefined where that is not so, or is not known: `settle` asks what is there.
async function acceptAtOnce<Answer>(
  { db, clock, logger }: ChargingDeps,
  subject: PaymentSubject<Answer>,
  { payment, foretell }: BegunPayment<Answer>,
  transactionId: string,
  { isKeyed }: Call,
): Promise<{ answer: Answer } | undefined> {
  try {
    const now = clock.now();
    const answer = foretell({ transactionId, now });
    const kept = isKeyed ? keptFrom(now, answer) : undefined;
    const charge = { paymentId: payment.id, transactionId, now, kept };
    const isAccepted = await retryConflicts(() => subject.acceptAtOnce(db, charge, answer));
    return isAccepted ? { answer } : undefined;
  } catch (error) {
    logger.warn(
      { paymentId: payment.id, err: error },
      "A charge was not recorded in one statement; it is recorded step by step.",
    );
    return undefined;
  }
}

async function settle<Answer>(
  deps: ChargingDeps,
  subject: PaymentSubject<Answer>,
  payment: OpenPayment,
  outcome: ChargeOutcome,
): Promise<Answer> {
  const { db, clock, logger } = deps;
  try {
    if (outcome.kind === "unknown") {
      await markPaymentUnknown(db, payment.id, { error: outcome.reason, askAfter: clock.now() });
      throw new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
    }
    const answer = await recordOutcome(deps, subject, payment, outcome);
    if (answer instanceof DomainError) throw answer;
    return answer;
  } catch (error) {
    if (error instanceof DomainError) throw error;
    // The gateway has acted and our record of it failed: the reconciler will learn it from the gateway.
    logger.error(
      { paymentId: payment.id, err: error },
      "The outcome of a payment could not be recorded; it will be asked for.",
    );
    throw new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" });
  }
}
