import type { Booking, PayBookingInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import type { PlannedTry } from "../limits/ports.ts";
import { assertNotOutOfDate, chargeCard, type ChargingDeps } from "../payment/charge-card.ts";
import { beginPayment } from "./begin-payment.ts";
import { bookingPayments } from "./booking-payments.ts";

/**
 * Pays a live hold of one's own by card, by wallet, or by wallet with the shortfall on a card. The payment row is committed before the gateway
 * is called, so whatever happens in between ends as paid once and confirmed, or not paid and free. Throws `BOOKING_NOT_FOUND`,
 * `BOOKING_EXPIRED`, `INVALID_BOOKING_STATUS`, `SHOW_CANCELLED`, `INSUFFICIENT_BALANCE`, `PAYMENT_IN_PROGRESS`, `PAYMENT_DECLINED`,
 * `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`, `PAYMENT_OUTCOME_UNKNOWN` when only time will tell, or `RATE_LIMITED` after
 * too many cards that the gateway did not take.
 */
export async function payBooking(
  deps: ChargingDeps & Pick<Deps, "monitors">,
  user: User,
  input: PayBookingInput,
  call: Call = callWithoutKey(deps),
): Promise<Booking> {
  const { bookingId, card } = input;
  if (input.method === "Card") assertNotOutOfDate(deps, input.card);
  const begin = async (tried: PlannedTry | undefined) => {
    // The wallet may have enough: then the payment's first commit is its last.
    const canBePaid = input.method === "Wallet";
    const begun = await call.beginPayment(
      (db, key) => beginPayment(db, deps, user, input, { key, tried }),
      canBePaid,
    );
    deps.monitors.disarm(bookingId);
    return begun;
  };
  return await chargeCard(deps, { user, card, call }, bookingPayments(deps), begin);
}
