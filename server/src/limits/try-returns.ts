import { setTimeout as pause } from "node:timers/promises";
import { returnFreeTries, retryConflicts, type Db, type ReturnedWindow } from "@skyfox/db";
import type { Logger } from "../runtime/ports.ts";

// With the pauses between them 0.8 seconds: a server that closes has a second.
const mostAttempts = 20;

/** Gives tries back behind the calls that made them. */
export interface TryReturns {
  /** Takes the try back from these windows soon; no caller waits for it. */
  add(windows: readonly ReturnedWindow[]): void;
  /** Resolves once everything that was added is written, or could not be. */
  settled(): Promise<void>;
}

interface Waiting {
  window: ReturnedWindow;
  attempts: number;
}

/**
 * One statement at a time takes back all that was added while the last one ran. So the many callers of one address, who would wait for its window one by
 * one, lock it once. A window that is locked is tried again a little later; no other waits for its lock. What cannot be written stays counted until its
 * window ends.
 */
export function createTryReturns(
  { db, logger }: { db: Db; logger: Pick<Logger, "warn"> },
  { betweenAttemptsMs = 40 } = {},
): TryReturns {
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const tried = waiting;
      waiting = [];
      const locked = await write(tried);
      waiting.push(...locked);
      if (locked.length > 0) await pause(betweenAttemptsMs);
    }
    writing = undefined;
  }

  async function write(tried: Waiting[]): Promise<Waiting[]> {
    try {
      const windows = tried.map(({ window }) => window);
      const places = await retryConflicts(() => returnFreeTries(db, windows));
      const locked = places.map((place) => ({ ...tried[place]!, attempts: tried[place]!.attempts + 1 }));
      const again = locked.filter(({ attempts }) => attempts < mostAttempts);
      if (again.length < locked.length) warn(locked.length - again.length);
      return again;
    } catch (error) {
      // Where only the answer was lost, they are given back: a second time would make room for cards that fail.
      warn(tried.length, error);
      return [];
    }
  }

  function warn(count: number, error?: unknown): void {
    logger.warn(
      { err: error, count },
      "Cards that did not fail stay counted as failed until their windows end.",
    );
  }

  return {
    add(windows) {
      if (windows.length === 0) return;
      waiting.push(...windows.map((window) => ({ window, attempts: 0 })));
      writing ??= writeAll();
    },
    settled: () => writing ?? Promise.resolve(),
  };
}
