import type { TestApp } from "./test-app.ts";

/** One seat sold at the counter for cash. */
export interface Sale {
  /** When, as Postgres reads a time: its microseconds and its zone count. */
  at: string;
  name?: string;
  phone?: string;
  amount?: string;
}

/** Sales written straight into the tables, in this order, on shows and a screen of their own; gives their bookings' ids. */
export async function givenSales(app: TestApp, sales: Sale[]): Promise<number[]> {
  const rows = await app.sql.query(
    `with screen as (insert into screen (name) values ('Screen ' || gen_random_uuid()) returning id),
       film as (insert into movie (movie_id, title) values (left(gen_random_uuid()::text, 30), 'A Film') returning movie_id),
       seats as (
         insert into seat (screen_id, seat_number, seat_type, row_label, column_number)
         select screen.id, 'A' || n, 'Standard', 'A', n from screen, generate_series(1, 90) n
       ),
       sale as (
         select sale.*, ((n - 1) / 90)::int as show, 'A' || (n - 1) % 90 + 1 as seat, nextval(pg_get_serial_sequence('booking', 'id')) as id,
           nextval(pg_get_serial_sequence('admin_booked_customer', 'id')) as person
         from rows from (jsonb_to_recordset($1) as (at timestamptz, name text, phone text, amount numeric)) with ordinality
           as sale (at, name, phone, amount, n)
       ),
       shows as (
         insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
         select film.movie_id, day, 1, 200, screen.id, day + interval '3 hours', day + interval '6 hours'
         from screen, film, (select distinct '2030-01-01'::date + show as day from sale) days
         returning id, date, screen_id
       ),
       people as (
         insert into admin_booked_customer (id, name, number) select person, coalesce(name, 'Walk In'), coalesce(phone, '9876543210') from sale
       ),
       placed as (
         select sale.id, sale.n, person, at, coalesce(amount, 200) as amount, seat, shows.id as show_id, shows.date, screen_id
         from sale join shows on shows.date = '2030-01-01'::date + sale.show
       ),
       bookings as (
         insert into booking (id, date, show_id, customer_id, no_of_seats, amount_due, amount_paid, payment_type, status, booking_time)
         select id, date, show_id, person, 1, amount, amount, 'Cash', 'Confirmed', at from placed
       ),
       seats_of_bookings as (
         insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) select id, show_id, screen_id, seat from placed
       ),
       claims as (insert into seat_claim (show_id, seat_number, booking_id) select show_id, seat, id from placed)
     select id from placed order by n`,
    [JSON.stringify(sales)],
  );
  return rows.map(({ id }) => id as number);
}
