import { deleteEndedKeys, deleteEndedLimits, deleteEndedResetTokens, deleteEndedSessions } from "@skyfox/db";
import type { Deps } from "../deps.ts";

// Limits run on each server's own clock: only what is over for all of them is removed.
const limitMarginMs = 2 * 60 * 60_000;

/** Removes sessions, reset tokens, windows of guessing limits and idempotency keys that have ended. */
export async function removeEnded({ db, clock, logger }: Deps): Promise<void> {
  const now = clock.now();
  const removed = {
    sessions: await deleteEndedSessions(db, now),
    resetTokens: await deleteEndedResetTokens(db, now),
    keys: await deleteEndedKeys(db, now),
    limits: await deleteEndedLimits(db, new Date(now.getTime() - limitMarginMs)),
  };
  if (Object.values(removed).some((count) => count > 0)) logger.info(removed, "What had ended was removed.");
}
