import type { Failure } from "@skyfox/sdk";
import { wait } from "../format.ts";
import { say } from "../words.ts";

/** Why seats could not be held, in words. */
export function sayHoldFailure(
  failure: Failure<"booking.initialize"> | Failure<"booking.changeSeats">,
): string {
  switch (failure.code) {
    case "SEATS_UNAVAILABLE":
      return `Another buyer was faster with ${failure.details.seatNumbers.join(", ")}. Choose other seats.`;
    case "TOO_MANY_HOLDS":
      return failure.details.retryAfterSeconds === undefined
        ? "You hold as many seats as you can. Pay for them or give some back first."
        : `You have let several holds of this show go. Try again in ${wait(failure.details.retryAfterSeconds)}.`;
    case "SHOW_ALREADY_STARTED":
    case "SHOW_CANCELLED":
    case "SHOW_NOT_FOUND":
    case "DATE_OUT_OF_RANGE":
    case "TOO_MANY_SEATS":
    case "INVALID_SEAT":
    case "BOOKING_NOT_FOUND":
    case "BOOKING_EXPIRED":
    case "INVALID_BOOKING_STATUS":
    case "PAYMENT_IN_PROGRESS":
      return failure.message;
    default:
      return say(failure);
  }
}
