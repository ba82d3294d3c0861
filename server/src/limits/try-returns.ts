import { returnTry, type Db, type ReturnedWindow } from "@skyfox/db";
import type { Logger } from "../runtime/ports.ts";

/** Gives tries back behind the calls that made them. */
export interface TryReturns {
  /** Takes the try back from these windows soon; no caller waits for it. */
  add(windows: readonly ReturnedWindow[]): void;
  /** Resolves once all that was added so far is written, or could not be. */
  settled(): Promise<void>;
}

/**
 * One statement at a time takes back all that was added while the last one ran. So the many callers of one address, who would wait for its window one by
 * one, lock it once. What cannot be written stays counted until its window ends.
 */
export function createTryReturns({ db, logger }: { db: Db; logger: Pick<Logger, "warn"> }): TryReturns {
  let waiting: ReturnedWindow[] = [];
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const windows = waiting;
      waiting = [];
      await returnTry(db, windows).catch((error: unknown) => {
        logger.warn(
          { err: error },
          "A card that did not fail stays counted as failed until its window ends.",
        );
      });
    }
    writing = undefined;
  }

  return {
    add(windows) {
      if (windows.length === 0) return;
      waiting.push(...windows);
      writing ??= writeAll();
    },
    settled: () => writing ?? Promise.resolve(),
  };
}
