import type { PaymentOutcome } from "@skyfox/sdk";

/** What became of a payment, in words. */
export const outcomeWords: Record<PaymentOutcome, string> = {
  completed: "It was charged.",
  failed: "It was not charged.",
  refunded: "It was given back.",
  unknown: "The bank does not tell yet. It is asked again by itself.",
};
