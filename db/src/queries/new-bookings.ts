import type { Decimal } from "decimal.js";
import { sql, type RawBuilder } from "kysely";
import type { Db, Tx } from "../connect.ts";
import { heldStates, statesIn } from "../states.ts";
import { databaseNow } from "./clock.ts";
import { keyInStatement, type AnsweredKey } from "./keys.ts";

/** One wanted seat, with what decides about it and its show. */
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
  /** The database's time when it looked. */
  readAt: Date;
  /** An id that no booking has, where one was asked for; null elsewhere. */
  freeId: number | null;
}

// Of a booking that is still to be written: an answer that is kept with it has its id.
const freeId = sql`(select nextval(pg_get_serial_sequence('booking', 'id')))`;
const idIf = (isWanted: boolean) => (isWanted ? freeId : sql`null::bigint`);

/** The wanted seats of a show, one row each, as they are at this moment; no rows when there is no such show. */
export async function findWantedSeats(
  db: Db,
  wanted: { showId: number; seatNumbers: string[]; wantsId: boolean },
): Promise<WantedSeat[]> {
  const { rows } = await sql<WantedSeat>`
    select show.screen_id as "screenId", show.date, show.starts_at as "startsAt", show.cost,
      show.cancel_reason as "cancelReason", w.seat_number as "seatNumber", seat.seat_type as "seatType",
      claim.booking_id as "claimedBy", claim.free_after as "freeAfter",
      ${databaseNow} as "readAt", ${idIf(wanted.wantsId)} as "freeId"
    -- Inside a subquery the array's length counts for no plan: one plan serves all, where each call was planned anew. It reads the wanted seats
    -- only, not those of all screens.
    from unnest((select ${wanted.seatNumbers}::text[])) with ordinality as w (seat_number, position)
    join show on show.id = ${wanted.showId}
    left join lateral (
      select seat_type from seat where screen_id = show.screen_id and seat_number = w.seat_number limit 1
    ) as seat on true
    left join lateral (
      select booking_id, free_after from seat_claim
      where show_id = show.id and seat_number = w.seat_number and booking_id is not null limit 1
    ) as claim on true
    order by w.position`.execute(db);
  return rows;
}

/** A seat of a screen, with its place there and what decides about it and its show. */
export interface PlacedSeat extends WantedSeat {
  seatType: "Standard" | "Deluxe";
  row: string;
  column: number;
}

/** All seats of a show as they are at this moment, rows in order, seats in number order; no rows when there is no such show. */
export async function findAllSeats(
  db: Db,
  { showId, wantsId }: { showId: number; wantsId: boolean },
): Promise<PlacedSeat[]> {
  const { rows } = await sql<PlacedSeat>`
    select show.screen_id as "screenId", show.date, show.starts_at as "startsAt", show.cost,
      show.cancel_reason as "cancelReason", seat.seat_number as "seatNumber", seat.seat_type as "seatType",
      seat.row_label as "row", seat.column_number as "column",
      claim.booking_id as "claimedBy", claim.free_after as "freeAfter",
      ${databaseNow} as "readAt", ${idIf(wantsId)} as "freeId"
    from show
    join seat on seat.screen_id = show.screen_id
    left join seat_claim claim
      on claim.show_id = show.id and claim.seat_number = seat.seat_number and claim.booking_id is not null
    where show.id = ${showId}
    order by length(seat.row_label), seat.row_label, seat.column_number`.execute(db);
  return rows;
}

/** What every new booking consists of, for a customer and at the counter. */
interface NewBooking {
  showId: number;
  screenId: number;
  date: string;
  /** In the order in which the booking will show them. */
  seatNumbers: string[];
  amountDue: Decimal;
  now: Date;
}

/** Everything that a new hold consists of, and what bounds it. */
export interface NewHold extends NewBooking {
  username: string;
  expiresAt: Date;
  maxLiveHolds: number;
  /** The network that it comes from: an IPv4 address or the /64 of an IPv6 address; null where networks are not bounded. */
  heldFrom: string | null;
  bounds: HoldBounds;
}

/** What a hold's statement takes along for a call with a key: the booking's id, which the answer has already, and the key. */
export interface HoldWithKey {
  bookingId: number;
  key: AnsweredKey;
}

/** How many unpaid seats of one show there may be, the new ones counted, and how many of its holds a customer may abandon in an hour. */
export interface HoldBounds {
  seatsPerCustomer: number;
  abandonedPerHour: number;
  seatsPerNetwork: number;
  /** In the /48 around the /64 of an IPv6 address. */
  seatsPerWiderNetwork: number;
}

/** The bound that a hold would break, and the moment from which it would not if nothing but time went on; null when time does not help. */
export interface BrokenBound {
  bound: number;
  freeAt: Date | null;
}

/** Everything that a sale at the counter consists of. */
export interface NewCounterSale extends NewBooking {
  customerName: string;
  phoneNumber: string;
}

/**
 * Writes the booking, its seats and their claims in one statement, all or nothing; undefined when the show is cancelled or a seat is
 * plainly taken. What it reads may be older than what it waited for, so constraints decide: `seatTaken`, `holdSlotTaken` (try again)
 * and `noHoldSlot`; the bounds are counted by a function that sees what was committed while it waited for the others it counts. It waits
 * for another transaction's claim on a seat only so long (`isSeatLocked`). With a key it writes nothing where the key is taken.
 */
export async function insertHold(
  db: Db,
  hold: NewHold,
  withKey?: HoldWithKey,
): Promise<number | BrokenBound | "key taken" | undefined> {
  const { bounds } = hold;
  const [idColumn, id] = withKey ? [sql`id, `, sql`${withKey.bookingId}::bigint, `] : [sql``, sql``];
  const booked = sql`refusal as materialized (
    select broken.bound, broken.free_at
    from chosen, hold_refusal(chosen.id, ${hold.username}, ${hold.heldFrom}::cidr, ${hold.seatNumbers.length}, ${hold.now},
      ${bounds.seatsPerCustomer}, ${bounds.abandonedPerHour}, ${bounds.seatsPerNetwork}, ${bounds.seatsPerWiderNetwork}) as broken
  ), booked as (
    insert into booking (${idColumn}date, show_id, no_of_seats, amount_due, amount_paid, status, booking_time, customer_username,
      expires_at, held_from, hold_slot)
    select ${id}${hold.date}, chosen.id, ${hold.seatNumbers.length}, ${hold.amountDue}, 0, 'Pending', ${hold.now},
      ${hold.username}, ${hold.expiresAt}, ${hold.heldFrom}::cidr, (
        select min(slot) from generate_series(1, ${hold.maxLiveHolds}::int - beyond.holds) as slot
        where not exists (
          select from booking
          where customer_username = ${hold.username} and status in ${statesIn(heldStates)} and hold_slot = slot
        )
      )
    from chosen join refusal on refusal.bound is null, (
      -- An adopted customer may have had more holds than that; no new hold gets a slot beyond the limit.
      select count(*)::int as holds from booking
      where customer_username = ${hold.username} and status in ${statesIn(heldStates)} and hold_slot > ${hold.maxLiveHolds}
    ) as beyond
    returning id
  )`;
  const answer = sql`select (select id from booked) as id, refusal.bound, refusal.free_at as "freeAt" from refusal`;
  type Answer = { id: number | null; bound: number | null; freeAt: Date | null };
  const parts = { booked, answer, freeAfter: hold.expiresAt };
  const row = await insertBooking<Answer>(db, hold, parts, withKey?.key);
  if (!row.isFree) return "key taken";
  return row.id ?? (row.bound === null ? undefined : { bound: row.bound, freeAt: row.freeAt });
}

/** Writes a booking that is paid for in cash, with its customer, as `insertHold` writes a hold; the only constraint that decides is `seatTaken`. */
export async function insertCounterSale(tx: Tx, sale: NewCounterSale): Promise<number | undefined> {
  const booked = sql`numbered as (
    select nextval(pg_get_serial_sequence('booking', 'id')) as id from chosen
  ), person as (
    insert into admin_booked_customer (name, number, booking_id)
    select ${sale.customerName}, ${sale.phoneNumber}, id from numbered
    returning id, booking_id
  ), booked as (
    insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, payment_type, status, booking_time, customer_id)
    select person.booking_id, ${sale.date}, ${sale.showId}, ${sale.seatNumbers.length}, ${sale.amountDue}, ${sale.amountDue},
      'Cash', 'Confirmed', ${sale.now}, person.id
    from person
    returning id
  )`;
  const { id } = await insertBooking<{ id: number | null }>(tx, sale, {
    booked,
    answer: sql`select id from booked`,
    freeAfter: null,
  });
  return id ?? undefined;
}

// The statement around a new booking: `booked` is its row, written for the show in `chosen`, if there is one; `answer` is what to tell. Where no
// booking is written, the key is free again.
async function insertBooking<Answer>(
  db: Db,
  { showId, screenId, seatNumbers }: NewBooking,
  {
    booked,
    answer,
    freeAfter,
  }: { booked: RawBuilder<unknown>; answer: RawBuilder<unknown>; freeAfter: Date | null },
  key?: AnsweredKey,
): Promise<Answer & { isFree: boolean }> {
  const { taken, freed } = keyInStatement(key, sql`not exists (select from booked)`);
  const { rows } = await sql<Answer & { isFree: boolean }>`
    with ${taken}, chosen as (
      -- Seats that are plainly taken end it here, without the cost of a refusal by constraint.
      select id from show
      where (select "isFree" from taken) and id = ${showId} and cancelled_at is null and not exists (
        select from seat_claim
        where show_id = ${showId} and seat_number = any(${seatNumbers}::text[]) and booking_id is not null
      )
      for share
    ), ${booked}, mapped as (
      insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
      select booked.id, ${showId}, ${screenId}, w.seat_number
      from booked, unnest(${seatNumbers}::text[]) with ordinality as w (seat_number, position)
      order by w.position
      returning booking_id, seat_number
    ), claimed as materialized (
      select claim_seats(${showId}, array_agg(seat_number::text), min(booking_id), ${freeAfter}::timestamptz)
      from mapped having count(*) > 0
    ), ${freed}
    select taken."isFree", answer.*
    from taken left join (${answer}) as answer on true left join claimed on true left join freed on true`.execute(
    db,
  );
  return rows[0]!;
}
