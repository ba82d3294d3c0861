import { databaseTime, type Db } from "@skyfox/db";
import type { Clock, Logger } from "./ports.ts";

const longestTimeoutMs = 2_147_483_647;
const watchEveryMs = 1_000;
const measureEveryMs = 60_000;
const samples = 3;
// How far the process's monotonic clock may go astray, in milliseconds a millisecond.
const drift = 0.001;
// Between the wall and the monotonic clock of the process within one watch: more, and the machine was suspended or set.
const toleranceMs = 500;
// A slow answer and a clock that is being adjusted stay below it.
const jumpMs = 1_000;

export interface RunningClock extends Clock {
  /** How often the database's time has jumped by more than a second, forward or backward, since the start. */
  readonly jumps: number;
  /** For what may have changed the database's time, such as a lost connection: it is measured at once, and each second until that works. */
  doubt(): void;
  close(): void;
}

/**
 * A clock that shows the database's time: measured now and every minute, carried on in between by the process's monotonic clock, so that a
 * wall clock that lies or jumps changes nothing. It is measured at once when it is in doubt: a reading says something else, a connection
 * was lost, the process or the machine stood still. What decides takes readings (see `Clock`), so that it is right in the meantime too.
 */
export async function startDatabaseClock(db: Db, logger: Logger): Promise<RunningClock> {
  let anchor = await measure(db);
  let watched = { monotonicMs: performance.now(), wallMs: new Date().getTime() };
  let jumps = 0;
  let jumpedForwardTo: Date | undefined;
  let isDoubted = false;
  let isMeasuring = false;
  let hasFailed = false;
  let isClosed = false;

  const carriedOn = (monotonicMs: number) => anchor.databaseMs + (monotonicMs - anchor.monotonicMs);
  const now = () => new Date(carriedOn(performance.now()));

  function take(measured: Anchor): void {
    const boundMs = anchor.uncertaintyMs + (measured.monotonicMs - anchor.monotonicMs) * drift;
    const differenceMs = measured.databaseMs - carriedOn(measured.monotonicMs);
    const isApart = Math.abs(differenceMs) > boundMs + measured.uncertaintyMs;
    // A slow answer says little about its moment, unless it cannot be reconciled with the older measure at all.
    if (!isApart && measured.uncertaintyMs > boundMs) {
      isDoubted = true;
      return;
    }
    anchor = measured;
    if (Math.abs(differenceMs) - measured.uncertaintyMs <= jumpMs) return;
    jumps += 1;
    if (differenceMs > 0) jumpedForwardTo = new Date(measured.databaseMs);
    logger.warn({ jumpedMs: Math.round(differenceMs) }, "The database's time has jumped.");
  }

  async function measureAgain(): Promise<void> {
    if (isMeasuring || isClosed) return;
    isMeasuring = true;
    // What casts doubt from here on asks for another measure.
    isDoubted = false;
    try {
      take(await measure(db));
      hasFailed = false;
    } catch (error) {
      isDoubted = true;
      if (!hasFailed && !isClosed)
        logger.warn(
          { err: error },
          "The database's time could not be read; the last measure goes on until it can.",
        );
      hasFailed = true;
    } finally {
      isMeasuring = false;
    }
  }

  function watch(): void {
    const last = watched;
    watched = { monotonicMs: performance.now(), wallMs: new Date().getTime() };
    const passedMs = watched.monotonicMs - last.monotonicMs;
    const stoodStill = passedMs > 2 * watchEveryMs;
    const disagrees = Math.abs(watched.wallMs - last.wallMs - passedMs) > toleranceMs;
    const isOld = watched.monotonicMs - anchor.monotonicMs >= measureEveryMs;
    if (isDoubted || stoodStill || disagrees || isOld) void measureAgain();
  }

  const timer = setInterval(watch, watchEveryMs);
  timer.unref();

  function doubt(): void {
    isDoubted = true;
    void measureAgain();
  }

  function nowFrom(reading: Date): Date {
    const aheadMs = reading.getTime() - now().getTime();
    // At once, since what is decided by this reading must know of it.
    if (aheadMs > jumpMs) jumpedForwardTo = reading;
    if (Math.abs(aheadMs) > jumpMs) doubt();
    return reading;
  }

  return {
    now,
    nowFrom,
    standsAt: undefined,
    nowIn: async (handle) => nowFrom(await databaseTime(handle)),
    get jumps() {
      return jumps;
    },
    get jumpedForwardTo() {
      return jumpedForwardTo;
    },
    doubt,
    wakeAt(at, wake, signal) {
      scheduleWake(now, at, wake, signal);
    },
    wakeAfter(ms, wake, signal) {
      const started = performance.now();
      scheduleWake(() => new Date(performance.now() - started), new Date(ms), wake, signal);
    },
    close() {
      isClosed = true;
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
