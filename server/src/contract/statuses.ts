/** The states of a booking: Pending, Paying, Confirmed, CheckedIn on the way to the seat, and the three in which it has ended. */
export const bookingStatuses = [
  "Pending",
  "Paying",
  "Confirmed",
  "CheckedIn",
  "Cancelled",
  "Expired",
  "Refunded",
] as const;

/** The state of a booking as readers see it: a hold whose time is over is `Expired` at once. */
export type BookingStatus = (typeof bookingStatuses)[number];

/** What can have become of a payment. */
export const paymentOutcomes = ["completed", "failed", "refunded", "unknown"] as const;

/** What became of a payment; `unknown` while the gateway has not answered, or has not made the refund that is owed. */
export type PaymentOutcome = (typeof paymentOutcomes)[number];
