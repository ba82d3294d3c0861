import type { Connection } from "@skyfox/db";
import type { TestApp } from "./test-app.ts";
import { fillTables } from "./fill-tables.ts";
import { givenPendingHolds } from "./given.ts";
import { givenTakings } from "./given-takings.ts";

/** How much history there is in all. */
export const bookingsOfHistory = 300_000;
const dueHolds = 20_000;
const paid = 40_000;
const ended = bookingsOfHistory - dueHolds - paid;
const people = 5_000;
const ofOnePerson = 5_000;
const ofOneShow = 20_000;

/**
 * A cinema of some years: 300,000 bookings, most of them ended, of 5,000 customers, 20,000 holds of one customer that are due and not
 * expired, payments, refunds, wallet transactions, sessions, keys, and counted guesses; half of what ends has ended. The books add up.
 */
export async function givenHistory(app: TestApp): Promise<void> {
  const { sql } = app;
  const now = app.clock.now();
  await givenTakings(sql, paid, now);
  const tables = ["booking", "booking_seat_mapping", "payment_transaction", "wallet_transaction"];
  await fillTables(sql, tables, () => fill(sql, now));
  await givenPendingHolds(app, dueHolds, now);
  await sql.query("vacuum analyze");
}

async function fill(sql: Connection, now: Date): Promise<void> {
  // Sold in the order of their numbers, within a hundred days: a page of an export is less than a month.
  await sql.query(
    `update booking set booking_time = $1::timestamptz - interval '100 days' * (last.id - booking.id) / ${paid}
     from (select max(id) as id from booking) last`,
    [now],
  );
  await sql.query(`
    create temporary table person as select 'person-' || n as username, n from generate_series(1, ${people}) n;
    insert into usertable (username, password, role, created_at) select username, 'x', 'customer', now() from person;
    insert into password_history (username) select username from person;
    insert into customertable (name, username, number, email, security_question_id, security_answer_hash)
      select 'Person', username, (7000000000 + n)::text, username || '@example.com', 1, 'x' from person;
    insert into customer_wallet (username, balance) select username, 20 from person;
    insert into wallet_transaction (wallet_id, username, transaction_id, amount, balance_after, transaction_type, adopted)
      select w.id, w.username, 'adopted-' || w.id || '-' || n, 1, n, 'ADD', true
      from customer_wallet w, generate_series(1, 20) n where w.username like 'person-%'`);
  await sql.query(
    `create temporary table past as
     select nextval((select pg_get_serial_sequence('booking', 'id')::regclass)) as id, show.id as show_id, show.date, show.screen_id,
       'person-' || case when n <= ${ofOnePerson} then 1 else n * 7919 % ${people} + 1 end as username, n, n % 10 = 0 as is_refunded, n % 3 = 0 as is_cancelled,
       $1::timestamptz - interval '1 day' - interval '1 minute' * (n % 700000) as at
     from generate_series(1, ${ended}) n
     join (select *, row_number() over (order by id) as place from show) show
       on show.place = case when n > ${ended - ofOneShow} then 1 else n % ${paid / 80} + 1 end`,
    [now],
  );
  await sql.query(`
    insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, payment_type, card_amount, status, booking_time,
      customer_username, expires_at, ended_at, held_from)
    select id, date, show_id, 1, 200, case when is_refunded then 200 else 0 end, case when is_refunded then 'Card'::payment_mode_enum end,
      case when is_refunded then 200 else 0 end,
      (case when is_refunded then 'Refunded' when is_cancelled then 'Cancelled' else 'Expired' end)::booking_status,
      at, username, at + interval '5 minutes', at + interval '5 minutes', '10.0.0.0'::cidr
    from past;
    insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) select id, show_id, screen_id, 'A1' from past;
    insert into payment_transaction (booking_id, username, payment_method, amount, card_amount, status, started_at, processed_at, transaction_id)
      select id, username, 'Card', 200, 200, (case when is_refunded then 'Completed' else 'Declined' end)::payment_status, at, at,
        case when is_refunded then 'past-' || id end
      from past where is_refunded or n % 4 = 1;
    insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, state, reason, created_at, done_at)
      select p.id, p.booking_id, 'source', 200, 200, 'done', 'The projector is broken.', p.started_at, p.started_at
      from payment_transaction p where p.status = 'Completed' and p.transaction_id like 'past-%'`);
  await sql.query(`
    insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
    select movie_id, date - 4000 + n, slot_id, cost, screen_id, starts_at + interval '1 day' * (n - 4000), ends_at + interval '1 day' * (n - 4000)
    from (select * from show order by id limit 1) show, generate_series(1, 3000) n`);
  await sql.query(
    `insert into session (id, username, created_at, expires_at)
     select gen_random_uuid(), 'person-' || n % ${people} + 1, $1::timestamptz - interval '2 days',
       $1::timestamptz + interval '1 minute' * (n % 2000 - 1000)
     from generate_series(1, 60000) n`,
    [now],
  );
  await sql.query(
    `insert into idempotency_key (username, procedure, key, fingerprint, answer, created_at, expires_at)
     select 'person-' || n % ${people} + 1, 'booking.initialize', 'key-' || n, decode(repeat('00', 32), 'hex'), '{}',
       $1::timestamptz - interval '2 days', $1::timestamptz + interval '1 minute' * (n % 2000 - 1000)
     from generate_series(1, 60000) n`,
    [now],
  );
  await sql.query(
    `insert into rate_limit (key, points, expire)
     select 'holds:account:' || md5(n::text), 1, extract(epoch from $1::timestamptz) * 1000 - n * 1000
     from generate_series(1, 60000) n`,
    [now],
  );
  await sql.query(
    `insert into audit_entry (at, action, actor, subject, address, request_id)
     select $1::timestamptz - interval '1 minute' * n, 'logged-in', 'person-' || n % ${people} + 1, 'person-' || n % ${people} + 1, '10.0.0.1', 'r'
     from generate_series(1, 100000) n`,
    [now],
  );
}
