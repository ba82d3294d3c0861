import { findRefundsWaitSince, noteWaitingRefunds, sumPendingRefunds } from "@skyfox/db";
import type { Deps } from "../deps.ts";

/** Why a refund is in doubt while it waits; an admin reads it. */
export const waitingNote =
  "waits for npm run payments:resume: no server ran for a while, so this database may be an older state or a copy";

/**
 * Whether the refunds of the reconciler have to wait, because no server ran for longer than payments keep their seats: a copy or an older
 * state of the database may owe what was never owed. They are in doubt then, and say why.
 */
export async function keepRefundsWaiting({ db }: Pick<Deps, "db">): Promise<boolean> {
  if ((await findRefundsWaitSince(db)) === undefined) return false;
  await noteWaitingRefunds(db, waitingNote);
  return true;
}

/** Says in the log that refunds wait, if they do. */
export async function warnOfWaitingRefunds({ db, logger }: Pick<Deps, "db" | "logger">): Promise<void> {
  const since = await findRefundsWaitSince(db);
  if (since === undefined) return;
  const { count, amount } = await sumPendingRefunds(db);
  logger.warn(
    { since, count, amount },
    "Refunds wait, because no server had run for longer than PAYING_SECONDS. If this is the living database, and not an older state of it " +
      "or a copy, let them go: npm run payments:resume. Otherwise see server/docs/restore.md.",
  );
}
