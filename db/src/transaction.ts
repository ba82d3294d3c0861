import type { Db, Tx } from "./connect.ts";
import { isOutdatedPlan } from "./named-statements.ts";

const retryable = new Set(["40001", "40P01"]);
const maxAttempts = 5;

/**
 * Runs the callback in one READ COMMITTED transaction; a serialization failure or deadlock (also one that COMMIT raises), or a change of the
 * schema under its statements, runs the whole callback again, at most five times in all, so it must have no effect outside the database.
 *
 * Rows are locked in this order everywhere: the key of the call, show (shared), bookings by id, seat claims by show and seat number, wallets by
 * username, payments by id, windows of limits by key. What skips locked rows may take them in any order. A row that refers to a payment, such as a
 * refund, may be added before a wallet is locked, since no lock on a payment keeps it waiting. A customer's limit on holds is a unique slot of the
 * booking, so that no hold locks the customer.
 * A payment by wallet and card keeps its windows locked until its commit, a round trip later.
 * Scheduling locks the film, then adds the show.
 * A new hold waits for those that count the same (`hold_refusal`) after the show and before its own seats. It may have expired other
 * bookings before; a hold that it waits for has seen their seats as claimed and does not want them, or has expired them itself.
 */
export async function inTransaction<Result>(db: Db, callback: (tx: Tx) => Promise<Result>): Promise<Result> {
  return await retryConflicts(() => db.transaction().execute(callback));
}

/** Does what is one statement, without a transaction around it, again for the same reasons and as often as `inTransaction` would. */
export async function retryConflicts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === maxAttempts || !isRetryable(error)) throw error;
    }
  }
}

/** Whether the database gave up a serialization conflict, a deadlock or an outdated plan: doing all of it again is right. */
export function isRetryable(error: unknown): boolean {
  return retryable.has(sqlState(error) ?? "") || isOutdatedPlan(error);
}

/** The five-character SQLSTATE of a Postgres error, if it is one. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  // Classes begin with a digit, F, H, P or X; what begins with E is the operating system's, such as EPIPE.
  return /^[0-9FHPX][0-9A-Z]{4}$/.test(error.code) ? error.code : undefined;
}
