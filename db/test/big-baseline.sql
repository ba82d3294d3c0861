-- An older SkyFox at migration 0001 with 300,000 bookings of 600,000 seats, each rule of the later migrations kept. Rows are made from
-- numbers: of ten bookings one was sold at the counter, three were paid from the wallet and six by card.

-- No foreign key is looked up, no trigger fires, and the indexes are built from all rows at the end: row by row it takes five times as long.
SET session_replication_role = replica;
UPDATE pg_index SET indisready = false, indisvalid = false
WHERE indrelid = ANY ('{booking,booking_seat_mapping,payment_transaction,wallet_transaction}'::regclass[]);

INSERT INTO usertable (username, password, role) SELECT 'customer-' || n, 'x', 'customer' FROM generate_series(1, 30000) n;
INSERT INTO security_questions (question) VALUES ('What is the name of your first pet?');
INSERT INTO customertable (name, username, number, email, security_question_id, security_answer_hash)
SELECT 'Customer ' || n, 'customer-' || n, to_char(9000000000 + n, 'FM0000000000'), 'customer-' || n || '@example.com', 1, 'x'
FROM generate_series(1, 30000) n;
INSERT INTO customer_wallet (username) SELECT 'customer-' || n FROM generate_series(1, 30000) n;

INSERT INTO seat (seat_number, seat_type)
SELECT letter || number, CASE WHEN letter <= 'E' THEN 'Standard' ELSE 'Deluxe' END
FROM unnest('{A,B,C,D,E,F,G,H,I,J}'::text[]) letter, generate_series(1, 10) number;
INSERT INTO slot (name, start_time, end_time)
VALUES ('Morning', '08:30', '11:30'), ('Afternoon', '12:30', '15:30'), ('Evening', '16:30', '19:30'), ('Night', '20:30', '23:30');
INSERT INTO show (movie_id, date, slot_id, cost)
SELECT 'tt' || n % 200, current_date - 1499 + (n - 1) / 4, 1 + (n - 1) % 4, 200 FROM generate_series(1, 6000) n;

-- Fifty bookings of two seats fill a show.
INSERT INTO booking (date, show_id, customer_id, customer_username, no_of_seats, amount_paid, status, booking_time, payment_type)
SELECT show.date, show.id, CASE n % 10 WHEN 0 THEN n / 10 END, CASE WHEN n % 10 <> 0 THEN 'customer-' || 1 + n % 30000 END, 2, 400,
  (CASE WHEN n % 3 = 0 THEN 'CheckedIn' ELSE 'Confirmed' END)::booking_status, show.date - interval '1 day',
  (CASE WHEN n % 10 = 0 THEN 'Cash' WHEN n % 10 < 4 THEN 'Wallet' ELSE 'Card' END)::payment_mode_enum
FROM generate_series(1, 300000) n JOIN show ON show.id = 1 + (n - 1) / 50
ORDER BY n;
INSERT INTO admin_booked_customer (name, number, booking_id)
SELECT 'Counter Customer', '9000000000', 10 * n FROM generate_series(1, 30000) n;
INSERT INTO booking_seat_mapping (booking_id, seat_number)
SELECT 1 + n / 2, chr(65 + n % 100 / 10) || 1 + n % 10 FROM generate_series(0, 599999) n;
INSERT INTO payment_transaction (booking_id, transaction_id, payment_method, amount, status)
SELECT id, 'reference-' || id, payment_type, amount_paid, 'SUCCESS' FROM booking WHERE payment_type <> 'Cash' ORDER BY id;
INSERT INTO wallet_transaction (wallet_id, username, booking_id, transaction_id, amount, transaction_type)
SELECT w.id, w.username, CASE kind WHEN 'DEDUCT' THEN b.id END, kind || '-' || b.id, 400, kind::wallet_transaction_type
FROM booking b JOIN customer_wallet w ON w.username = b.customer_username, unnest('{ADD,DEDUCT}'::text[]) WITH ORDINALITY k (kind, step)
WHERE b.payment_type = 'Wallet' ORDER BY b.id, step;

-- Makes them ready and valid, too.
REINDEX TABLE booking;
REINDEX TABLE booking_seat_mapping;
REINDEX TABLE payment_transaction;
REINDEX TABLE wallet_transaction;
RESET session_replication_role;
