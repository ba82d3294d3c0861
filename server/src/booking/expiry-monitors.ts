import {
  expireUnlockedBookings,
  listPendingHolds,
  listPendingHoldsAfter,
  type Db,
  type PendingHold,
} from "@skyfox/db";
import type { Clock, Logger } from "../runtime/ports.ts";
import type { ExpiryMonitors } from "./ports.ts";

const batchSize = 500;
// Postgres works off two batches in two thirds of the time, and one that takes long does not keep the next hold waiting.
const batchesAtOnce = 2;
const pageSize = 10_000;
const lookAgainMs = 200;
const firstDelayMs = 1_000;
const longestDelayMs = 60_000;

export interface RunningExpiryMonitors extends ExpiryMonitors {
  /** Arms a monitor for every pending hold in Postgres, once all are read, and tells how many; overdue ones fire at once. */
  rehydrate(): Promise<number>;
  /** How many timers are waiting. */
  readonly armed: number;
  /** Resolves once every monitor that has fired has been dealt with. */
  settled(): Promise<void>;
  /** Stops all timers and waits for the batches that are under way. */
  close(): Promise<void>;
}

/** Of a server that only shows: no hold expires by it. */
export const noExpiryMonitors: RunningExpiryMonitors = {
  arm() {},
  disarm() {},
  rehydrate: () => Promise.resolve(0),
  armed: 0,
  settled: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

const disarmed = "disarmed";

/**
 * A timer per hold, to expire it on time. The booking's row decides what happens when one fires: firing early, late, twice or on several
 * servers does no harm, and a failure is tried again with growing delays.
 */
export function createExpiryMonitors(parts: { db: Db; clock: Clock; logger: Logger }): RunningExpiryMonitors {
  const { db, clock, logger } = parts;
  const timers = new Map<number, AbortController>();
  const due = new Set<number>();
  // How many work off what is due, and what resolves once all that have begun have ended.
  let workers = 0;
  let allEnded = Promise.resolve();
  // How long what failed last waits for its next try, none after a success, and when that is, in milliseconds since 1970.
  let retryDelayMs = 0;
  let retryAt = 0;
  let isClosed = false;

  function arm(bookingId: number, at: Date): void {
    disarm(bookingId);
    if (isClosed) return;
    const controller = new AbortController();
    timers.set(bookingId, controller);
    clock.wakeAt(at, () => fire(bookingId), controller.signal);
  }

  function disarm(bookingId: number): void {
    // Without a reason of ours an error would be made for each, and its stack looked at.
    timers.get(bookingId)?.abort(disarmed);
    timers.delete(bookingId);
    due.delete(bookingId);
  }

  function fire(bookingId: number): void {
    timers.delete(bookingId);
    due.add(bookingId);
    if (workers === batchesAtOnce) return;
    workers += 1;
    const earlier = allEnded;
    allEnded = expireWhatIsDue().then(() => earlier);
  }

  // Starts a turn of the event loop later, so that all timers of one moment share a batch.
  async function expireWhatIsDue(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (due.size > 0 && !isClosed) {
      const batch = [...due].slice(0, batchSize);
      for (const bookingId of batch) due.delete(bookingId);
      await expireBatch(batch);
    }
    workers -= 1;
  }

  async function expireBatch(batch: number[]): Promise<void> {
    try {
      const now = await clock.nowIn(db);
      const expired = new Set(await expireUnlockedBookings(db, batch, now));
      const others = batch.filter((bookingId) => !expired.has(bookingId));
      // Locked by another transaction, or given more time: what is still pending is looked at again.
      const soon = new Date(now.getTime() + lookAgainMs);
      for (const hold of await listPendingHolds(db, others))
        arm(hold.id, hold.expiresAt > soon ? hold.expiresAt : soon);
      if (expired.size > 0)
        logger.info({ expired: expired.size }, "Holds have expired; their seats are free.");
      retryDelayMs = 0;
    } catch (error) {
      const delayMs = delayAfterFailure();
      logger.warn({ err: error, holds: batch.length, delayMs }, "Holds could not be expired; trying again.");
      const again = new Date(retryAt);
      for (const bookingId of batch) if (!timers.has(bookingId)) arm(bookingId, again);
    }
  }

  // Batches that fail before the next try wait for the same one; a failure after it makes the delay longer.
  function delayAfterFailure(): number {
    const now = clock.now().getTime();
    const left = retryAt - now;
    if (left > 0 && left <= retryDelayMs) return left;
    retryDelayMs = Math.min(Math.max(2 * retryDelayMs, firstDelayMs), longestDelayMs);
    retryAt = now + retryDelayMs;
    return retryDelayMs;
  }

  async function settled(): Promise<void> {
    while (workers > 0) await allEnded;
  }

  return {
    arm,
    disarm,
    async rehydrate() {
      const all: PendingHold[] = [];
      for (let after = "-infinity"; ;) {
        const { holds, last } = await listPendingHoldsAfter(db, after, pageSize);
        all.push(...holds);
        if (last === undefined || holds.length < pageSize) break;
        after = last;
      }
      // Only now, so that none fires before all are there.
      for (const hold of all) arm(hold.id, hold.expiresAt);
      return all.length;
    },
    get armed() {
      return timers.size;
    },
    settled,
    async close() {
      isClosed = true;
      for (const controller of timers.values()) controller.abort();
      timers.clear();
      due.clear();
      await settled();
    },
  };
}
