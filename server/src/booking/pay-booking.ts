import {
  beginPaying,
  findCancelReason,
  findOpenPaymentStatus,
  inTransaction,
  insertPayment,
  lockBooking,
  markPaymentUnknown,
  updateClaims,
  type OpenPayment,
} from "@skyfox/db";
import type { Booking, Card, PayBookingInput } from "../contract/index.ts";
import type { ChargeOutcome, CountedTry, Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { recordNotCharged, recordSuccess } from "../payment/record-outcome.ts";
import { getBooking } from "./get-booking.ts";

// Just after the charge's own timeout: until then nobody else needs to ask about it.
const askAfterMs = 11_000;

/**
 * Pays a live hold of one's own by card. The payment row is committed before the gateway is called, so whatever happens in between ends as
 * paid once and confirmed, or not paid and free. Throws `BOOKING_NOT_FOUND`, `BOOKING_EXPIRED`, `INVALID_BOOKING_STATUS`, `SHOW_CANCELLED`,
 * `PAYMENT_IN_PROGRESS`, `PAYMENT_DECLINED`, `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`,
 * `PAYMENT_OUTCOME_UNKNOWN` when only time will tell, or `RATE_LIMITED` after too many cards that the gateway did not take.
 */
export async function payBooking(deps: Deps, user: User, input: PayBookingInput): Promise<Booking> {
  const { bookingId, card } = input;
  assertNotOutOfDate(deps, card);
  const counted = await deps.limits.count("failedCards", { account: user.username, address: user.address });
  let hasCardFailed = false;
  try {
    const payment = await beginPayment(deps, user, bookingId);
    deps.monitors.disarm(bookingId);
    const outcome = await deps.gateway.charge({ key: payment.gatewayKey, amount: payment.amount, card });
    hasCardFailed = outcome.kind === "declined" || outcome.kind === "rejected";
    await settle(deps, payment, outcome);
  } finally {
    if (!hasCardFailed) await giveBack(deps, counted);
  }
  return await getBooking(deps, user, { bookingId });
}

// What became of the payment is the answer, whether or not the count could be corrected.
async function giveBack(deps: Deps, counted: CountedTry): Promise<void> {
  await counted.giveBack().catch((error: unknown) => {
    deps.logger.warn(
      { err: error },
      "A card that did not fail stays counted as failed until its window ends.",
    );
  });
}

// The booking is frozen and the payment's row written in one commit, before anything leaves the house.
async function beginPayment(deps: Deps, user: User, bookingId: number): Promise<OpenPayment> {
  return await inTransaction(deps.db, async (tx) => {
    const booking = await lockBooking(tx, bookingId);
    if (booking === undefined || booking.username !== user.username)
      throw new DomainError({ code: "BOOKING_NOT_FOUND" });
    // Read after the lock: whoever held it may have taken longer than the hold had left.
    const now = deps.clock.now();
    if (booking.status === "Paying") {
      const isUnknown = (await findOpenPaymentStatus(tx, bookingId)) === "Unknown";
      throw new DomainError({ code: isUnknown ? "PAYMENT_OUTCOME_UNKNOWN" : "PAYMENT_IN_PROGRESS" });
    }
    const isOverdue = booking.status === "Pending" && booking.expiresAt !== null && booking.expiresAt <= now;
    if (booking.status === "Expired" || isOverdue) throw new DomainError({ code: "BOOKING_EXPIRED" });
    const { status } = booking;
    if (status !== "Pending") throw new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
    const reason = await findCancelReason(tx, booking.showId);
    if (reason !== undefined) throw new DomainError({ code: "SHOW_CANCELLED", details: { reason } });

    await beginPaying(tx, bookingId, new Date(now.getTime() + deps.settings.payingSeconds * 1_000));
    await updateClaims(tx, bookingId, null);
    const askAfter = new Date(now.getTime() + askAfterMs);
    return await insertPayment(tx, { bookingId, amount: booking.amountDue, startedAt: now, askAfter });
  });
}

async function settle(deps: Deps, payment: OpenPayment, outcome: ChargeOutcome): Promise<void> {
  try {
    const refusal = await recordOutcome(deps, payment, outcome);
    if (refusal !== undefined) throw refusal;
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

async function recordOutcome(
  deps: Deps,
  payment: OpenPayment,
  outcome: ChargeOutcome,
): Promise<DomainError | undefined> {
  switch (outcome.kind) {
    case "success":
      // Too late for the seats: the money is on its way back.
      if (!(await recordSuccess(deps, payment, outcome.transactionId)))
        return new DomainError({ code: "BOOKING_EXPIRED" });
      return undefined;
    case "declined": {
      const retryUntil = await recordNotCharged(deps, payment, {
        status: "Declined",
        error: outcome.message,
      });
      return new DomainError({ code: "PAYMENT_DECLINED", details: { retryUntil } });
    }
    case "rejected": {
      const { errors } = outcome;
      await recordNotCharged(deps, payment, {
        status: "Rejected",
        error: "card details refused",
      });
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

// A card is good until the end of its month, here in the cinema's zone; the gateway has the last word.
function assertNotOutOfDate(deps: Deps, card: Card): void {
  const today = deps.clock.now().toTemporalInstant().toZonedDateTimeISO(deps.settings.cinemaTimeZone);
  const month = today.toPlainDate().toPlainYearMonth().toString();
  if (`20${card.expiryYear}-${card.expiryMonth}` >= month) return;
  throw new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "card.expiryYear", message: "Card has expired" },
  ]);
}
