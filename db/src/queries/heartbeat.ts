import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

/**
 * Writes that a server which settles payments runs at `now`. Where none has for more than `longestGapSeconds`, refunds wait from now on, for
 * all servers; null lets none wait. The first heartbeat of a database has no gap before it.
 */
export async function writeHeartbeat(
  db: Db,
  { now, longestGapSeconds }: { now: Date; longestGapSeconds: number | null },
): Promise<void> {
  await sql`
    insert into server_heartbeat as before (beat_at) values (${now})
    on conflict (single) do update set
      beat_at = excluded.beat_at,
      refunds_wait_since = coalesce(
        before.refunds_wait_since,
        case when excluded.beat_at - before.beat_at > make_interval(secs => ${longestGapSeconds}) then excluded.beat_at end
      )`.execute(db);
}

/** Since when refunds wait to be resumed; undefined when they do not. */
export async function findRefundsWaitSince(db: Db): Promise<Date | undefined> {
  const row = await db.selectFrom("server_heartbeat").select("refunds_wait_since").executeTakeFirst();
  return row?.refunds_wait_since ?? undefined;
}

/** Writes why they wait to all refunds that have no other reason yet why they are not done, so that they are in doubt. */
export async function noteWaitingRefunds(db: Db, why: string): Promise<void> {
  await db
    .updateTable("payment_refund")
    .set({ last_error: why })
    .where("state", "=", "pending")
    .where("last_error", "is", null)
    .execute();
}

/** How many refunds the gateway has not done, and of how much. */
export async function sumPendingRefunds(db: Db): Promise<{ count: number; amount: Decimal }> {
  return await db
    .selectFrom("payment_refund")
    .where("state", "=", "pending")
    .select([
      sql<number>`count(*)`.as("count"),
      sql<Decimal>`coalesce(sum(card_amount), 0)::numeric(12, 2)`.as("amount"),
    ])
    .executeTakeFirstOrThrow();
}

/** Lets refunds go to the gateway again; false when they did not wait. `why` is what was noted. */
export async function resumeRefunds(tx: Tx, why: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("server_heartbeat")
    .set({ refunds_wait_since: null })
    .where("refunds_wait_since", "is not", null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return false;
  await tx
    .updateTable("payment_refund")
    .set({ last_error: null })
    .where("state", "=", "pending")
    .where("last_error", "=", why)
    .execute();
  return true;
}
