import type { BookingStatus } from "../src/contract/index.ts";
import type { TestApp } from "./test-app.ts";

/** A counter sale as the tables have it, made at an instant of its own. */
export interface GivenSale {
  showId: number;
  at: Date;
  amount: string;
  /** How many seats: the next free ones of the show. */
  seats?: number;
  status?: Exclude<BookingStatus, "Paying">;
}

/** Writes counter sales straight into the tables, with their seats, so that the books add up whatever their state is. */
export async function givenSales(app: TestApp, sales: GivenSale[]): Promise<void> {
  const taken = new Map<number, number>();
  const rows = sales.map(({ showId, at, amount, seats: count = 1, status = "Confirmed" }) => {
    const from = taken.get(showId) ?? 0;
    taken.set(showId, from + count);
    return { show_id: showId, at: at.toISOString(), amount, status, from, count };
  });
  await app.sql.query(
    `with person as (
       insert into admin_booked_customer (name, number) values ('Walk In', '9876543210') returning id
     ), free as (
       select show.id as show_id, show.screen_id, seat_number, row_number() over (partition by show.id order by row_label, column_number) - 1 as place
       from show join seat using (screen_id)
       where not exists (select from seat_claim c where c.show_id = show.id and c.seat_number = seat.seat_number and c.booking_id is not null)
     ), sale as (
       select nextval(pg_get_serial_sequence('booking', 'id')) as id, sale.*, status in ('Confirmed', 'CheckedIn', 'Refunded') as is_paid
       from jsonb_to_recordset($1::jsonb) as sale (show_id bigint, at timestamptz, amount numeric, status booking_status, "from" int, count int)
     ), booked as (
       insert into booking (id, date, show_id, customer_id, no_of_seats, amount_due, amount_paid, payment_type, status, booking_time, expires_at, ended_at,
        checked_in_at, checked_in_by)
       select sale.id, show.date, show_id, person.id, count, amount, case when is_paid then amount else 0 end,
         case when is_paid then 'Cash'::payment_mode_enum end, status, at, case when status = 'Pending' then '2999-12-31'::timestamptz end,
         case when status in ('Cancelled', 'Expired', 'Refunded') then at end,
         case when status = 'CheckedIn' then at end, case when status = 'CheckedIn' then 'staff-0' end
       from sale join show on show.id = show_id, person
     ), mapped as (
       insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
       select sale.id, show_id, screen_id, seat_number from sale join free using (show_id) where place >= "from" and place < "from" + count
     ), claimed as (
       insert into seat_claim (show_id, seat_number, booking_id, free_after)
       select show_id, seat_number, sale.id, case when status = 'Pending' then '2999-12-31'::timestamptz end
       from sale join free using (show_id)
       where place >= "from" and place < "from" + count and status in ('Pending', 'Confirmed', 'CheckedIn')
     )
     insert into payment_refund (booking_id, amount, destination, state, reason, created_at, done_at)
     select id, amount, 'counter', 'done', 'The projector is broken.', at, at from sale where status = 'Refunded'`,
    [JSON.stringify(rows)],
  );
}

/** Takes every booking out of the tables again, past the triggers that refuse it. */
export async function forgetSales(app: TestApp): Promise<void> {
  await app.sql.query(`
    set session_replication_role = replica;
    delete from payment_refund;
    delete from seat_claim;
    delete from booking_seat_mapping;
    delete from payment_transaction;
    delete from booking;
    reset session_replication_role;
  `);
}
