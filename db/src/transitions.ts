import type { BookingStatus, PaymentStatus } from "./schema.ts";

/** Every way a booking goes on, from each state; a hold begins as Pending, a sale at the counter as Confirmed. */
export const bookingTransitions = {
  Pending: ["Paying", "Cancelled", "Expired"],
  Paying: ["Confirmed", "Pending", "Cancelled", "Expired"],
  Confirmed: ["CheckedIn", "Refunded"],
  CheckedIn: ["Refunded"],
  Cancelled: [],
  Expired: [],
  Refunded: [],
} as const satisfies Record<BookingStatus, readonly BookingStatus[]>;

/** Every way a payment goes on: what counts as not charged may turn out to be charged after all, and is given back then. */
export const paymentTransitions = {
  Started: ["Unknown", "Completed", "Declined", "Rejected", "Failed"],
  Unknown: ["Completed", "Declined", "Rejected", "Failed"],
  Completed: [],
  Declined: ["Completed"],
  Rejected: ["Completed"],
  Failed: ["Completed"],
} as const satisfies Record<PaymentStatus, readonly PaymentStatus[]>;

/** The states that a booking in this state can go to. */
export type NextBookingStatus<From extends BookingStatus> = (typeof bookingTransitions)[From][number];
