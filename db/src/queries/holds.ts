import { sql, type RawBuilder } from "kysely";
import type { Db, Tx } from "../connect.ts";
import { heldStates, isOverdueHold, isOverdueInPaying } from "../states.ts";
import { sqlState } from "../transaction.ts";

// As long as the function claim_seats of the migrations waits.
const claimWait = "150ms";

class SeatLocked extends Error {
  constructor(options: ErrorOptions) {
    super("A claim on a seat stayed locked.", options);
  }
}

/** Whether a booking was not written because another transaction kept the claim on one of its seats locked. */
export function isSeatLocked(error: unknown): boolean {
  if (error instanceof SeatLocked) return true;
  const isLocked = sqlState(error) === "55P03" && error instanceof Error && "where" in error;
  // The words around the name are in the language of the database's messages.
  return isLocked && String(error.where).includes("claim_seats(");
}

/** How many holds of the customer are written as live, those being paid counted. */
export async function countLiveHolds(db: Db, username: string): Promise<number> {
  const row = await db
    .selectFrom("booking")
    .where("customer_username", "=", username)
    .where("status", "in", heldStates)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return row.count;
}

/** The customer's holds whose time is over but that are not written as expired yet. */
export async function listOverdueHolds(db: Db, username: string, now: Date): Promise<number[]> {
  const rows = await db
    .selectFrom("booking")
    .where("customer_username", "=", username)
    .where(isOverdueHold(now))
    .select("id")
    .execute();
  return rows.map((row) => row.id);
}

/**
 * Expires these bookings as far as they are due: holds whose time is over and payments that took too long. Waits for the ones that
 * another transaction is just changing, and decides by what they are then; tells which ones it expired.
 */
export async function expireBookings(db: Db, bookingIds: number[], now: Date): Promise<number[]> {
  return await expire(db, now, "wait", dueAmong(bookingIds, now, "wait"));
}

/**
 * Like `expireBookings`, for seats that are about to be taken over: waits for each lock as long as a claim is waited for. `isSeatLocked` tells
 * when that was not enough.
 */
export async function expireForTakeover(tx: Tx, bookingIds: number[], now: Date): Promise<void> {
  const { rows } = await sql<{ before: string }>`
    select current_setting('lock_timeout') as before, set_config('lock_timeout', ${claimWait}, true)`.execute(
    tx,
  );
  try {
    await expireBookings(tx, bookingIds, now);
    // A server of an older version may have ended one without the seats that it had just changed to.
    await sql`
      select release_claims(array(
        select id from booking where id = any(${bookingIds}::bigint[]) and ended_at is not null
      ))`.execute(tx);
  } catch (error) {
    throw sqlState(error) === "55P03" ? new SeatLocked({ cause: error }) : error;
  }
  await sql`select set_config('lock_timeout', ${rows[0]?.before}, true)`.execute(tx);
}

/** Like `expireBookings`, but waits for no lock: a booking of which another transaction has locked anything is left as it is. */
export async function expireUnlockedBookings(db: Db, bookingIds: number[], now: Date): Promise<number[]> {
  return await expire(db, now, "skip", dueAmong(bookingIds, now, "skip"));
}

/**
 * Expires what is due, the longest due first: at most `limit` holds, and then as many payments that took too long. It waits for no lock: a booking
 * is left as it is while another transaction has it, a claim of it, its payment or the payer's wallet locked.
 */
export async function expireAnyDue(db: Db, limit: number, now: Date): Promise<number[]> {
  // Each in the order of its own partial index, so that no ended booking is read. Skipping, it waits for none: any order of locks will do.
  const overdue = sql`
      select id from booking where ${isOverdueHold(now)}
      order by expires_at limit ${limit} ${lockRows.skip}`;
  const overpaying = sql`
      select id from booking where ${isOverdueInPaying(now)}
      order by paying_until limit ${limit} ${lockRows.skip}`;
  const expired = await expire(db, now, "skip", overdue);
  return [...expired, ...(await expire(db, now, "skip", overpaying))];
}

/** What happens at a row that another transaction has locked. */
type AtLocked = "wait" | "skip";

const lockRows = { wait: sql`for update`, skip: sql`for update skip locked` };
// A payment's key stays: rows that refer to it can be added meanwhile.
const lockPayments = { wait: sql`for no key update`, skip: sql`for no key update skip locked` };

function dueAmong(bookingIds: number[], now: Date, atLocked: AtLocked): RawBuilder<unknown> {
  return sql`
      select id from booking
      where id = any(${bookingIds}::bigint[])
        and (${isOverdueHold(now)} or ${isOverdueInPaying(now)})
      order by id ${lockRows[atLocked]}`;
}

// The booking row decides, re-read after any lock wait; its claims, and what its payment has reserved, only follow. They are found through
// arrays: a join with so many rows may be planned as one reading of the whole table.
async function expire(db: Db, now: Date, atLocked: AtLocked, due: RawBuilder<unknown>): Promise<number[]> {
  const isWhollyLocked =
    atLocked === "wait" ? sql`true` : sql`id not in (select booking_id from partly_locked)`;
  // Postgres runs the parts of a statement in no promised order. Each lock counts or reads the ones before it, so that these are had first.
  const { rows } = await sql<{ id: number }>`
    with due as (${due}
    ), claim as (
      select show_id, seat_number, booking_id from seat_claim
      where booking_id = any(array(select id from due)) order by show_id, seat_number ${lockRows[atLocked]}
    ), wallet as (
      select username from customer_wallet
      where (select count(*) from claim) >= 0
        and username = any(array(
          select username from payment_transaction where booking_id = any(array(select id from due)) and reserved > 0
        ))
      order by username ${lockRows[atLocked]}
    ), payment as (
      -- Locked, so that it is read as it is after the wait for the booking, not as it was before.
      select id, booking_id, username, reserved from payment_transaction
      where (select count(*) from wallet) >= 0 and booking_id = any(array(select id from due)) and reserved > 0
      order by id ${lockPayments[atLocked]}
    ), partly_locked as (
      select booking_id from seat_claim
      where booking_id = any(array(select id from due))
        and (show_id, seat_number) not in (select show_id, seat_number from claim)
      union all
      select booking_id from payment_transaction
      where booking_id = any(array(select id from due)) and reserved > 0
        and (id not in (select id from payment) or username not in (select username from wallet))
    ), expired as (
      update booking set status = 'Expired', ended_at = ${now}, paying_until = null
      where id = any(array(select id from due where ${isWhollyLocked})) returning id
    ), released as materialized (
      -- Also seats that a hold got while its lock was waited for.
      select release_claims(array(select id from expired))
    ), given_back as (
      select id, username, reserved from payment where booking_id in (select id from expired)
    ), unreserved as (
      update customer_wallet w set reserved = w.reserved - given.total
      from (select username, sum(reserved) as total from given_back group by username) given
      where w.username = given.username
    ), without_reserve as (
      update payment_transaction set reserved = 0 where id = any(array(select id from given_back))
    )
    select id from expired, released`.execute(db);
  return rows.map((row) => row.id);
}

/** Frees the seats of a booking whose state the caller changes in the same transaction. */
export async function releaseClaims(tx: Tx, bookingId: number): Promise<void> {
  await sql`select release_claims(array[${bookingId}::bigint])`.execute(tx);
}

/** Sets until when the claims of a booking hold; null for good. */
export async function updateClaims(tx: Tx, bookingId: number, freeAfter: Date | null): Promise<void> {
  await sql`
    with locked as (
      select show_id, seat_number from seat_claim where booking_id = ${bookingId} order by show_id, seat_number for update
    )
    update seat_claim set free_after = ${freeAfter}, version = seat_claim.version + 1
    from locked where seat_claim.show_id = locked.show_id and seat_claim.seat_number = locked.seat_number`.execute(
    tx,
  );
}

/** A hold and when it is due. */
export interface PendingHold {
  id: number;
  expiresAt: Date;
}

/** Those of these bookings that are pending holds. */
export async function listPendingHolds(db: Db, bookingIds: number[]): Promise<PendingHold[]> {
  if (bookingIds.length === 0) return [];
  return await db
    .selectFrom("booking")
    .where(sql<boolean>`id = any(${bookingIds}::bigint[])`)
    .where("status", "=", "Pending")
    .select(["id", sql<Date>`expires_at`.as("expiresAt")])
    .execute();
}

/**
 * Pending holds that are due after a moment, the soonest due first, for rebuilding the monitors page by page: at least `limit` while there
 * are as many, and all that are due at the last one's moment. That moment is text, because a `Date` would lose its microseconds.
 */
export async function listPendingHoldsAfter(
  db: Db,
  after: string,
  limit: number,
): Promise<{ holds: PendingHold[]; last: string | undefined }> {
  const { rows } = await sql<PendingHold & { moment: string }>`
    select id, expires_at as "expiresAt", expires_at::text as moment from booking
    where status = 'Pending' and expires_at > ${after}::timestamptz
    order by expires_at fetch first ${limit} rows with ties`.execute(db);
  return { holds: rows.map(({ id, expiresAt }) => ({ id, expiresAt })), last: rows.at(-1)?.moment };
}
