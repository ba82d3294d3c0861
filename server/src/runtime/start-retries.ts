import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "./ports.ts";
import { isDatabaseBusyOrGone } from "../rpc/error-shape.ts";

const giveUpAfterMs = 120_000;
const firstPauseMs = 250;
const longestPauseMs = 10_000;

// Of a network that is only just coming up; a name that does not exist (ENOTFOUND) is a wrong setting.
const passingNetworkFaults = new Set(["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"]);

/** How time passes between two tries. */
export interface RetryTiming {
  /** Milliseconds of a clock that is never set. */
  nowMs(): number;
  /** Rejects when the signal aborts. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const realTiming: RetryTiming = {
  nowMs: () => performance.now(),
  pause: (ms, signal) => pause(ms, undefined, { signal }),
};

/**
 * Tries again, with growing pauses and for two minutes, while what goes wrong may pass by itself; throws what does not, and the last error.
 * Throws the reason of a signal that aborts before a try or in a pause.
 */
export async function retryPassingFaults<Result>(
  attempt: () => Promise<Result>,
  {
    logger,
    signal,
    timing = realTiming,
  }: { logger: Logger; signal?: AbortSignal | undefined; timing?: RetryTiming | undefined },
): Promise<Result> {
  const startedMs = timing.nowMs();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const triedMs = timing.nowMs() - startedMs;
      if (!isPassing(error) || triedMs + pauseMs > giveUpAfterMs) throw error;
      logger.warn(
        { err: error, reason: reasonOf(error), triedMs: Math.round(triedMs), pauseMs },
        "The start did not succeed for a reason that may pass; it is tried again.",
      );
    }
    await waitFor(pauseMs, timing, signal);
  }
}

async function waitFor(ms: number, timing: RetryTiming, signal: AbortSignal | undefined): Promise<void> {
  try {
    await timing.pause(ms, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

// A migration that fails has the database's error as its cause.
function isPassing(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (isDatabaseBusyOrGone(one)) return true;
    if ("code" in one && typeof one.code === "string" && passingNetworkFaults.has(one.code)) return true;
  }
  return false;
}

// A name with several addresses fails with one error for each.
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
