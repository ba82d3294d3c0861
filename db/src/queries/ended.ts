import type { Db } from "../connect.ts";

/** Removes sessions that have ended or run out: their tokens are refused alike without the row. */
export async function deleteEndedSessions(db: Db, now: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("session")
    .where((eb) => eb.or([eb("expires_at", "<=", now), eb("ended_at", "<=", now)]))
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Removes reset tokens that are over. */
export async function deleteEndedResetTokens(db: Db, now: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("password_reset_tokens")
    .where("expires_at", "<=", now)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Removes the windows of guessing limits that ended before that moment. */
export async function deleteEndedLimits(db: Db, endedBefore: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("rate_limit")
    .where("expire", "<", endedBefore.getTime())
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Removes idempotency keys that are over, but none whose payment nobody knows the outcome of: repeating it would pay again. */
export async function deleteEndedKeys(db: Db, now: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("idempotency_key as k")
    .where("k.expires_at", "<=", now)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("payment_transaction as p")
            .select("p.id")
            .whereRef("p.id", "=", "k.payment_id")
            .where("p.status", "in", ["Started", "Unknown"]),
        ),
      ),
    )
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
