import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

/** How many holds of the customer are written as live, those being paid counted. */
export async function countLiveHolds(db: Db, username: string): Promise<number> {
  const row = await db
    .selectFrom("booking")
    .where("customer_username", "=", username)
    .where("status", "in", ["Pending", "Paying"])
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return row.count;
}

/** The customer's holds whose time is over but that nobody has expired yet. */
export async function listOverdueHolds(db: Db, username: string, now: Date): Promise<number[]> {
  const rows = await db
    .selectFrom("booking")
    .where("customer_username", "=", username)
    .where("status", "=", "Pending")
    .where("expires_at", "<=", now)
    .select("id")
    .execute();
  return rows.map((row) => row.id);
}

/**
 * Expires these bookings as far as they are due: holds whose time is over and payments that took too long. Waits for the ones that
 * somebody else is just changing, and decides by what they are then; tells which ones it expired.
 */
export async function expireBookings(db: Db, bookingIds: number[], now: Date): Promise<number[]> {
  return await expire(db, now, sql`and id = any(${bookingIds}::bigint[]) order by id for update`);
}

/** Like `expireBookings`, but leaves out those that somebody else is just changing. */
export async function expireUnlockedBookings(db: Db, bookingIds: number[], now: Date): Promise<number[]> {
  return await expire(db, now, sql`and id = any(${bookingIds}::bigint[]) order by id for update skip locked`);
}

/** Expires whatever is due, at most `limit` bookings at a time, leaving out those that somebody else is just changing. */
export async function expireAnyDue(db: Db, limit: number, now: Date): Promise<number[]> {
  return await expire(db, now, sql`order by id limit ${limit} for update skip locked`);
}

// The booking row decides, re-read after any lock wait; its claims, and what its payment has reserved, only follow.
async function expire(db: Db, now: Date, which: ReturnType<typeof sql>): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    with due as (
      select id from booking
      where (status = 'Pending' and expires_at <= ${now} or status = 'Paying' and paying_until <= ${now}) ${which}
    ), expired as (
      update booking set status = 'Expired', ended_at = ${now}, paying_until = null
      from due where booking.id = due.id returning booking.id
    ), locked as (
      select show_id, seat_number from seat_claim
      where booking_id in (select id from expired) order by show_id, seat_number for update
    ), released as (
      update seat_claim set booking_id = null, free_after = '-infinity', version = nextval('seat_claim_version')
      from locked where seat_claim.show_id = locked.show_id and seat_claim.seat_number = locked.seat_number
    ), reserving as (
      -- Locked, so that it is read as it is after the wait for the booking, not as it was before.
      select p.id, p.username, p.reserved from payment_transaction p
      where p.booking_id in (select id from expired) and p.reserved > 0
      for update
    ), unreserved as (
      update customer_wallet w set reserved = w.reserved - given.total
      from (select username, sum(reserved) as total from reserving group by username) given
      where w.username = given.username
    ), without_reserve as (
      update payment_transaction p set reserved = 0 from reserving where p.id = reserving.id
    )
    select id from expired`.execute(db);
  return rows.map((row) => row.id);
}

/** Frees the seats of a booking whose state the caller changes in the same transaction. */
export async function releaseClaims(tx: Tx, bookingId: number): Promise<void> {
  await sql`
    with locked as (
      select show_id, seat_number from seat_claim where booking_id = ${bookingId} order by show_id, seat_number for update
    )
    update seat_claim set booking_id = null, free_after = '-infinity', version = nextval('seat_claim_version')
    from locked where seat_claim.show_id = locked.show_id and seat_claim.seat_number = locked.seat_number`.execute(
    tx,
  );
}

/** Sets until when the claims of a booking hold; null for good. */
export async function updateClaims(tx: Tx, bookingId: number, freeAfter: Date | null): Promise<void> {
  await sql`
    with locked as (
      select show_id, seat_number from seat_claim where booking_id = ${bookingId} order by show_id, seat_number for update
    )
    update seat_claim set free_after = ${freeAfter}, version = nextval('seat_claim_version')
    from locked where seat_claim.show_id = locked.show_id and seat_claim.seat_number = locked.seat_number`.execute(
    tx,
  );
}

/** A hold and when it is due. */
export interface PendingHold {
  id: number;
  expiresAt: Date;
}

function readPendingHolds(db: Db) {
  return db
    .selectFrom("booking")
    .where("status", "=", "Pending")
    .select(["id", sql<Date>`expires_at`.as("expiresAt")])
    .orderBy("id");
}

/** Those of these bookings that are pending holds. */
export async function listPendingHolds(db: Db, bookingIds: number[]): Promise<PendingHold[]> {
  if (bookingIds.length === 0) return [];
  return await readPendingHolds(db)
    .where(sql<boolean>`id = any(${bookingIds}::bigint[])`)
    .execute();
}

/** Pending holds after a booking id, in id order, for rebuilding the monitors page by page. */
export async function listPendingHoldsAfter(db: Db, afterId: number, limit: number): Promise<PendingHold[]> {
  return await readPendingHolds(db).where("id", ">", afterId).limit(limit).execute();
}
