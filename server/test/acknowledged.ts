import type { Connection } from "@skyfox/db";
import type { GatewayBooks } from "./rude-books.ts";

/** What was confirmed to callers as done. */
export type Acknowledged = {
  holds: { bookingId: number; username: string; showId: number; seats: string[] }[];
  payments: { bookingId: number; amount: string }[];
  /** Cards that were declined or rejected. */
  declines: { bookingId: number }[];
  cancels: { bookingId: number }[];
  topUps: { username: string; amount: string; transactionId: string }[];
  sales: { bookingId: number; showId: number; seats: string[] }[];
  checkIns: { bookingId: number }[];
  refunds: { bookingId: number; to: "source" | "wallet" }[];
  cancelledShows: { showId: number }[];
};

/** Nothing is confirmed yet. */
export function nothingAcknowledged(): Acknowledged {
  return {
    holds: [],
    payments: [],
    declines: [],
    cancels: [],
    topUps: [],
    sales: [],
    checkIns: [],
    refunds: [],
    cancelledShows: [],
  };
}

/** What a call wanted: these seats of a show, or so many of its best. */
export interface Wish {
  showId: number;
  seats: string[] | number;
}

/** Calls for seats that were refused after a try without an answer. A server that was frozen may have made them later. */
export interface OpenCalls {
  holds: (Wish & { username: string })[];
  /** Sales at the counter. */
  sales: Wish[];
}

/**
 * Acknowledges what open calls have made after all, at most one booking for each call, and tells how many. Holds have run out by themselves, or with
 * their show.
 */
export async function acknowledgeMadeLater(
  sql: Connection,
  acknowledged: Acknowledged,
  open: OpenCalls,
): Promise<{ holds: number; sales: number }> {
  const known = [...acknowledged.holds, ...acknowledged.sales].map(({ bookingId }) => bookingId);
  const found = (await sql.query(
    `select b.id as "bookingId", b.customer_username as username, b.show_id as "showId", array_agg(m.seat_number::text) as seats
     from booking b join show s on s.id = b.show_id join booking_seat_mapping m on m.booking_id = b.id
     where b.id <> all($1) and (b.customer_username is null or b.status = 'Expired' or (b.status = 'Cancelled' and s.cancelled_at is not null))
     group by b.id`,
    [known],
  )) as (Acknowledged["sales"][number] & { username: string | null })[];
  const made = { holds: 0, sales: 0 };
  for (const { username, ...booking } of found) {
    if (username === null) {
      if (!takeFirst(open.sales, (wish) => isWhatWasWanted(booking, wish))) continue;
      acknowledged.sales.push(booking);
      made.sales += 1;
    } else {
      if (!takeFirst(open.holds, (wish) => wish.username === username && isWhatWasWanted(booking, wish)))
        continue;
      acknowledged.holds.push({ ...booking, username });
      made.holds += 1;
    }
  }
  return made;
}

function isWhatWasWanted(made: { showId: number; seats: string[] }, wish: Wish): boolean {
  if (made.showId !== wish.showId) return false;
  return typeof wish.seats === "number"
    ? made.seats.length === wish.seats
    : made.seats.toSorted().join() === wish.seats.toSorted().join();
}

function takeFirst<One>(those: One[], isWanted: (one: One) => boolean): boolean {
  const place = those.findIndex(isWanted);
  if (place >= 0) those.splice(place, 1);
  return place >= 0;
}

/** What is neither settled nor waiting for its time; a row for each. */
export const openWork = `
  select 'payment ' || id || ' is ' || status || ': ' || coalesce(last_error, '') as what from payment_transaction
    where status in ('Started', 'Unknown') or contested
  union all select 'refund ' || id || ' is pending: ' || coalesce(last_error, '') from payment_refund where state = 'pending'
  union all select 'booking ' || id || ' is ' || status from booking where status in ('Pending', 'Paying')
  union all select 'cancellation of show ' || show_id from show_cancellation where done_at is null`;

// Each asks with SQL of its own for what is wrong; `$1` is what it is about, as JSON.
const truths: Record<string, { about?: keyof Acknowledged | "all"; sql: string }> = {
  "a seat has two live claims": {
    sql: `select m.show_id, m.seat_number, array_agg(b.id) as bookings from booking b join booking_seat_mapping m on m.booking_id = b.id
      where b.status in ('Pending', 'Paying', 'Confirmed', 'CheckedIn') group by 1, 2 having count(*) > 1`,
  },
  "an acknowledged hold is not there as it was made": {
    about: "holds",
    sql: `select a.*, b.status from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint, username text, "showId" bigint, seats text[])
      left join booking b on b.id = a."bookingId" and b.customer_username = a.username and b.show_id = a."showId"
      left join lateral (select array_agg(m.seat_number::text) as seats from booking_seat_mapping m where m.booking_id = b.id) had on true
      where b.id is null or not (had.seats @> a.seats and had.seats <@ a.seats) or b.no_of_seats <> cardinality(a.seats)`,
  },
  "a hold was made that was confirmed to no caller": {
    about: "holds",
    sql: `select b.id, b.status from booking b where b.customer_username is not null
      and not exists (select from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint) where a."bookingId" = b.id)`,
  },
  "an acknowledged payment is not there": {
    about: "payments",
    sql: `select a.*, b.status from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint, amount numeric)
      left join booking b on b.id = a."bookingId" and b.status in ('Confirmed', 'CheckedIn', 'Refunded') and b.amount_paid = a.amount
      where b.id is null or a.amount is distinct from (select sum(p.wallet_amount + p.card_amount) from payment_transaction p
        where p.booking_id = b.id and p.status = 'Completed'
          and (b.status = 'Refunded' or not exists (select from payment_refund r where r.payment_id = p.id)))`,
  },
  "a paid booking was given back without a request": {
    about: "all",
    sql: `select b.id from booking b where b.status = 'Refunded'
      and not exists (select from jsonb_to_recordset($1::jsonb -> 'refunds') as a("bookingId" bigint) where a."bookingId" = b.id)
      and not exists (select from jsonb_to_recordset($1::jsonb -> 'cancelledShows') as a("showId" bigint) where a."showId" = b.show_id)`,
  },
  "an acknowledged decline is not there": {
    about: "declines",
    sql: `select a."bookingId", count(*) from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint) group by 1
      having count(*) > (select count(*) from payment_transaction p where p.booking_id = a."bookingId" and p.status in ('Declined', 'Rejected'))`,
  },
  "an acknowledged cancellation is not there": {
    about: "cancels",
    sql: `select a.*, b.status from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint) left join booking b on b.id = a."bookingId"
      where b.status is distinct from 'Cancelled' or exists (select from seat_claim c where c.booking_id = b.id)`,
  },
  "acknowledged funds are not in the ledger, or not once": {
    about: "topUps",
    sql: `select a.* from jsonb_to_recordset($1::jsonb) as a(username text, amount numeric, "transactionId" text)
      where 1 <> (select count(*) from wallet_transaction t where t.username = a.username and t.transaction_type = 'ADD'
        and t.amount = a.amount and t.transaction_id = a."transactionId")`,
  },
  "an acknowledged sale at the counter is not there": {
    about: "sales",
    sql: `select a.*, b.status from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint, "showId" bigint, seats text[])
      left join booking b on b.id = a."bookingId" and b.show_id = a."showId" and b.payment_type = 'Cash'
        and b.no_of_seats = cardinality(a.seats) and b.status in ('Confirmed', 'CheckedIn', 'Refunded')
      where b.id is null`,
  },
  "a sale at the counter was made that was confirmed to no admin": {
    about: "sales",
    sql: `select b.id from booking b where b.customer_username is null
      and not exists (select from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint) where a."bookingId" = b.id)`,
  },
  "an acknowledged check-in is not there": {
    about: "checkIns",
    sql: `select a.*, b.status from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint) left join booking b on b.id = a."bookingId"
      where b.checked_in_at is null or b.status not in ('CheckedIn', 'Refunded')`,
  },
  "an acknowledged refund is not there": {
    about: "refunds",
    sql: `select a.*, b.status from jsonb_to_recordset($1::jsonb) as a("bookingId" bigint, "to" text)
      left join booking b on b.id = a."bookingId" and b.status = 'Refunded'
      left join payment_refund r on r.booking_id = b.id and r.amount = b.amount_paid and r.state = 'done'
        and r.destination::text in (a."to", 'counter')
      where r.id is null`,
  },
  "a cancelled show goes on": {
    about: "cancelledShows",
    sql: `select a.*, b.id from jsonb_to_recordset($1::jsonb) as a("showId" bigint) join show s on s.id = a."showId"
      left join booking b on b.show_id = s.id and b.status in ('Pending', 'Paying', 'Confirmed', 'CheckedIn')
      where s.cancelled_at is null or b.id is not null`,
  },
  "a wallet differs from its ledger": {
    sql: `select w.username, w.balance, w.reserved from customer_wallet w
      where w.reserved <> 0 or w.balance <> coalesce((select sum(case t.transaction_type when 'ADD' then t.amount else -t.amount end)
        from wallet_transaction t where t.wallet_id = w.id), 0)`,
  },
  "the books do not add up": { sql: "select rule, subject, details from integrity_violation" },
  "something is still open": { sql: openWork },
};

// `$1` is what the gateway's own books say.
const gatewayTruths: Record<string, string> = {
  "charges differ": `
    select c.key, c.amount as there, p.card_amount as here, p.id, p.status, p.last_error
    from jsonb_to_recordset($1::jsonb -> 'charges') as c(key uuid, "transactionId" text, amount numeric)
    full join (select * from payment_transaction where card_amount > 0) p on p.gateway_key = c.key
    where (c.key is not null or p.status = 'Completed')
      and (c.key is null or p.status is distinct from 'Completed' or c.amount <> p.card_amount or c."transactionId" <> p.transaction_id)`,
  "refunds differ": `
    select g.key, g.amount as there, r.card_amount as here, r.state
    from jsonb_to_recordset($1::jsonb -> 'refunds') as g(key uuid, amount numeric)
    full join (select * from payment_refund where card_amount > 0) r on r.gateway_key = g.key
    where g.key is null or r.state is distinct from 'done' or g.amount <> r.card_amount`,
  "a booking was charged twice": `
    select p.booking_id, count(*) from jsonb_to_recordset($1::jsonb -> 'charges') as c(key uuid)
    join payment_transaction p on p.gateway_key = c.key where p.booking_id is not null group by 1 having count(*) > 1`,
  "what was taken is neither in a wallet nor in a seat": `
    select * from (
      select (select coalesce(sum(amount), 0) from jsonb_to_recordset($1::jsonb -> 'charges') as c(amount numeric))
          - (select coalesce(sum(amount), 0) from jsonb_to_recordset($1::jsonb -> 'refunds') as r(amount numeric)) as taken,
        (select coalesce(sum(balance), 0) from customer_wallet) as wallets,
        (select coalesce(sum(amount_paid), 0) from booking where status in ('Confirmed', 'CheckedIn') and payment_type <> 'Cash') as seats
    ) money where taken <> wallets + seats`,
};

/** Where confirmations to callers, our books and the gateway's disagree: each broken rule with the first rows that break it. */
export async function listUntruths(
  sql: Connection,
  acknowledged: Acknowledged,
  gateway: GatewayBooks,
): Promise<{ rule: string; count: number; first: unknown[] }[]> {
  const untruths: { rule: string; count: number; first: unknown[] }[] = [];
  const look = async (rule: string, question: string, about?: unknown) => {
    const rows = await sql.query(question, about === undefined ? [] : [JSON.stringify(about)]);
    if (rows.length > 0) untruths.push({ rule, count: rows.length, first: rows.slice(0, 5) });
  };
  for (const [rule, { about, sql: question }] of Object.entries(truths)) {
    if (about === undefined) await look(rule, question);
    else await look(rule, question, about === "all" ? acknowledged : acknowledged[about]);
  }
  for (const [rule, question] of Object.entries(gatewayTruths)) await look(rule, question, gateway.books());
  return untruths;
}
