import { failureOf, type AmbientFailure, type FailureFacts } from "@skyfox/sdk";
import { wait } from "./format.ts";

/** What to tell a person of a failure that any call can have. */
export function say(failure: AmbientFailure): string {
  switch (failure.code) {
    case "NETWORK":
      return "The cinema cannot be reached. Check your connection and try again.";
    case "TIMEOUT":
      return "The cinema has not answered in time. Try again.";
    case "RATE_LIMITED":
      return `Too many tries. Try again in ${wait(failure.details.retryAfterSeconds)}.`;
    case "SESSION_ENDED":
    case "MISSING_TOKEN":
    case "INVALID_TOKEN":
      return "Your session has ended. Sign in again.";
    case "UNEXPECTED":
      return `${failure.message} ${failure.requestId === null ? "" : `(Request ${failure.requestId})`}`;
    default:
      return failure.message;
  }
}

/** What to tell when the answer to a change of password was lost: a second try would be refused, since the password is another one. */
export function mayBeChanged({ mayHaveHappened }: Pick<FailureFacts, "mayHaveHappened">): string | undefined {
  return mayHaveHappened
    ? "The cinema has not answered. Your password may be changed already: sign in with the new one."
    : undefined;
}

/** The same for what a query has thrown. */
export function sayError(error: unknown): string {
  const failure = failureOf(error);
  return failure.code === "NETWORK" || failure.code === "TIMEOUT" ? say(failure) : failure.message;
}

/** The refused fields of a failure, by their names. */
export function fieldsOf({ fields }: Pick<FailureFacts, "fields">): Record<string, string> {
  return Object.fromEntries(fields.toReversed().map(({ field, message }) => [field, message]));
}
