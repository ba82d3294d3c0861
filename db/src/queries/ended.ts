import { sql } from "kysely";
import type { Db } from "../connect.ts";
import { openPaymentStates, statesIn } from "../states.ts";

// Each removes at most `limit` rows by each way in which one ends, and tells how many. It leaves out what another transaction has locked, so
// that servers that do this at once do not wait for each other.

/** Removes sessions that have ended or run out: their tokens are refused alike without the row. */
export async function deleteEndedSessions(db: Db, now: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    with run_out as (
      select id from session where expires_at <= ${now} order by expires_at limit ${limit} for update skip locked
    ), ended as (
      select id from session where ended_at <= ${now} order by ended_at limit ${limit} for update skip locked
    )
    delete from session where id = any(array(select id from run_out union all select id from ended))`.execute(
    db,
  );
  return Number(numAffectedRows);
}

/** Removes reset tokens that are over. */
export async function deleteEndedResetTokens(db: Db, now: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    with over as (
      select username from password_reset_tokens where expires_at <= ${now}
      order by expires_at limit ${limit} for update skip locked
    )
    delete from password_reset_tokens where username = any(array(select username from over))`.execute(db);
  return Number(numAffectedRows);
}

/** Removes the windows of guessing limits that ended before that moment. */
export async function deleteEndedLimits(db: Db, endedBefore: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    with over as (
      select key from rate_limit where expire < ${endedBefore.getTime()}
      order by expire limit ${limit} for update skip locked
    )
    delete from rate_limit where key = any(array(select key from over))`.execute(db);
  return Number(numAffectedRows);
}

/** Removes idempotency keys that are over, but none whose payment has no known outcome: repeating it would pay again. */
export async function deleteEndedKeys(db: Db, now: Date, limit: number): Promise<number> {
  // By their places, which the locks keep: a join with so many rows is planned as one reading of the whole table.
  const { numAffectedRows } = await sql`
    with over as (
      select k.ctid as place from idempotency_key k
      where k.expires_at <= ${now} and not exists (
        select from payment_transaction p where p.id = k.payment_id and p.status in ${statesIn(openPaymentStates)}
      )
      order by k.expires_at limit ${limit} for update of k skip locked
    )
    delete from idempotency_key where ctid = any(array(select place from over))`.execute(db);
  return Number(numAffectedRows);
}
