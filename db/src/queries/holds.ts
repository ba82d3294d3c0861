import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

export interface WantedSeat {
  screenId: number;
  date: string;
  startsAt: Date;
  cost: Decimal;
  cancelReason: string | null;
  seatNumber: string;
  /** Null: the screen has no such seat. */
  seatType: "Standard" | "Deluxe" | null;
  claimedBy: number | null;
  /** Until when that claim holds; null when the seat is being paid for or sold. */
  freeAfter: Date | null;
}

/**
 * Locks the show (shared, so that a cancellation waits) and the customer (so that his holds are counted one call at a time), and
 * reads the wanted seats, one row each; no rows when there is no such show. The claims are as old as the statement: a hint, not
 * a decision.
 */
export async function lockForHold(
  tx: Tx,
  wanted: { username: string; showId: number; seatNumbers: string[] },
): Promise<WantedSeat[]> {
  const { rows } = await sql<WantedSeat>`
    with chosen as (
      select id, screen_id, date, starts_at, cost, cancel_reason from show where id = ${wanted.showId} for share
    ), buyer as (
      select username from customertable where username = ${wanted.username} for no key update
    )
    select chosen.screen_id as "screenId", chosen.date, chosen.starts_at as "startsAt", chosen.cost,
      chosen.cancel_reason as "cancelReason", w.seat_number as "seatNumber", seat.seat_type as "seatType",
      claim.booking_id as "claimedBy", claim.free_after as "freeAfter"
    from unnest(${wanted.seatNumbers}::text[]) with ordinality as w (seat_number, position)
    cross join chosen
    cross join buyer
    left join seat on seat.screen_id = chosen.screen_id and seat.seat_number = w.seat_number
    left join seat_claim claim
      on claim.show_id = chosen.id and claim.seat_number = w.seat_number and claim.booking_id is not null
    order by w.position`.execute(tx);
  return rows;
}

export interface NewHold {
  username: string;
  showId: number;
  screenId: number;
  date: string;
  /** In the order in which the booking will show them. */
  seatNumbers: string[];
  amountDue: Decimal;
  now: Date;
  expiresAt: Date;
  maxLiveHolds: number;
}

export interface PlacedHold {
  /** Null: the customer already had as many live holds as allowed, and nothing was written. */
  bookingId: number | null;
  /** The seats that are ours now; fewer than wanted means that the caller must roll back. */
  claimedSeats: string[];
}

/**
 * Counts the customer's live holds and, below the limit, writes the booking, its seats and their claims, in one statement. It must
 * run after `lockForHold` in the same transaction: only then does its snapshot hold every earlier hold of the customer.
 */
export async function insertHold(tx: Tx, hold: NewHold): Promise<PlacedHold> {
  const { rows } = await sql<PlacedHold>`
    with held as (
      insert into booking
        (date, show_id, no_of_seats, amount_due, amount_paid, status, booking_time, customer_username, expires_at)
      select ${hold.date}, ${hold.showId}, ${hold.seatNumbers.length}, ${hold.amountDue}, 0, 'Pending', ${hold.now},
        ${hold.username}, ${hold.expiresAt}
      where ${hold.maxLiveHolds} > (
        select count(*) from booking
        where customer_username = ${hold.username} and status in ('Pending', 'Paying')
          and (status = 'Paying' or expires_at > ${hold.now})
      )
      returning id
    ), mapped as (
      insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
      select held.id, ${hold.showId}, ${hold.screenId}, w.seat_number
      from held, unnest(${hold.seatNumbers}::text[]) with ordinality as w (seat_number, position)
      order by w.position
    ), claimed as (
      insert into seat_claim (show_id, seat_number, booking_id, free_after)
      select ${hold.showId}, w.seat_number, held.id, ${hold.expiresAt}
      from held, unnest(${hold.seatNumbers}::text[]) as w (seat_number)
      order by w.seat_number
      on conflict (show_id, seat_number) do update
        set booking_id = excluded.booking_id, free_after = excluded.free_after, version = nextval('seat_claim_version')
        where seat_claim.booking_id is null
      returning seat_number
    )
    select (select id from held) as "bookingId",
      array(select seat_number::text from claimed) as "claimedSeats"`.execute(tx);
  return rows[0]!;
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

// The booking row decides, re-read after any lock wait; its claims only follow, locked in the one order.
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
