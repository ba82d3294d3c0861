import type { PaymentOutcome } from "@skyfox/sdk";

/** What became of a payment, in words. */
export const outcomeWords: Record<PaymentOutcome, string> = {
  completed: "It was charged.",
  failed: "It was not charged.",
  refunded: "It was given back.",
  unknown: "The bank does not tell yet. It is asked again by itself.",
};

/** The same once an admin has settled it: a charge that came too late for its seats is owed back. */
export const settledWords: Record<PaymentOutcome, string> = {
  ...outcomeWords,
  unknown: "It is recorded. The money is owed back, and the bank is asked to return it.",
};
