import { sql, type RawBuilder } from "kysely";
import type { BookingStatus, PaymentStatus } from "./schema.ts";

/** A booking whose seats are not paid for yet: it counts as a live hold. */
export const heldStates = ["Pending", "Paying"] as const satisfies readonly BookingStatus[];

/** A booking that is paid for, and goes on. */
export const paidStates = ["Confirmed", "CheckedIn"] as const satisfies readonly BookingStatus[];

/** A payment whose outcome is still to be learnt. */
export const openPaymentStates = ["Started", "Unknown"] as const satisfies readonly PaymentStatus[];

/** Whether a booking is paid for, and goes on. */
export function isPaidBooking(status: BookingStatus): status is (typeof paidStates)[number] {
  return paidStates.some((state) => state === status);
}

/** Whether the outcome of a payment is still to be learnt. */
export function isOpenPayment(status: PaymentStatus): status is (typeof openPaymentStates)[number] {
  return openPaymentStates.some((state) => state === status);
}

/** States as a list of SQL for `in`, written out, so that an index on some of them can serve a plan for all values. */
export function statesIn(states: readonly (BookingStatus | PaymentStatus)[]): RawBuilder<unknown> {
  return sql`(${sql.join(states.map((state) => sql.lit(state)))})`;
}

/** A hold whose time is over at `now`, whether or not it is written as expired. */
export function isOverdueHold(now: Date, booking: "booking" | "b" = "booking"): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(`${booking}.status`)} = 'Pending' and ${sql.ref(`${booking}.expires_at`)} <= ${now}`;
}

/** A payment at `now` that kept its booking's seats for longer than it may. */
export function isOverdueInPaying(now: Date): RawBuilder<boolean> {
  return sql<boolean>`booking.status = 'Paying' and booking.paying_until <= ${now}`;
}
