import { TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { callOf, type Call } from "./call.ts";
import { isSkyfoxError, reasonOf, responseOf } from "./errors.ts";
import { domainErrorOf } from "./failures.ts";
import { randomShare } from "./random.ts";
import type { AppRouter } from "./router.ts";
import { abortErrorOf } from "./timeout.ts";

// Full jitter, as in the AWS Architecture Blog's "Exponential Backoff and Jitter".
const backoff = { firstMs: 300, longestMs: 10_000 };

/** The longest wait that an answer may name: a call with a longer one is left to its caller, a stream is tried again after this one. */
export const longestNamedMs = 30_000;

// A payment takes the gateway's ten seconds; one in doubt is known half a minute later, unless the gateway is silent.
const polling = { leastMs: 250, firstMs: 1_000, longestMs: 5_000, patienceMs: 60_000 };

/** Chance and time, so that tests need neither. */
export interface Timing {
  /** At least 0 and less than 1. */
  random(): number;
  /** Calls `wake` that much later, unless what it returns is called before. */
  after(ms: number, wake: () => void): () => void;
  /** Milliseconds of the wall clock, which goes on while the device sleeps. */
  now(): number;
}

export const realTiming: Timing = {
  random: randomShare,
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
  now: () => new Date().getTime(),
};

interface Tries {
  failures: number;
  polls: number;
  polledMs: number;
}

/**
 * Repeats queries, and mutations that carry a key, when the network failed or the server was busy, as often as the call says at most; and such mutations
 * while their first call is in flight or its outcome unknown. Every wait ends with the caller's signal. Put `callLink` above it.
 */
export function retryLink(timing: Timing): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type === "subscription") return next(op);
      return observable((observer) => {
        const tries: Tries = { failures: 0, polls: 0, polledMs: 0 };
        let stopWaiting: (() => void) | undefined;
        let stopCalling: (() => void) | undefined;

        function call(): void {
          const calling = next(op).subscribe({
            next: (value) => observer.next(value),
            complete: () => observer.complete(),
            error(error) {
              const waitMs = op.signal?.aborted ? undefined : waitAfter(error, callOf(op), tries);
              if (waitMs === undefined) observer.error(error);
              else wait(waitMs);
            },
          });
          stopCalling = () => calling.unsubscribe();
        }

        function wait(ms: number): void {
          const { signal } = op;
          const abort = () => {
            stopWaiting?.();
            if (signal) observer.error(TRPCClientError.from(abortErrorOf(signal)));
          };
          const cancel = timing.after(ms, () => {
            stopWaiting?.();
            call();
          });
          stopWaiting = () => {
            cancel();
            signal?.removeEventListener("abort", abort);
          };
          signal?.addEventListener("abort", abort);
        }

        call();
        return () => {
          stopWaiting?.();
          stopCalling?.();
        };
      });
    };

  // How long to wait before the next try; undefined when there is to be none.
  function waitAfter(error: TRPCClientError<AppRouter>, call: Call, tries: Tries): number | undefined {
    const { type, retries, idempotencyKey } = call;
    if (retries <= 0 || (type !== "query" && idempotencyKey === undefined)) return undefined;
    const code = domainErrorOf(error)?.code;
    if (code === "IDEMPOTENCY_IN_FLIGHT" || code === "PAYMENT_OUTCOME_UNKNOWN") return nextPoll(tries);
    if (tries.failures >= retries || !mayPass(error)) return undefined;
    const namedMs = namedWaitMs(error) ?? 0;
    if (namedMs > longestNamedMs) return undefined;
    tries.failures += 1;
    return namedMs + backoffMs(tries.failures, timing);
  }

  function nextPoll(tries: Tries): number | undefined {
    const spanMs = Math.min(polling.longestMs, polling.firstMs * 2 ** tries.polls);
    const waitMs = polling.leastMs + timing.random() * spanMs;
    tries.polls += 1;
    tries.polledMs += waitMs;
    return tries.polledMs > polling.patienceMs ? undefined : waitMs;
  }
}

/** A random wait before the next try, after so many failures in a row: at most 300 ms after the first, twice as long each time, up to 10 s. */
export function backoffMs(failures: number, timing: Timing): number {
  return timing.random() * Math.min(backoff.longestMs, backoff.firstMs * 2 ** (failures - 1));
}

// Whether the same call may well succeed in a moment.
function mayPass(error: TRPCClientError<AppRouter>): boolean {
  if (isSkyfoxError(error)) return error.data.httpStatus === 429 || error.data.httpStatus === 503;
  const reason = reasonOf(error);
  return reason === "NETWORK" || reason === "TIMEOUT";
}

/** How long the answer says to wait, in milliseconds; undefined when it does not say. */
export function namedWaitMs(error: TRPCClientError<AppRouter>): number | undefined {
  const problem = domainErrorOf(error);
  switch (problem?.code) {
    case "RATE_LIMITED":
    case "OVERLOADED":
    case "DATABASE_UNAVAILABLE":
      return problem.details.retryAfterSeconds * 1_000;
    default:
  }
  // The header of a batch is that of the call with the longest wait.
  if (isSkyfoxError(error)) return undefined;
  const named = responseOf(error)?.headers.get("retry-after");
  if (named === undefined || named === null) return undefined;
  if (/^\d+$/.test(named)) return Number(named) * 1_000;
  const untilMs = new Date(named).getTime() - new Date().getTime();
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}
