import type { Booking, BookingStatus, Cinema, Failure } from "@skyfox/sdk";
import { dayAndTime, money, timeOf } from "../format.ts";
import { say } from "../words.ts";

/** The state of a booking, in a word or two. */
export const statusWords: Record<BookingStatus, string> = {
  Pending: "To be paid",
  Paying: "Payment under way",
  Confirmed: "Paid",
  CheckedIn: "Checked in",
  Cancelled: "Cancelled",
  Expired: "Expired",
  Refunded: "Refunded",
};

/** Where the money of a booking went back to, and when. */
export function sayRefund({ amount, to, state, at }: NonNullable<Booking["refund"]>, cinema: Cinema): string {
  const sum = money(amount, cinema.currency);
  const where = { source: "where it came from", wallet: "to your wallet", counter: "at the counter" }[to];
  return state === "done"
    ? `${sum} went back ${where} on ${dayAndTime(at, cinema)}.`
    : `${sum} is on its way back ${where}.`;
}

/** What became of a payment that has not succeeded; undefined for what the page shows by itself, or marks at a field. */
export function sayPayFailure(failure: Failure<"booking.pay">, cinema: Cinema): string | undefined {
  switch (failure.code) {
    case "PAYMENT_DECLINED": {
      const { retryUntil } = failure.details;
      const next =
        retryUntil === null
          ? ""
          : ` The seats are yours until ${timeOf(retryUntil, cinema)}: try another card.`;
      return `The bank declined this card, and nothing was charged.${next}`;
    }
    case "INSUFFICIENT_BALANCE": {
      const { required, available } = failure.details;
      return `Your wallet has ${money(available, cinema.currency)} of ${money(required, cinema.currency)}. Give a card for the rest.`;
    }
    case "PAYMENT_OUTCOME_UNKNOWN":
    case "PAYMENT_IN_PROGRESS":
    case "IDEMPOTENCY_IN_FLIGHT":
      return "The bank takes its time. You will not be charged twice; this page shows the ticket when it has answered.";
    case "NETWORK":
    case "TIMEOUT":
      return "We did not hear back. Press again: you pay once, however often you press.";
    case "IDEMPOTENCY_MISMATCH":
      return "You pressed before in another way, and we did not hear back. Press again: you pay once, however often you press.";
    case "BOOKING_EXPIRED":
    case "INVALID_BOOKING_STATUS":
    case "PAYMENT_VALIDATION_FAILED":
    case "VALIDATION_ERROR":
      return undefined;
    case "PAYMENT_GATEWAY_UNAVAILABLE":
      return "The bank cannot be reached just now. Nothing was charged. Try again in a moment, or pay by wallet.";
    case "BOOKING_NOT_FOUND":
    case "SHOW_CANCELLED":
      return failure.message;
    default:
      return say(failure);
  }
}

/** What is wrong with the fields of a card, by their names in the form, as SkyFox or the bank says it. */
export function cardProblems(
  failure: Failure<"booking.pay"> | Failure<"wallet.addFunds">,
): Record<string, string> {
  const ofBank: Record<string, string> = { card_number: "number" };
  const ofCard: Record<string, string> = {
    expiryMonth: "expiry",
    expiryYear: "expiry",
    cardholderName: "name",
  };
  if (failure.code === "PAYMENT_VALIDATION_FAILED")
    return Object.fromEntries(
      failure.details.errors.map(({ field, message }) => [ofBank[field] ?? field, message]),
    );
  const fields = failure.fields.map(({ field, message }) => [field.replace(/^card\./, ""), message] as const);
  return Object.fromEntries(fields.map(([field, message]) => [ofCard[field] ?? field, message]));
}
