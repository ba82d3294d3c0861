import { TRPCClientError, type Operation, type TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { DomainCode } from "@skyfox/server/contract/plain";
import { isSkyfoxError, reasonOf, responseOf, unsure, type CallFacts } from "./errors.ts";
import { keyFor } from "./keys.ts";
import type { AppRouter } from "./router.ts";
import type { Token } from "./sessions.ts";
import { abortErrorOf, lossOf } from "./timeout.ts";

type CallError = TRPCClientError<AppRouter>;

/** One call on its way through the client, with all its attempts. */
export interface Call {
  readonly procedure: string;
  readonly type: Operation["type"];
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  idempotencyKey: string | undefined;
  /** What its last request carried. */
  token: Token;
  attempts: number;
  /** Whether a request of the present attempt has left. */
  isSent: boolean;
  /** Whether an attempt that is over, or an earlier call with the same key, may have had the effect. */
  mayHaveHappened: boolean;
}

/** What holds for calls that do not say otherwise. */
export interface CallDefaults {
  /** The server's, for sentences. */
  host: string;
  timeoutMs: number;
  retries: number;
}

const inContext = "skyfox call";

/** The call that an operation is an attempt of. */
export function callOf({ context }: Operation): Call {
  return context[inContext] as Call;
}

/**
 * Begins every call: checks its options before anything is sent, and gives it one idempotency key for all attempts where the server answers once.
 * Every error from below becomes one that says what is known of the call.
 */
export function callLink(defaults: CallDefaults): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type === "subscription") return next(op);
      return observable((observer) => {
        const call = beginCall(op.path, op.type, optionsOf(op), defaults);
        const fail = (error: unknown) => observer.error(describeError(error, call, defaults.host));
        const given = op.context["idempotencyKey"];
        try {
          call.idempotencyKey = keyFor(op, given);
          // An earlier call with the caller's own key may have had the effect.
          call.mayHaveHappened = given !== undefined;
        } catch (error) {
          fail(error);
          return;
        }
        return next({ ...op, context: { ...op.context, [inContext]: call } }).subscribe({
          next: (value) => observer.next(value),
          complete: () => observer.complete(),
          error: fail,
        });
      });
    };
}

/** What a caller can say about one call. */
interface GivenOptions {
  signal?: AbortSignal | null | undefined;
  timeoutMs?: number | undefined;
  retries?: number | undefined;
}

function optionsOf({ signal, context }: Operation): GivenOptions {
  const { timeoutMs, retries } = context as GivenOptions;
  return { signal, timeoutMs, retries };
}

/** A call of which nothing was sent yet. */
export function beginCall(
  procedure: string,
  type: Operation["type"],
  { signal, timeoutMs, retries }: GivenOptions,
  defaults: CallDefaults,
): Call {
  return {
    procedure,
    type,
    signal: signal ?? undefined,
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    retries: retries ?? defaults.retries,
    idempotencyKey: undefined,
    token: undefined,
    attempts: 0,
    isSent: false,
    mayHaveHappened: false,
  };
}

// These say nothing about an attempt before: they are answered before the key is looked at, or because it is another call's.
const early: ReadonlySet<DomainCode> = new Set([
  "INVALID_API_KEY",
  "MISSING_TOKEN",
  "INVALID_TOKEN",
  "SESSION_ENDED",
  "FORBIDDEN",
  "VALIDATION_ERROR",
  "BACKGROUND_OFF",
  "RATE_LIMITED",
  "OVERLOADED",
  "IDEMPOTENCY_MISMATCH",
]);

/** Notes with the call what the error of an attempt says about its effect. */
export function noteFailure(call: Call, error: CallError): void {
  if (call.type !== "mutation") return;
  if (!isSkyfoxError(error)) {
    if (call.isSent) call.mayHaveHappened = true;
    return;
  }
  const { domain, httpStatus } = error.data;
  if (domain === null ? httpStatus >= 500 : unsure.has(domain.code)) call.mayHaveHappened = true;
  else if (domain !== null && !early.has(domain.code)) call.mayHaveHappened = false;
}

/** The error that the caller of a call gets for the one that it ended with. */
export function describeError(thrown: unknown, call: Call, host: string): CallError {
  const error: CallError = TRPCClientError.from(thrown as Error);
  const { procedure, attempts, idempotencyKey, mayHaveHappened, signal } = call;
  const facts: CallFacts = {
    procedure,
    attempts,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    mayHaveHappened,
  };
  if (isSkyfoxError(error)) return Object.assign(error, facts);
  const cause = signal?.aborted ? abortErrorOf(signal) : (error.cause ?? error);
  const meta = error.meta;
  const unanswered: CallError = new TRPCClientError(error.message, { cause, ...(meta && { meta }) });
  return Object.assign(unanswered, facts, { message: sentenceFor(unanswered, call, host) });
}

function sentenceFor(error: CallError, { procedure, attempts, timeoutMs }: Call, host: string): string {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const reason = reasonOf(error);
  if (reason === "ABORTED") return `${procedure} was aborted by its caller.`;
  if (reason === "TIMEOUT") return `${procedure}: ${host} did not answer within ${timeoutMs} ms (${tries}).`;
  const response = responseOf(error);
  if (response === undefined) return `${procedure}: ${failureIn(error, host)} (${tries}).`;
  const { status } = response;
  if (lossOf(error.cause) !== undefined && !(error.cause instanceof SyntaxError))
    return `${procedure}: the answer of ${host} with status ${status} broke off (${tries}).`;
  const hint = status < 400 ? " Is the URL that of SkyFox?" : "";
  return `${procedure}: ${host} answered ${status} with ${kindOf(response)}, not with SkyFox's answer (${tries}).${hint}`;
}

// Runtimes say "fetch failed" or "Failed to fetch"; Node's cause has the reason.
function failureIn({ cause }: CallError, host: string): string {
  const message = cause?.message ?? "";
  if (lossOf(cause) === undefined) return message.replace(/\.$/, "");
  const { code } = (cause?.cause ?? {}) as { code?: unknown };
  return `${host} could not be reached: ${message}${typeof code === "string" ? `, ${code}` : ""}`;
}

function kindOf({ headers }: Response): string {
  const type = headers.get("content-type") ?? "";
  if (type.includes("html")) return "an HTML page";
  return type.includes("json") ? "other JSON" : "other text";
}
