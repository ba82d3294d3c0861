import { databaseTime, type Db } from "@skyfox/db";
import type { Clock, Logger } from "./deps.ts";

const longestTimeoutMs = 2_147_483_647;
const measureEveryMs = 60_000;
const samples = 3;
// How far the process's monotonic clock may go astray, in milliseconds a millisecond.
const drift = 0.001;

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
        // A slow answer says little about its moment, but the older the anchor, the less that says too.
        const ageMs = measured.monotonicMs - anchor.monotonicMs;
        if (measured.uncertaintyMs <= anchor.uncertaintyMs + ageMs * drift) anchor = measured;
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
    wakeAfter(ms, wake, signal) {
      const started = performance.now();
      scheduleWake(() => new Date(performance.now() - started), new Date(ms), wake, signal);
    },
    close() {
      clearInterval(timer);
    },
  };
}

interface Anchor {
  databaseMs: number;
  monotonicMs: number;
  uncertaintyMs: number;
}

// The fastest of a few, on one connection: waiting for a free one, or for a new one, must not count as the answer's way.
async function measure(db: Db): Promise<Anchor> {
  return await db.connection().execute(async (connection) => {
    const anchors: Anchor[] = [];
    while (anchors.length < samples) anchors.push(await measureOnce(connection));
    return anchors.reduce((best, one) => (one.uncertaintyMs < best.uncertaintyMs ? one : best));
  });
}

async function measureOnce(connection: Db): Promise<Anchor> {
  const before = performance.now();
  const time = await databaseTime(connection);
  const uncertaintyMs = (performance.now() - before) / 2;
  return { databaseMs: time.getTime(), monotonicMs: before + uncertaintyMs, uncertaintyMs };
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
