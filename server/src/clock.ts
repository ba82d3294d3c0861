import { databaseTime, type Db } from "@skyfox/db";
import type { Clock, Logger } from "./deps.ts";

const longestTimeoutMs = 2_147_483_647;
const measureEveryMs = 60_000;

export interface RunningClock extends Clock {
  close(): void;
}

/**
 * A clock that shows the database's time: measured now and every minute, carried on in between by the process's monotonic
 * clock, so that a wall clock that lies or jumps changes nothing.
 */
export async function startDatabaseClock(db: Db, logger: Logger): Promise<RunningClock> {
  let anchor = await measure(db);
  const timer = setInterval(() => {
    measure(db).then(
      (measured) => {
        anchor = measured;
      },
      (error: unknown) =>
        logger.warn({ err: error }, "The database's time could not be read; the last measure goes on."),
    );
  }, measureEveryMs);
  timer.unref();

  const now = () => new Date(anchor.databaseMs + (performance.now() - anchor.monotonicMs));
  return {
    now,
    wakeAt(at, wake, signal) {
      scheduleWake(now, at, wake, signal);
    },
    close() {
      clearInterval(timer);
    },
  };
}

async function measure(db: Db): Promise<{ databaseMs: number; monotonicMs: number }> {
  const before = performance.now();
  const time = await databaseTime(db);
  return { databaseMs: time.getTime(), monotonicMs: (before + performance.now()) / 2 };
}

/** Wakes once `now` has reached `at`: timers fire a little early and none waits longer than 24.8 days, so each looks again. */
export function scheduleWake(now: () => Date, at: Date, wake: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  const remainingMs = at.getTime() - now().getTime();
  const timer = setTimeout(
    () => {
      signal.removeEventListener("abort", stop);
      if (now() < at) scheduleWake(now, at, wake, signal);
      else wake();
    },
    Math.min(Math.max(Math.ceil(remainingMs), 0), longestTimeoutMs),
  );
  const stop = () => clearTimeout(timer);
  signal.addEventListener("abort", stop, { once: true });
}
