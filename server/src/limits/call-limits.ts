import { shareCounts, type Db } from "@skyfox/db";
import type { Clock, Logger } from "../runtime/ports.ts";
import type { CallLimitName, Limits } from "./limit-table.ts";
import type { CountedTry, Trier } from "./ports.ts";
import { rateLimited, windowsOf } from "./windows.ts";

// Some ten megabytes. An address beyond them has its counts from the database with its next round.
const mostWindows = 50_000;
const mostSharedAtOnce = 10_000;

/** The time between two rounds: one that tells and one that hears, with what each of them takes, are within a second. */
export const shareEveryMs = 400;

// What another server was just committing while the round before read.
const overlapMs = 2_000;

/** Counts of calls in the memory of one server. */
export interface CallLimits {
  /** Counts a call; what this server has counted is exact at once. Throws `RATE_LIMITED`, and then counts nothing. */
  count(limit: CallLimitName, trier: Trier): CountedTry;
  /** One round: tells the other servers on the database what has been counted here, and hears of theirs. A failed one is made up for later. */
  share(): Promise<void>;
  /** How many windows are in memory. */
  readonly size: number;
}

/**
 * What is known of a window: the points of all servers, those among them that others do not know yet, its end in milliseconds since 1970, and how long
 * it lasts; infinite where only other servers have counted in it.
 */
interface Known {
  points: number;
  unshared: number;
  expire: number;
  windowMs: number;
}

/** Limits on calls. They run on the database's time, so that a window ends at the same moment on all servers. */
export function createCallLimits(
  { db, clock, logger }: { db: Db; clock: Pick<Clock, "now">; logger: Pick<Logger, "warn"> },
  limits: Limits,
  { most = mostWindows } = {},
): CallLimits {
  const windows = new Map<string, Known>();
  const server = crypto.randomUUID();
  // All of what is still counted, at first.
  let heardAt = -Infinity;
  let hasFailed = false;
  let round = Promise.resolve();

  function keep(key: string, known: Known): Known {
    windows.delete(key);
    windows.set(key, known);
    const [oldest] = windows.keys();
    if (windows.size > most && oldest !== undefined) windows.delete(oldest);
    return known;
  }

  // A window that would end later than a new one is from before the clock was set back.
  function find(key: string, now: number, windowMs: number): Known {
    const known = windows.get(key);
    if (known !== undefined && known.expire > now && known.expire <= now + windowMs)
      return Object.assign(known, { windowMs });
    return keep(key, { points: 0, unshared: 0, expire: now + windowMs, windowMs });
  }

  async function shareOnce(): Promise<void> {
    const now = clock.now().getTime();
    for (const [key, { expire }] of windows) if (expire <= now) windows.delete(key);
    const told = [...windows].filter(([, { unshared }]) => unshared !== 0).slice(0, mostSharedAtOnce);
    const counts = told.map(([key, { unshared, expire, windowMs }]) => {
      return { key, points: unshared, expire, latestEnd: now + windowMs };
    });
    const beganAt = performance.now();
    for (const [, known] of told) known.unshared = 0;
    try {
      const heard = await shareCounts(db, { server, counts, now, sinceMs: beganAt - heardAt + overlapMs });
      heardAt = beganAt;
      hasFailed = false;
      for (const { key, points, expire } of heard) {
        const known = windows.get(key) ?? keep(key, { points: 0, unshared: 0, expire, windowMs: Infinity });
        // Another server has not counted in it since the clock was set back.
        if (expire > now + known.windowMs) continue;
        known.points = points + known.unshared;
        known.expire = expire;
      }
    } catch (error) {
      // Counted once more where only the answer was lost: then a caller waits a little longer than it had to.
      for (const [index, [, known]] of told.entries()) known.unshared += counts[index]!.points;
      if (!hasFailed)
        logger.warn({ err: error }, "Counts of calls could not be shared; this server goes on with its own.");
      hasFailed = true;
    }
  }

  return {
    count(limit, trier) {
      const now = clock.now().getTime();
      const counted = windowsOf(limit, limits[limit], trier).map((window) => ({
        ...window,
        known: find(window.key, now, window.windowSeconds * 1_000),
      }));
      const full = counted.filter(({ known, max }) => known.points >= max);
      if (full.length > 0) throw rateLimited(Math.max(...full.map(({ known }) => known.expire)) - now);
      const add = (points: number) => {
        for (const { known } of counted) {
          known.points += points;
          known.unshared += points;
        }
      };
      add(1);
      const last = counted.filter(({ kind, known, max }) => kind === "account" && known.points === max);
      return {
        usedUp: last.map((window) => window.limit),
        giveBack() {
          add(-1);
          return Promise.resolve();
        },
      };
    },

    // One after the other, so that what is heard is never older than what was heard before.
    share: () => (round = round.then(shareOnce)),

    get size() {
      return windows.size;
    },
  };
}
