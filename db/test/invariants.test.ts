import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { connectOnce, type Connection } from "../src/connect.ts";

let sql: Connection;

beforeAll(async () => {
  sql = await connectOnce((await createTestDatabase()).url);
  await sql.query(`
    insert into usertable (username, password, role, created_at) values ('one', 'x', 'customer', now()), ('two', 'x', 'customer', now()), ('three', 'x', 'customer', now());
    insert into customertable (username, name, number, email, security_question_id, security_answer_hash)
      values ('one', 'Customer One', '9000000001', 'one@example.com', 1, 'x'), ('two', 'Customer Two', '9000000002', 'two@example.com', 1, 'x'),
        ('three', 'Customer Three', '9000000003', 'three@example.com', 1, 'x');
    insert into customer_wallet (id, username) values (1, 'one'), (2, 'two'), (3, 'three');
    insert into movie (movie_id, title) values ('tt1', 'Film 1');
    insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
      values (1, 'tt1', '2026-03-11', 1, 200, 1, '2026-03-11 03:00Z', '2026-03-11 06:00Z');
    insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, customer_username, expires_at, hold_slot)
      values (1, '2026-03-11', 1, 1, 200, 0, 'one', '2026-03-11 00:00Z', 1), (2, '2026-03-11', 1, 1, 200, 0, 'two', '2026-03-11 00:00Z', 1);
    insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) values (1, 1, 1, 'A1'), (2, 1, 1, 'A2');
    insert into seat_claim (show_id, seat_number, booking_id, free_after) values (1, 'A1', 1, '2026-03-11 00:00Z'), (1, 'A2', 2, '2026-03-11 00:00Z');
    insert into payment_transaction (booking_id, username, payment_method, amount, card_amount, status, started_at, next_attempt_at)
      values (1, 'one', 'Card', 200, 200, 'Started', now(), now());
    insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after, adopted)
      values (1, 'one', 't1', 50, 'ADD', 50, true);
    update customer_wallet set balance = 50 where id = 1;
  `);
});

afterAll(() => sql.end());

// What the database refuses, for every role: each line is one attempt and the constraint that stops it.
const refusals: [string, string, string][] = [
  [
    "a second live claim of a seat",
    "insert into seat_claim (show_id, seat_number, booking_id) values (1, 'A1', 2)",
    "seat_claim_pkey",
  ],
  [
    "a claim for a booking of other seats",
    "update seat_claim set booking_id = 2 where seat_number = 'A1'",
    "seat_claim_of_its_booking",
  ],
  [
    "a free seat that is kept from buyers",
    "update seat_claim set booking_id = null",
    "seat_claim_taken_has_booking",
  ],
  [
    "a seat that the screen does not have",
    "insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) values (1, 1, 1, 'K1')",
    "booking_seat_mapping_screen_id_seat_number_fkey",
  ],
  [
    "the same seat twice in a booking",
    "insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) values (1, 1, 1, 'A1')",
    "booking_seat_mapping_booking_seat_key",
  ],
  [
    "two shows on one screen, slot and date",
    "insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at) select 2, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at from show",
    "show_screen_slot_date_key",
  ],
  [
    "two shows at one time on one screen",
    "insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at) select 2, movie_id, date, 2, cost, screen_id, ends_at - interval '1 millisecond', ends_at + interval '1 hour' from show",
    "show_one_at_a_time",
  ],
  ["a show that costs nothing", "update show set cost = 0", "show_cost_bounds"],
  ["a show that costs too much", "update show set cost = 3000.01", "show_cost_bounds"],
  ["a show that costs NaN", "update show set cost = 'NaN'", "show_cost_bounds"],
  [
    "a booking that is confirmed without money",
    "update booking set status = 'Confirmed', payment_type = 'Card' where id = 1",
    "booking_paid_exactly",
  ],
  [
    "a confirmed booking paid in part",
    "update booking set status = 'Confirmed', payment_type = 'Card', amount_paid = 200, card_amount = 199 where id = 1",
    "booking_paid_exactly",
  ],
  [
    "a pending hold that never expires",
    "update booking set expires_at = null where id = 1",
    "booking_pending_expires",
  ],
  [
    "a live hold without a slot",
    "update booking set hold_slot = null where id = 1",
    "booking_live_hold_has_slot",
  ],
  [
    "two live holds of a customer in one slot",
    "insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, customer_username, expires_at, hold_slot) values (3, '2026-03-11', 1, 1, 200, 0, 'one', now(), 1)",
    "booking_hold_slot_key",
  ],
  ["paying without an end", "update booking set status = 'Paying' where id = 1", "booking_paying_is_bounded"],
  [
    "an ended booking without its time",
    "update booking set status = 'Expired' where id = 1",
    "booking_ended",
  ],
  [
    "people who come before they have paid",
    "update booking set checked_in_at = now(), checked_in_by = 'staff-1' where id = 1",
    "booking_checked_in",
  ],
  [
    "people who have come, without a time",
    "update booking set status = 'CheckedIn', payment_type = 'Cash', amount_paid = 200 where id = 1",
    "booking_checked_in",
  ],
  [
    "people who have come, without the name of who let them in",
    "update booking set status = 'CheckedIn', payment_type = 'Cash', amount_paid = 200, checked_in_at = now() where id = 1",
    "booking_checked_in",
  ],
  ["an amount due of NaN", "update booking set amount_due = 'NaN'", "booking_amount_due_bounds"],
  ["a negative amount due", "update booking set amount_due = -0.01", "booking_amount_due_bounds"],
  ["a part by card of NaN", "update booking set card_amount = 'NaN'", "booking_card_amount_bounds"],
  [
    "a negative part by wallet",
    "update booking set status = 'Confirmed', payment_type = 'Card', amount_paid = 200, wallet_amount = -1, card_amount = 201 where id = 1",
    "booking_wallet_amount_bounds",
  ],
  ["fewer than no declined cards", "update booking set declined_cards = -1", "booking_declined_cards_bounds"],
  ["a slot before the first", "update booking set hold_slot = 0", "booking_hold_slot_bounds"],
  ["a booking of no seats", "update booking set no_of_seats = 0", "booking_seats_bounds"],
  [
    "two open payments of one booking",
    "insert into payment_transaction (booking_id, payment_method, amount, card_amount, status, started_at, next_attempt_at) values (1, 'Card', 200, 200, 'Unknown', now(), now())",
    "payment_transaction_one_open",
  ],
  [
    "a completed payment without the gateway's reference",
    "update payment_transaction set status = 'Completed', processed_at = now()",
    "payment_transaction_completed_has_reference",
  ],
  [
    "an open payment without a time to ask about it",
    "update payment_transaction set next_attempt_at = null",
    "payment_transaction_open_is_asked",
  ],
  [
    "a payment of NaN",
    "update payment_transaction set amount = 'NaN', card_amount = 'NaN'",
    "payment_transaction_amount_bounds",
  ],
  [
    "a payment of nothing",
    "update payment_transaction set amount = 0, card_amount = 0",
    "payment_transaction_amount_bounds",
  ],
  [
    "fewer than no questions about a payment",
    "update payment_transaction set attempts = -1",
    "payment_transaction_attempts_bounds",
  ],
  [
    "a contested payment that did not fail",
    "update payment_transaction set contested = true",
    "payment_transaction_contested_is_asked",
  ],
  [
    "an open payment with an end",
    "update payment_transaction set processed_at = now()",
    "payment_transaction_final_is_dated",
  ],
  [
    "a negative part of a payment",
    "update payment_transaction set wallet_amount = -1, card_amount = 201",
    "payment_transaction_parts",
  ],
  [
    "a payment whose parts are not the whole",
    "update payment_transaction set wallet_amount = 1",
    "payment_transaction_parts",
  ],
  [
    "a payment without a booking and a customer",
    "update payment_transaction set booking_id = null, username = null",
    "payment_transaction_has_owner",
  ],
  [
    "a payment that reserves more than its part",
    "update payment_transaction set reserved = 1",
    "payment_transaction_reserves_its_part",
  ],
  [
    "a final payment that still reserves",
    "update payment_transaction set status = 'Declined', processed_at = now(), wallet_amount = 1, card_amount = 199, reserved = 1",
    "payment_transaction_reserves_its_part",
  ],
  [
    "the end of a booking",
    "delete from booking where id = 1",
    "booking_seat_mapping_booking_id_show_id_fkey",
  ],
  [
    "the end of a customer with a wallet",
    "delete from customertable where username = 'three'",
    "customer_wallet_username_fkey",
  ],
  ["a negative balance", "update customer_wallet set balance = -0.01", "customer_wallet_balance_bounds"],
  ["a balance of NaN", "update customer_wallet set balance = 'NaN'", "customer_wallet_balance_bounds"],
  [
    "more reserved than there is",
    "update customer_wallet set reserved = balance + 0.01",
    "customer_wallet_reserved_bounds",
  ],
  [
    "a balance without its transaction",
    "update customer_wallet set balance = 51 where id = 1",
    "customer_wallet_adds_up",
  ],
  [
    "a wallet that begins with something",
    "update customer_wallet set balance = 1 where id = 2",
    "customer_wallet_adds_up",
  ],
  [
    "a transaction that its wallet does not follow",
    "insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after) values (1, 'one', 't', 1, 'ADD', 51)",
    "wallet_transaction_adds_up",
  ],
  [
    "a transaction that does not follow the one before it",
    "insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after) values (1, 'one', 't', 2, 'ADD', 51); update customer_wallet set balance = 51 where id = 1",
    "wallet_transaction_adds_up",
  ],
  [
    "a second credit for a payment",
    "insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after, payment_id) select 1, 'one', 't', 1, 'ADD', 50 + n, p.id from payment_transaction p, generate_series(1, 2) n",
    "wallet_transaction_once_a_payment",
  ],
  [
    "a refund whose parts are not the whole",
    "insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at) select id, booking_id, 'source', 200, 100, 'x', now(), now() from payment_transaction",
    "payment_refund_parts",
  ],
  [
    "a refund at the counter of a payment by card",
    "insert into payment_refund (payment_id, booking_id, destination, amount, state, done_at, reason, created_at) select id, booking_id, 'counter', 200, 'done', now(), 'x', now() from payment_transaction",
    "payment_refund_counter_has_no_payment",
  ],
  [
    "a second refund at the counter",
    "insert into payment_refund (booking_id, destination, amount, state, done_at, reason, created_at) select 1, 'counter', 200, 'done', now(), 'x', now() from generate_series(1, 2)",
    "payment_refund_once_at_the_counter",
  ],
  [
    "a refund that waits for nothing",
    "insert into payment_refund (payment_id, booking_id, destination, amount, wallet_amount, reason, created_at, next_attempt_at) select id, booking_id, 'wallet', 200, 200, 'x', now(), now() from payment_transaction",
    "payment_refund_pending_is_on_card",
  ],
  [
    "a second account with a phone number",
    "update customertable set number = '9000000001' where username = 'two'",
    "customertable_number_key",
  ],
  [
    "an e-mail address in upper case",
    "update customertable set email = 'ONE@example.com' where username = 'two'",
    "customertable_email_lower_case",
  ],
  ["two screens of one name", "insert into screen (name) values ('SCREEN 1')", "screen_name_key"],
];

describe("the database refuses", () => {
  test.each(refusals)("%s", async (_what, statement, constraint) => {
    await expect(sql.query(statement)).rejects.toMatchObject({ constraint });
  });

  test("what breaks a rule also for a caller to whom operators mean something else", async () => {
    await sql.query("begin");
    try {
      await sql.query(`
        create schema elsewhere;
        create function elsewhere.always(integer, integer) returns boolean language sql as 'select true';
        create operator elsewhere.>= (function = elsewhere.always, leftarg = integer, rightarg = integer);
        set local search_path = elsewhere, pg_catalog, public`);
      await sql.query("savepoint hidden");
      await expect(sql.query("update booking set no_of_seats = 0")).rejects.toMatchObject({
        constraint: "booking_seats_bounds",
      });
      await sql.query("rollback to savepoint hidden");
      await expect(sql.query("update payment_transaction set attempts = -1")).rejects.toMatchObject({
        constraint: "payment_transaction_attempts_bounds",
      });
    } finally {
      await sql.query("rollback");
    }
  });

  test.each([
    "update wallet_transaction set amount = 1",
    "delete from wallet_transaction",
    "truncate wallet_transaction",
  ])("%s: wallet transactions are written once", async (statement) => {
    await expect(sql.query(statement)).rejects.toThrow("wallet_transaction rows are written once");
  });

  test.each([
    ["customer_wallet", "delete from customer_wallet where id = 3"],
    ["customer_wallet", "truncate customer_wallet cascade"],
    ["payment_transaction", "delete from payment_transaction"],
    ["payment_transaction", "truncate payment_transaction cascade"],
    ["payment_refund", "delete from payment_refund"],
    ["payment_refund", "truncate payment_refund cascade"],
  ])("%s rows to go: %s", async (table, statement) => {
    await expect(sql.query(statement)).rejects.toThrow(`${table} rows are never removed`);
  });
});

const complete = "status = 'Completed', transaction_id = 't', processed_at = now()";
const end = (status: string) => `update payment_transaction set status = '${status}', processed_at = now()`;
const giveBack = `update payment_transaction set ${complete}; insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at) select id, booking_id, 'source', amount, card_amount, 'x', now(), now() from payment_transaction`;
const finishRefund = "update payment_refund set state = 'done', done_at = now(), next_attempt_at = null";

// What cannot be changed any more, after what has happened to it.
const rewritings: [what: string, before: string, change: string][] = [
  ["the amount of a payment", "", "payment_transaction set amount = 201, card_amount = 201"],
  ["the parts of a payment", "", "payment_transaction set wallet_amount = 50, card_amount = 150"],
  ["the booking of a payment", "", "payment_transaction set booking_id = 2"],
  ["the payer of a payment", "", "payment_transaction set username = 'two'"],
  ["the method of a payment", "", "payment_transaction set payment_method = 'Wallet'"],
  ["the key of a payment", "", "payment_transaction set gateway_key = gen_random_uuid()"],
  ["the beginning of a payment", "", "payment_transaction set started_at = now() + interval '1 hour'"],
  [
    "an unknown payment to begin again",
    "update payment_transaction set status = 'Unknown'",
    "payment_transaction set status = 'Started'",
  ],
  [
    "a declined payment to be open again",
    end("Declined"),
    "payment_transaction set status = 'Unknown', processed_at = null",
  ],
  ["a rejected payment to fail", end("Rejected"), "payment_transaction set status = 'Failed'"],
  ["a failed payment to be declined", end("Failed"), "payment_transaction set status = 'Declined'"],
  [
    "a completed payment to fail",
    `update payment_transaction set ${complete}`,
    "payment_transaction set status = 'Failed'",
  ],
  [
    "the reference of a charge",
    `update payment_transaction set ${complete}`,
    "payment_transaction set transaction_id = 'u'",
  ],
  ["the amount of a refund", giveBack, "payment_refund set amount = 1, card_amount = 1"],
  ["the booking of a refund", giveBack, "payment_refund set booking_id = 2"],
  ["the key of a refund", giveBack, "payment_refund set gateway_key = gen_random_uuid()"],
  [
    "the destination of a refund",
    giveBack,
    "payment_refund set destination = 'wallet', wallet_amount = 200, card_amount = 0, state = 'done', done_at = now(), next_attempt_at = null",
  ],
  [
    "a refund that is done to be owed again",
    `${giveBack}; ${finishRefund}`,
    "payment_refund set state = 'pending', done_at = null, next_attempt_at = now()",
  ],
];

describe("no role changes", () => {
  test.each(rewritings)("%s", async (_what, before, change) => {
    await sql.query("begin");
    try {
      await sql.query(before);
      await expect(sql.query(`update ${change}`)).rejects.toMatchObject({
        constraint: `${change.split(" ")[0]}_written_once`,
      });
    } finally {
      await sql.query("rollback");
    }
  });

  test.each(["Failed", "Declined", "Rejected"])(
    "anything else of a %s payment that was charged after all: only its card's part counts then",
    async (status) => {
      await sql.query("begin");
      try {
        await sql.query(
          `insert into payment_transaction (booking_id, username, payment_method, amount, wallet_amount, card_amount, status, started_at, processed_at)
           values (2, 'two', 'Wallet', 200, 50, 150, '${status}', now(), now())`,
        );
        const changed = await sql.query(
          `update payment_transaction set ${complete}, amount = 150, wallet_amount = 0 where booking_id = 2 returning amount::text, card_amount::text`,
        );
        expect(changed).toEqual([{ amount: "150.00", card_amount: "150.00" }]);
      } finally {
        await sql.query("rollback");
      }
    },
  );
});

const topUp = (id: number, reference: string) =>
  `insert into payment_transaction (id, username, payment_method, amount, card_amount, status, transaction_id, started_at, processed_at) values (${id}, 'one', 'Card', 10, 10, 'Completed', '${reference}', now(), now())`;
const walletLine = (type: string, amount: number, paymentId: number | null, username = "one") =>
  `insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after, payment_id) select id, username, 't', ${amount}, '${type}', 1, ${paymentId} from customer_wallet where username = '${username}'`;
const walletPayment =
  "insert into payment_transaction (id, booking_id, username, payment_method, amount, wallet_amount, card_amount, status, transaction_id, started_at, processed_at) values (90, 2, 'one', 'Wallet', 200, 150, 50, 'Completed', 'w', now(), now())";
const refundOf = (paymentId: number, amount: number) =>
  `insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at) select id, booking_id, 'source', ${amount}, ${amount}, 'x', now(), now() from payment_transaction where id = ${paymentId}`;

// Each rule of the view: what breaks it, past every constraint, and what the view then says.
const violations: [string, string][] = [
  ["wallet differs from its transactions", "update customer_wallet set balance = 49 where id = 1"],
  ["customer without a wallet", "delete from customer_wallet where id = 2"],
  [
    "live booking without its claim",
    "update seat_claim set free_after = '2026-03-12' where seat_number = 'A1'",
  ],
  [
    "claim of a booking that has ended",
    "update booking set status = 'Cancelled', ended_at = now() where id = 2",
  ],
  ["number of seats does not match the seats", "update booking set no_of_seats = 2 where id = 2"],
  [
    "seat with two live bookings",
    "update booking set no_of_seats = 2 where id = 2; insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) values (2, 1, 1, 'A1')",
  ],
  [
    "paid booking without exactly one completed payment",
    "update booking set status = 'Confirmed', payment_type = 'Card', amount_paid = 200, card_amount = 200 where id = 2",
  ],
  [
    "payment kept without a booking",
    "update payment_transaction set status = 'Completed', transaction_id = 't', processed_at = now()",
  ],
  [
    "refund of a payment that did not happen",
    "insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at) select id, booking_id, 'source', 200, 200, 'x', now(), now() from payment_transaction",
  ],
  [
    "more given back than paid",
    "update payment_transaction set status = 'Completed', transaction_id = 't', processed_at = now(); insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at) select id, booking_id, 'source', 201, 201, 'x', now(), now() from payment_transaction",
  ],
  ["reserved differs from the payments under way", "update customer_wallet set reserved = 1 where id = 1"],
  [
    "payment reserves for a booking that is not being paid",
    "update payment_transaction set wallet_amount = 50, card_amount = 150, reserved = 50; update customer_wallet set reserved = 50 where id = 1",
  ],
  [
    "funds paid for but not added",
    "update payment_transaction set booking_id = null, status = 'Completed', transaction_id = 't', processed_at = now()",
  ],
  [
    "wallet transaction of a payment that did not happen",
    "insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after, payment_id) select 1, 'one', 't', 1, 'ADD', 51, id from payment_transaction",
  ],
  [
    "refund to the wallet but not added",
    "insert into payment_refund (payment_id, booking_id, destination, amount, wallet_amount, state, reason, created_at, done_at) select id, booking_id, 'wallet', 200, 200, 'done', 'x', now(), now() from payment_transaction",
  ],
  [
    "parts of a payment differ from its booking",
    "update payment_transaction set status = 'Completed', transaction_id = 't', processed_at = now(); update booking set status = 'Confirmed', payment_type = 'Wallet', amount_paid = 200, wallet_amount = 50, card_amount = 150 where id = 1",
  ],
  [
    "refunded booking without a refund",
    "update booking set status = 'Refunded', ended_at = now(), payment_type = 'Cash', amount_paid = 200 where id = 2",
  ],
  [
    "more given back to the card than it paid",
    "update payment_transaction set wallet_amount = 50, card_amount = 150, status = 'Completed', transaction_id = 't', processed_at = now(); insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at) select id, booking_id, 'source', 200, 200, 'x', now(), now() from payment_transaction",
  ],
  [
    "refund of a booking that goes on",
    "insert into payment_refund (booking_id, destination, amount, state, reason, created_at, done_at) values (2, 'counter', 200, 'done', 'x', now(), now())",
  ],
  [
    "cancelled show with a live booking",
    "insert into show_cancellation (show_id, cancelled_by, started_at, done_at) values (1, 'admin', now(), now())",
  ],
  [
    "booking being paid without an open payment",
    "update booking set status = 'Paying', paying_until = now() where id = 2",
  ],
  ["funds added and given back", `${topUp(90, "a")}; ${refundOf(90, 10)}; ${walletLine("ADD", 10, 90)}`],
  ["wallet payment that its wallet did not make", `${walletPayment}; ${walletLine("ADD", 50, 90)}`],
  [
    "wallet payment that its wallet did not make",
    `${walletPayment}; ${walletLine("ADD", 50, 90)}; ${walletLine("DEDUCT", 199, 90)}`,
  ],
  ["wallet payment that its wallet did not make", walletPayment],
  ["wallet payment that its wallet did not make", `${walletPayment}; ${refundOf(90, 50)}`],
  ["shortfall charged but not added", `${walletPayment}; ${walletLine("DEDUCT", 200, 90)}`],
  [
    "shortfall charged but not added",
    `${walletPayment}; ${walletLine("ADD", 49, 90)}; ${walletLine("DEDUCT", 200, 90)}`,
  ],
  ["wallet transaction of nothing", walletLine("ADD", 1, null)],
  [
    "wallet transaction that nothing asked for",
    `${topUp(90, "a")}; ${refundOf(90, 10)}; ${walletLine("ADD", 10, null)}; update wallet_transaction set refund_id = (select id from payment_refund where payment_id = 90) where payment_id is null and balance_after = 1`,
  ],
  [
    "wallet transaction that nothing asked for",
    `insert into payment_refund (id, booking_id, destination, amount, state, reason, created_at, done_at) values (90, 2, 'counter', 200, 'done', 'x', now(), now()); ${walletLine("ADD", 200, null)}; update wallet_transaction set refund_id = 90 where payment_id is null and balance_after = 1`,
  ],
  [
    "wallet transaction that nothing asked for",
    `${topUp(90, "a")}; update payment_transaction set booking_id = 2 where id = 90; ${walletLine("ADD", 10, 90)}`,
  ],
  [
    "wallet transaction that nothing asked for",
    `${topUp(90, "a")}; update payment_transaction set booking_id = 2 where id = 90; ${walletLine("DEDUCT", 10, 90)}`,
  ],
  ["wallet transaction that nothing asked for", `${topUp(90, "a")}; ${walletLine("DEDUCT", 10, 90)}`],
  ["wallet transaction that nothing asked for", `${topUp(90, "a")}; ${walletLine("ADD", 11, 90)}`],
  ["wallet transaction of somebody else", `${topUp(90, "a")}; ${walletLine("ADD", 10, 90, "two")}`],
  ["reference of two charges", `${topUp(90, "same")}; ${topUp(91, "same")}`],
  ["refund differs from its payment", `${topUp(90, "a")}; ${refundOf(90, 9)}`],
  ["refund differs from its payment", `${walletPayment}; ${refundOf(90, 50)}`],
  [
    "refund differs from its payment",
    `${walletPayment}; insert into payment_refund (payment_id, booking_id, destination, amount, wallet_amount, card_amount, reason, created_at, next_attempt_at) values (90, 2, 'source', 200, 180, 20, 'x', now(), now())`,
  ],
];

// What is right, though it looks like one of the above.
const rightful: [string, string][] = [
  ["funds that came late and went back", `${topUp(90, "a")}; ${refundOf(90, 10)}`],
  [
    "a wallet payment of an older SkyFox",
    `${walletPayment}; update payment_transaction set adopted = true where id = 90`,
  ],
  [
    "a wallet payment that was charged too late, and went back to its card",
    `${walletPayment}; update payment_transaction set amount = 50, wallet_amount = 0 where id = 90; ${refundOf(90, 50)}`,
  ],
];

describe("integrity_violation", () => {
  test("is empty while all is well", async () => {
    expect(await sql.query("select * from integrity_violation")).toEqual([]);
  });

  test.each(violations)("says: %s", async (rule, statement) => {
    const found = await listViolationsAfter(statement);
    expect(found.map((row) => row["rule"])).toContain(rule);
    for (const row of found)
      expect([typeof row["subject"], typeof row["details"]]).toEqual(["string", "string"]);
  });

  test.each(rightful)("says nothing of %s", async (_what, statement) => {
    const moneyRules = (await listViolationsAfter(statement))
      .map(({ rule }) => String(rule))
      .filter((rule) => !/^(payment kept without a booking)$/.test(rule));
    expect(moneyRules).toEqual([]);
  });

  // Past every trigger, as only the owner of the database could.
  async function listViolationsAfter(statement: string) {
    await sql.query("begin");
    await sql.query(`set local session_replication_role = replica; ${statement}`);
    const found = await sql.query("select rule, subject, details from integrity_violation");
    await sql.query("rollback");
    return found;
  }
});
