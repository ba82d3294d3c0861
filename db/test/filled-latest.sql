-- What only the newest schema can hold, on top of filled-baseline.sql migrated to it. Breaks no rule: integrity_violation stays
-- empty. Ids begin at 101.

INSERT INTO session (id, username, created_at, expires_at) VALUES
  ('00000000-0000-4000-8000-000000000101', 'customer-1', now(), now() + interval '1 day');

INSERT INTO password_reset_tokens (username, token_hash, created_at, expires_at) VALUES
  ('customer-1', sha256('a token'), now(), now() + interval '5 minutes');
INSERT INTO rate_limit (key, points, expire) VALUES ('wrongPasswords:account:customer-1', 1, 1);
INSERT INTO audit_entry (at, action, subject, address, request_id) VALUES
  (now(), 'login-failed', 'customer-1', '198.51.100.1', 'request-1');

INSERT INTO idempotency_key (username, procedure, key, fingerprint, answer, created_at, expires_at) VALUES
  ('customer-1', 'booking.pay', 'key-1', sha256('what was asked'), '{}', now(), now() + interval '1 day');

INSERT INTO screen (id, name) VALUES (101, 'Screen 2');
INSERT INTO seat (screen_id, seat_number, row_label, column_number, seat_type)
SELECT 101, r || n, r, n, 'Standard' FROM unnest('{A,AA}'::text[]) r, generate_series(1, 2) n;

-- 101 is on the second screen when show 3 is on the first; 103 has the slot that the cancelled 102 freed.
INSERT INTO movie (movie_id, title) VALUES ('tt0000101', 'Film 101');
INSERT INTO show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at, cancelled_at, cancel_reason)
SELECT s.id, 'tt0000101', day.date, slot.id, 200.00, s.screen_id,
  (day.date + slot.start_time) AT TIME ZONE 'Asia/Kolkata', (day.date + slot.end_time) AT TIME ZONE 'Asia/Kolkata',
  CASE WHEN s.reason IS NOT NULL THEN now() END, s.reason
FROM (VALUES
  (101, 1, 1, 101, NULL),
  (102, 2, 1, (SELECT min(id) FROM screen), 'The projector is broken.'),
  (103, 2, 1, (SELECT min(id) FROM screen), NULL)
) AS s (id, days, slot_id, screen_id, reason)
JOIN slot ON slot.id = s.slot_id
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'Asia/Kolkata')::date + s.days AS date) day;

-- 101: sold on the second screen. 102: expired, of the cancelled show. 103: being paid. 104: expired while nobody knows whether
-- it was paid. 105, 106: paid too late, the money is going or has gone back. 107, 108: cancelled, one seat twice.
INSERT INTO booking
  (id, date, show_id, customer_username, no_of_seats, amount_due, amount_paid, card_amount, payment_type, status,
    booking_time, expires_at, hold_slot, paying_until, ended_at)
SELECT b.id, show.date, show.id, b.username, cardinality(b.seats), b.due, b.paid, b.paid,
  CASE WHEN b.paid > 0 THEN 'Card'::payment_mode_enum END, b.status::booking_status,
  now() - interval '10 minutes', now() - interval '5 minutes', 1,
  CASE WHEN b.status = 'Paying' THEN now() + interval '5 minutes' END,
  CASE WHEN b.status IN ('Expired', 'Cancelled') THEN now() - interval '5 minutes' END
FROM (VALUES
  (101, 101, 'customer-1', '{AA1}'::text[], 200.00, 200.00, 'Confirmed'),
  (102, 102, 'customer-2', '{A1}', 200.00, 0, 'Expired'),
  (103, 3, 'customer-3', '{D1,D2}', 500.00, 0, 'Paying'),
  (104, 3, 'customer-1', '{D3}', 250.00, 0, 'Expired'),
  (105, 3, 'customer-1', '{D4}', 250.00, 0, 'Expired'),
  (106, 3, 'customer-2', '{D5}', 250.00, 0, 'Expired'),
  (107, 3, 'customer-3', '{D6,D7}', 500.00, 0, 'Cancelled'),
  (108, 3, 'CustomerFour', '{D6}', 250.00, 0, 'Cancelled')
) AS b (id, show_id, username, seats, due, paid, status)
JOIN show ON show.id = b.show_id;

UPDATE booking SET held_from = '198.51.100.1' WHERE id = 103;

INSERT INTO booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
SELECT b.booking_id, show.id, show.screen_id, unnest(b.seats)
FROM (VALUES
  (101, '{AA1}'::text[]), (102, '{A1}'), (103, '{D1,D2}'), (104, '{D3}'), (105, '{D4}'), (106, '{D5}'), (107, '{D6,D7}'), (108, '{D6}')
) AS b (booking_id, seats)
JOIN booking ON booking.id = b.booking_id
JOIN show ON show.id = booking.show_id;

INSERT INTO seat_claim (show_id, seat_number, booking_id, free_after) VALUES
  (101, 'AA1', 101, NULL),
  (102, 'A1', NULL, '-infinity'),
  (3, 'D1', 103, NULL),
  (3, 'D2', 103, NULL),
  (3, 'D3', NULL, '-infinity'),
  (3, 'D4', NULL, '-infinity'),
  (3, 'D5', NULL, '-infinity'),
  (3, 'D6', NULL, '-infinity'),
  (3, 'D7', NULL, '-infinity');

INSERT INTO payment_transaction
  (id, booking_id, username, transaction_id, payment_method, amount, card_amount, status, started_at, processed_at, attempts, next_attempt_at)
SELECT p.id, p.id, b.customer_username, p.transaction_id, 'Card', p.amount, p.amount, p.status::payment_status, p.started_at, p.processed_at,
  p.attempts, p.next_attempt_at
FROM (VALUES
  (101, 'card-0101', 200.00, 'Completed', now() - interval '9 minutes', now() - interval '9 minutes', 1, NULL),
  (103, NULL, 500.00, 'Started', now(), NULL, 0, now() + interval '1 minute'),
  (104, 'card-0104', 250.00, 'Unknown', now() - interval '6 minutes', NULL, 3, now() + interval '1 minute'),
  (105, 'card-0105', 250.00, 'Completed', now() - interval '6 minutes', now() - interval '1 minute', 2, NULL),
  (106, 'card-0106', 250.00, 'Completed', now() - interval '6 minutes', now() - interval '2 minutes', 2, NULL)
) AS p (id, transaction_id, amount, status, started_at, processed_at, attempts, next_attempt_at)
JOIN booking b ON b.id = p.id;

INSERT INTO payment_refund
  (payment_id, booking_id, destination, amount, card_amount, state, reason, next_attempt_at, created_at, done_at)
VALUES
  (105, 105, 'source', 250.00, 250.00, 'pending', 'The booking had expired.', now() + interval '1 minute', now(), NULL),
  (106, 106, 'source', 250.00, 250.00, 'done', 'The booking had expired.', NULL, now() - interval '2 minutes', now() - interval '1 minute');

-- Funds added by card, kept in the wallet.
INSERT INTO payment_transaction
  (id, username, transaction_id, payment_method, amount, card_amount, status, started_at, processed_at, attempts)
SELECT 110, username, 'card-0110', 'Card', 75.00, 75.00, 'Completed', now(), now(), 0 FROM customer_wallet ORDER BY id LIMIT 1;
INSERT INTO wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after, payment_id)
SELECT id, username, 'card-0110', 75.00, 'ADD', balance + 75.00, 110 FROM customer_wallet ORDER BY id LIMIT 1;
UPDATE customer_wallet SET balance = balance + 75.00 WHERE id = (SELECT min(id) FROM customer_wallet);

-- 101 has come.
UPDATE booking SET status = 'CheckedIn', checked_in_at = now(), checked_in_by = 'staff-1' WHERE id = 101;

-- Funds that were charged late, when their payment counted as not charged: they are going back to the card. The card had been declined, which is
-- the answer that is kept.
INSERT INTO payment_transaction
  (id, username, transaction_id, payment_method, amount, card_amount, status, started_at, processed_at, attempts)
SELECT 111, username, 'card-0111', 'Card', 80.00, 80.00, 'Completed', now(), now(), 1 FROM customer_wallet ORDER BY id LIMIT 1;
INSERT INTO payment_refund (payment_id, destination, amount, card_amount, state, reason, next_attempt_at, created_at)
VALUES (111, 'source', 80.00, 80.00, 'pending', 'Charged when the payment was Declined', now() + interval '1 minute', now());
UPDATE idempotency_key SET payment_id = 111 WHERE key = 'key-1';

INSERT INTO profile_image (key, remove_after, attempts) VALUES ('5f0c1f6e-62a1-4d3b-9d53-2f3a8a1c7b11.jpg', now(), 2);

-- A copy, on which refunds wait.
INSERT INTO database_identity (system_identifier, database_oid, database_name, is_copy, written_at) VALUES ('7000000000000000001', 16384, 'skyfox', true, now());
INSERT INTO server_heartbeat (beat_at, refunds_wait_since) VALUES (now(), now());
