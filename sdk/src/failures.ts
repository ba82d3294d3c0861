import { TRPCClientError, type TRPCPromise } from "@trpc/client";
import {
  plainCodes,
  procedureCodes,
  type DomainCode,
  type DomainErrorDetails,
  type FieldProblem,
} from "@skyfox/server/contract/plain";
import { factsOf, isSkyfoxError, reasonOf, type SkyfoxError } from "./errors.ts";
import type { CallPath, CodesOf, ErrorShapeOf, OutputOf } from "./router.ts";

/** What every failure says beside its code. */
export interface FailureFacts {
  /** A sentence for a person. */
  message: string;
  /** Names the request in the server's log; null where SkyFox did not answer. */
  requestId: string | null;
  /** The refused input fields when the code is `VALIDATION_ERROR`, otherwise none. */
  fields: FieldProblem[];
  /** Whether the same call, with the same key if it has one, may succeed in a while. */
  retryable: boolean;
  /** The key that the call carried: pressed again with it, the call has one effect in all. */
  idempotencyKey?: string;
  /**
   * Whether the call may have had its effect in spite of this failure; never for a query of a SkyFox client. Of a call of tRPC's own client it is not known
   * whether it is a query: true unless SkyFox refused it.
   */
  mayHaveHappened: boolean;
}

/** SkyFox refused the call with this code, with that code's own details. */
export interface Refused<Code extends DomainCode> extends FailureFacts {
  /** Which rule said no; switch on it. */
  code: Code;
  /** What this code tells beside its name; null for most. */
  details: DomainErrorDetails[Code];
  requestId: string;
}

/** SkyFox did not answer: no network or a proxy's page, no answer in time, or the caller aborted. */
export interface NoAnswer extends FailureFacts {
  /** `TIMEOUT` when `timeoutMs` was over, `ABORTED` when the call's `signal` was. */
  code: "NETWORK" | "TIMEOUT" | "ABORTED";
  details: null;
}

/** A fault of SkyFox, an answer that is not SkyFox's, or a refusal with a code that this SDK does not know for the call. */
export interface Unexpected extends FailureFacts {
  code: "UNEXPECTED";
  details: null;
  /** The code that SkyFox answered; null when there was none. */
  rawCode: string | null;
}

/** A refusal with one of these codes. */
export type Refusal<Code extends DomainCode> = { [One in Code]: Refused<One> }[Code];

/** How one call can fail: `Failure<"booking.pay">` is a union over exactly that procedure's codes, and over what comes instead of an answer. */
export type Failure<Path extends CallPath> = Refusal<CodesOf<Path>> | NoAnswer | Unexpected;

/** The codes that are not about what one procedure does, but about key, session, role, rate, form, load and idempotency keys. */
export type AmbientCode =
  | CodesOf<"auth.me">
  | "FORBIDDEN"
  | "RATE_LIMITED"
  | "BACKGROUND_OFF"
  | "IDEMPOTENCY_IN_FLIGHT"
  | "IDEMPOTENCY_MISMATCH";

/**
 * The failures that any call can have. A `switch` over a procedure's own codes hands the rest to one function of this type in its `default`
 * branch, which compiles only when every code of the procedure's own has a case.
 */
export type AmbientFailure = Refusal<AmbientCode> | NoAnswer | Unexpected;

/** A call's answer, or its failure, as a value. */
export type Outcome<Path extends CallPath> =
  | { ok: true; data: OutputOf<Path> }
  | { ok: false; error: Failure<Path> };

/** What a call ended with, as a value. Never rejects; takes every promise of a tRPC client whose router is this package's `AppRouter`. */
export async function outcome<Path extends CallPath>(
  call: TRPCPromise<OutputOf<Path>, ErrorShapeOf<Path>>,
): Promise<Outcome<Path>> {
  try {
    return { ok: true, data: await call };
  } catch (error) {
    return { ok: false, error: failureOf<Path>(error) };
  }
}

/**
 * The failure that was thrown by a call of this path, as `.safe` gives it: `failureOf<"booking.pay">(error, "booking.pay")`. What no call has
 * thrown is `UNEXPECTED`.
 */
export function failureOf<Path extends CallPath>(error: unknown, path?: Path): Failure<Path>;
export function failureOf(error: unknown, path?: CallPath): Failure<CallPath> {
  const refusal = domainErrorOf(error);
  if (refusal !== undefined && listedFor(path ?? pathOf(error)).includes(refusal.code)) {
    return refusal;
  }
  const rawCode = refusal?.code ?? null;
  if (isSkyfoxError(error)) {
    const isOurFault = error.data.httpStatus >= 500;
    return { code: "UNEXPECTED", details: null, rawCode, ...factsOfRefusal(error, isOurFault) };
  }
  const facts = factsOf(error);
  const code = facts.procedure === undefined && isFetchError(error) ? "NETWORK" : reasonOf(error);
  const common = {
    details: null,
    message: error instanceof Error ? error.message : "The call failed.",
    requestId: null,
    fields: [],
    retryable: (code === "NETWORK" || code === "TIMEOUT") && isRepeatable(facts),
    ...carried(facts),
  };
  return code === "UNEXPECTED" ? { code, rawCode, ...common } : { code, ...common };
}

/**
 * What the cinema's rules said no to: every code with its details. Switch on `code`, and `details` has that code's own shape. A server newer
 * than this SDK may answer a code that is not listed here, so keep a default branch.
 */
export type SkyfoxDomainError = Refusal<DomainCode>;

/**
 * The rule that refused the call; undefined when the error is not SkyFox's, or not about a rule (a fault, an overload of a proxy). With the call's
 * path the codes are those of that call: `domainErrorOf(error, "booking.pay")`, which is undefined for a code that the call does not list.
 */
export function domainErrorOf(error: unknown): SkyfoxDomainError | undefined;
export function domainErrorOf<Path extends CallPath>(
  error: unknown,
  path: Path,
): Refusal<CodesOf<Path>> | undefined;
export function domainErrorOf(error: unknown, path?: CallPath): SkyfoxDomainError | undefined {
  if (!isSkyfoxError(error) || error.data.domain === null) return undefined;
  const { domain } = error.data;
  if (path !== undefined && !listedFor(path).includes(domain.code)) return undefined;
  return { ...domain, ...factsOfRefusal(error, passing.has(domain.code)) };
}

// What another try with the same input may find changed.
const passing: ReadonlySet<DomainCode> = new Set([
  "RATE_LIMITED",
  "OVERLOADED",
  "DATABASE_UNAVAILABLE",
  "MOVIE_SERVICE_UNAVAILABLE",
  "STORAGE_UNAVAILABLE",
  "PAYMENT_GATEWAY_UNAVAILABLE",
  "PAYMENT_IN_PROGRESS",
  "PAYMENT_OUTCOME_UNKNOWN",
  "IDEMPOTENCY_IN_FLIGHT",
]);

function factsOfRefusal(error: SkyfoxError, mayPass: boolean) {
  const { requestId, fields } = error.data;
  const facts = factsOf(error);
  return {
    message: error.message,
    requestId,
    fields: fields ?? [],
    retryable: mayPass && isRepeatable(facts),
    ...carried(facts),
  };
}

// As `fetch` says it below tRPC's own client.
function isFetchError(error: unknown): boolean {
  return error instanceof TRPCClientError && error.cause instanceof TypeError;
}

type KnownFacts = ReturnType<typeof factsOf>;

// A call without a key that may have happened would happen twice.
function isRepeatable({ idempotencyKey, mayHaveHappened }: KnownFacts): boolean {
  return !mayHaveHappened || idempotencyKey !== undefined;
}

function carried({ idempotencyKey, mayHaveHappened }: KnownFacts) {
  return { ...(idempotencyKey !== undefined && { idempotencyKey }), mayHaveHappened };
}

// Without a path the call was refused before its procedure was looked at.
function listedFor(path: string | null): readonly DomainCode[] {
  const codes: Record<string, readonly DomainCode[]> = procedureCodes;
  return (path === null ? undefined : codes[path]) ?? plainCodes;
}

function pathOf(error: unknown): string | null {
  const { procedure } = factsOf(error);
  if (procedure !== undefined) return procedure;
  return error instanceof TRPCClientError && isSkyfoxError(error) ? error.data.path : null;
}
