import { TRPCClientError } from "@trpc/client";
import type { DomainCode, ErrorData } from "@skyfox/server/contract/plain";
import type { AppRouter } from "./router.ts";
import { lossOf } from "./timeout.ts";

/** What the client knows of a call that failed; on every error that it rejects with. */
export interface CallFacts {
  /** Such as `booking.pay`. */
  procedure: string;
  /** How often the call was tried. */
  attempts: number;
  /** The key that the call carried. */
  idempotencyKey?: string;
  /** Whether the call may have had its effect in spite of the error. */
  mayHaveHappened: boolean;
}

/** A call that SkyFox answered with an error. Its message is a sentence for a person; `data.requestId` names the request. */
export interface SkyfoxError extends TRPCClientError<AppRouter>, Partial<CallFacts> {
  readonly data: ErrorData;
}

/** Why a call has no answer of SkyFox that can be used. */
export type Reason = "NETWORK" | "TIMEOUT" | "ABORTED" | "UNEXPECTED";

/** Whether SkyFox itself answered with an error; false when no answer came: no network, a timeout, an abort, a foreign proxy. */
export function isSkyfoxError(error: unknown): error is SkyfoxError {
  if (!(error instanceof TRPCClientError)) return false;
  const data: unknown = error.data;
  return typeof data === "object" && data !== null && "requestId" in data && "domain" in data;
}

/** What is known of the call that an error ended. Of an error of another client nothing is: it may have happened unless SkyFox says no. */
export function factsOf(error: unknown): Partial<CallFacts> & { mayHaveHappened: boolean } {
  const facts = (error instanceof TRPCClientError ? error : {}) as Partial<CallFacts>;
  const { procedure, attempts, idempotencyKey, mayHaveHappened = !isRefused(error) } = facts;
  return {
    ...(procedure !== undefined && { procedure }),
    ...(attempts !== undefined && { attempts }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    mayHaveHappened,
  };
}

/** After these the effect of a mutation is not known. */
export const unsure: ReadonlySet<DomainCode> = new Set([
  "IDEMPOTENCY_IN_FLIGHT",
  "PAYMENT_OUTCOME_UNKNOWN",
  "DATABASE_UNAVAILABLE",
]);

function isRefused(error: unknown): boolean {
  return isSkyfoxError(error) && error.data.domain !== null && !unsure.has(error.data.domain.code);
}

// Of a proxy whose server is away.
const passingStatuses = [429, 502, 503, 504];

/** Why a call has no answer, from the error it ended with. */
export function reasonOf(error: unknown): Reason {
  if (!(error instanceof TRPCClientError)) return "UNEXPECTED";
  const { cause } = error;
  if (cause?.name === "AbortError") return "ABORTED";
  if (cause?.name === "TimeoutError") return "TIMEOUT";
  const response = responseOf(error);
  if (response !== undefined && passingStatuses.includes(response.status)) return "NETWORK";
  // A page that is no answer stays one, but an answer that was cut off does not.
  const isLost = lossOf(cause) !== undefined && !(cause instanceof SyntaxError);
  return isLost ? "NETWORK" : "UNEXPECTED";
}

/** The answer that an error was read from, or could not be. */
export function responseOf({
  cause,
  meta,
}: Pick<TRPCClientError<AppRouter>, "cause" | "meta">): Response | undefined {
  return lossOf(cause)?.response ?? (meta?.["response"] as Response | undefined);
}
