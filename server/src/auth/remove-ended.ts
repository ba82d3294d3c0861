import { deleteEndedKeys, deleteEndedLimits, deleteEndedResetTokens, deleteEndedSessions } from "@skyfox/db";
import type { Deps } from "../deps.ts";

// Limits run on each server's own clock: only what is over for all of them is removed.
const limitMarginMs = 2 * 60 * 60_000;
// A statement of this size takes a fraction of a second.
const batchSize = 5_000;

/**
 * Removes sessions, reset tokens, windows of guessing limits and idempotency keys that have ended, in batches, until none is left or the
 * signal aborts.
 */
export async function removeEnded(
  { db, clock, logger }: Pick<Deps, "clock" | "db" | "logger">,
  signal?: AbortSignal,
): Promise<void> {
  const now = clock.now();
  const limitsEndedBefore = new Date(now.getTime() - limitMarginMs);
  const removed = {
    sessions: await inBatches(signal, () => deleteEndedSessions(db, now, batchSize)),
    resetTokens: await inBatches(signal, () => deleteEndedResetTokens(db, now, batchSize)),
    keys: await inBatches(signal, () => deleteEndedKeys(db, now, batchSize)),
    limits: await inBatches(signal, () => deleteEndedLimits(db, limitsEndedBefore, batchSize)),
  };
  if (Object.values(removed).some((count) => count > 0)) logger.info(removed, "What had ended was removed.");
}

async function inBatches(
  signal: AbortSignal | undefined,
  removeBatch: () => Promise<number>,
): Promise<number> {
  let removed = 0;
  for (let batch = batchSize; batch >= batchSize && signal?.aborted !== true; removed += batch)
    batch = await removeBatch();
  return removed;
}
