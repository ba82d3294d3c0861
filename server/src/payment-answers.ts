import type { OpenPayment, Tx } from "@skyfox/db";
import { describePaidBooking } from "./booking/pay-booking.ts";
import type { Deps } from "./deps.ts";
import { describeTopUp } from "./wallet/add-funds.ts";

/** What the caller of whatever payment is answered when somebody else records its success. */
export function answerOfPayment(deps: Deps) {
  const ofBooking = describePaidBooking(deps);
  return async (tx: Tx, payment: OpenPayment): Promise<unknown> =>
    payment.bookingId === null ? await describeTopUp(tx, payment) : await ofBooking(tx, payment);
}
