import { TRPCClientError } from "@trpc/client";
import type { AppRouter } from "@skyfox/server/api";
import type { DomainProblem, ErrorData, FieldProblem } from "@skyfox/server/contract";

/** A call that SkyFox answered with an error. Its message is a sentence for a person; `data.requestId` names the request. */
export interface SkyfoxError extends TRPCClientError<AppRouter> {
  readonly data: ErrorData;
}

/**
 * What the cinema's rules said no to. Switch on `code`, and `details` has that code's own shape. A server newer than this
 * SDK may answer a code that is not listed here, so keep a default branch.
 */
export type SkyfoxDomainError = DomainProblem & {
  /** A sentence for a person. */
  message: string;
  /** Names the request in the server's log. */
  requestId: string;
  /** The refused input fields, when the code is `VALIDATION_ERROR`. */
  fields: FieldProblem[] | null;
};

/** Whether SkyFox itself answered with an error; false when no answer came: no network, a timeout, an abort, a foreign proxy. */
export function isSkyfoxError(error: unknown): error is SkyfoxError {
  if (!(error instanceof TRPCClientError)) return false;
  const data: unknown = error.data;
  return typeof data === "object" && data !== null && "requestId" in data && "domain" in data;
}

/** The rule that refused the call; undefined when the error is not SkyFox's, or not about a rule (a fault, an overload). */
export function domainErrorOf(error: unknown): SkyfoxDomainError | undefined {
  if (!isSkyfoxError(error) || error.data.domain === null) return undefined;
  const { domain, requestId, fields } = error.data;
  return { ...domain, message: error.message, requestId, fields };
}
