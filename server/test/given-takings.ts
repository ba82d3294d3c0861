import type { Connection } from "@skyfox/db";
import { fillTables } from "./fill-tables.ts";

const bookingsOfShow = 80;
const secondsOfTwoYears = 2 * 365 * 86_400;

/**
 * That many counter sales (in eighties) of one or two seats, made within the two years before `until`, of twenty films on a screen of
 * their own: written straight into the tables, and the books add up.
 */
export async function givenTakings(sql: Connection, count: number, until: Date): Promise<void> {
  await fillTables(sql, ["booking", "booking_seat_mapping", "seat_claim"], () => fill(sql, count, until));
  await sql.query("vacuum analyze");
}

async function fill(sql: Connection, count: number, until: Date): Promise<void> {
  await sql.query(
    `insert into movie (movie_id, title, genres)
     select 'tk' || n, 'Taking ' || n, array['Drama', (array['Comedy', 'Action', 'Sci-Fi'])[n % 3 + 1]] from generate_series(1, 20) n`,
  );
  await sql.query(
    `create temporary table sold as
     with stage as (
       insert into screen (name) values ('Screen of many') returning id
     ), seats as (
       insert into seat (screen_id, seat_number, seat_type, row_label, column_number)
       select stage.id, seat_number, seat_type, row_label, column_number from stage, seat where screen_id = 1
       returning screen_id, seat_number, seat_type, row_label, column_number
     ), parts as (
       select screen_id, array_agg(seat_number) as seats, count(*) as size, bool_or(seat_type = 'Deluxe') as is_deluxe
       from seats group by screen_id, row_label, case when column_number <= 6 then column_number else (column_number + 7) / 2 end
     ), shows as (
       insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
       select 'tk' || (day * 4 + slot) % 20 + 1, date '2020-01-01' + day, slot, 150 + (day * 37 + slot * 11) % 150 + 0.25 * (day % 4), stage.id,
         timestamptz '2020-01-01 03:00Z' + interval '1 day' * day + interval '4 hours' * (slot - 1), timestamptz '2020-01-01 06:00Z' + interval '1 day' * day + interval '4 hours' * (slot - 1)
       from stage, generate_series(0, $1::int / ${bookingsOfShow} / 4) day, generate_series(1, 4) slot
       limit $1::int / ${bookingsOfShow} returning id, date, cost
     )
     select nextval((select pg_get_serial_sequence('booking', 'id')::regclass)) as id, shows.id as show_id, screen_id, date, seats, size,
       size * (cost + case when is_deluxe then 150 else 0 end) as amount
     from shows, parts`,
    [count],
  );
  await sql.query(
    `with person as (
       insert into admin_booked_customer (name, number) values ('Walk In', '9876543210') returning id
     )
     insert into booking (id, date, show_id, customer_id, no_of_seats, amount_due, amount_paid, payment_type, status, booking_time,
       checked_in_at, checked_in_by)
     select sold.id, date, show_id, person.id, size, amount, amount, 'Cash', (array['Confirmed', 'CheckedIn'])[sold.id % 2 + 1]::booking_status,
       $1::timestamptz - interval '1 second' * (sold.id * 7919 % ${secondsOfTwoYears}),
       case sold.id % 2 when 1 then $1::timestamptz end, case sold.id % 2 when 1 then 'staff-0' end
     from sold, person`,
    [until],
  );
  await sql.query(
    `insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
     select id, show_id, screen_id, unnest(seats) from sold`,
  );
  await sql.query(
    "insert into seat_claim (show_id, seat_number, booking_id) select show_id, unnest(seats), id from sold",
  );
  await sql.query("drop table sold");
}
