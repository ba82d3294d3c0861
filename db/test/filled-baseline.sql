-- A lived-in SkyFox database at migration 0001: every rule of the later migrations holds, so they must accept and fill it.
-- Dates are relative to the day it is loaded. Passwords are bcrypt: `foobar` for the staff, `Password@1` for the customers
-- (`Password@0` before it); every security answer is `fluffy`. `CustomerFour` and `Customer.Three@Example.com` are as
-- customers once typed them.

INSERT INTO usertable (id, username, password, role, created_at) VALUES
  (1, 'seed-user-1', '$2a$10$Xg8d1yKLk1sfMq7rnYgpGO09yIcj03Uaj8gJ4797nzr6fJu.lXMny', 'admin', NULL),
  (2, 'seed-user-2', '$2a$10$Xg8d1yKLk1sfMq7rnYgpGO09yIcj03Uaj8gJ4797nzr6fJu.lXMny', 'admin', now() - interval '90 days'),
  (3, 'staff-1', '$2a$10$Xg8d1yKLk1sfMq7rnYgpGO09yIcj03Uaj8gJ4797nzr6fJu.lXMny', 'staff', now() - interval '90 days'),
  (4, 'customer-1', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', 'customer', now() - interval '40 days'),
  (5, 'customer-2', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', 'customer', now() - interval '30 days'),
  (6, 'customer-3', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', 'customer', now() - interval '20 days'),
  (7, 'CustomerFour', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', 'customer', now() - interval '10 days');

INSERT INTO password_history (id, username, previous_password_1, previous_password_2, previous_password_3) VALUES
  (1, 'seed-user-1', NULL, NULL, NULL),
  (2, 'seed-user-2', NULL, NULL, NULL),
  (3, 'staff-1', NULL, NULL, NULL),
  (4, 'customer-1', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS',
    '$2a$10$qp1E6OH.xAr8yV6FfsjUoOkQ0iKfqMvBPFqzS0YxJxEySTJ/wOqRa', NULL),
  (5, 'customer-2', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', NULL, NULL),
  (6, 'customer-3', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', NULL, NULL),
  (7, 'CustomerFour', '$2a$10$oCH48s7kvcqrf8fLnMaOwOCVHguXlSPVIymrQB/0dQ175rMziYTJS', NULL, NULL);

INSERT INTO stafftable (id, username, name, counter_no) VALUES
  (1, 'seed-user-1', 'Admin One', 101),
  (2, 'seed-user-2', 'Admin Two', 102),
  (3, 'staff-1', 'Staff One', NULL);

INSERT INTO security_questions (id, question) VALUES
  (1, 'What is the name of your first pet?'),
  (2, 'What was your childhood nickname?'),
  (3, 'In which town was your first job?'),
  (4, 'Who was your favourite childhood friend?'),
  (5, 'What is your mother''s maiden name?'),
  (6, 'Which high school did you go to?'),
  (7, 'What was the make of your first car?'),
  (8, 'What is your favourite movie?'),
  (9, 'What is your favourite book?'),
  (10, 'Which street did you live on in third grade?');

INSERT INTO customertable (id, name, username, number, email, profile_img, security_question_id, security_answer_hash) VALUES
  (1, 'Customer One', 'customer-1', '9000000001', 'customer.one@example.com',
    'https://skyfox-images.s3.ap-south-1.amazonaws.com/profile-images/customer-1.jpg', 1,
    '$2a$10$tAgyt4x7akjV2HQUsoNZCOxE46jVHPK4vcjwcygDASL.ddo.FIPOe'),
  (2, 'Customer Two', 'customer-2', '9000000002', 'customer.two@example.com', NULL, 2,
    '$2a$10$tAgyt4x7akjV2HQUsoNZCOxE46jVHPK4vcjwcygDASL.ddo.FIPOe'),
  (3, 'Customer Three', 'customer-3', '9000000003', 'Customer.Three@Example.com', '', 3,
    '$2a$10$tAgyt4x7akjV2HQUsoNZCOxE46jVHPK4vcjwcygDASL.ddo.FIPOe'),
  (4, 'Customer Four', 'CustomerFour', '0900000004', 'customer.four@example.com', NULL, 10,
    '$2a$10$tAgyt4x7akjV2HQUsoNZCOxE46jVHPK4vcjwcygDASL.ddo.FIPOe');

INSERT INTO password_reset_tokens (id, email, token, created_at, expires_at, used) VALUES
  (1, 'customer.one@example.com', 'reset-token-used', localtimestamp - interval '3 days',
    localtimestamp - interval '3 days' + interval '5 minutes', true),
  (2, 'customer.two@example.com', 'reset-token-expired', localtimestamp - interval '1 day',
    localtimestamp - interval '1 day' + interval '5 minutes', false),
  (3, 'Customer.Three@Example.com', 'reset-token-live', localtimestamp, localtimestamp + interval '5 minutes', false);

INSERT INTO seat (seat_number, seat_type)
SELECT row_letter || number, CASE WHEN row_letter <= 'E' THEN 'Standard' ELSE 'Deluxe' END
FROM unnest(string_to_array('A B C D E F G H I J', ' ')) AS row_letter, generate_series(1, 10) AS number;

INSERT INTO slot (id, name, start_time, end_time) VALUES
  (1, 'Morning', '08:30', '11:30'),
  (2, 'Afternoon', '12:30', '15:30'),
  (3, 'Evening', '16:30', '19:30'),
  (4, 'Night', '20:30', '23:30');

INSERT INTO show (id, movie_id, date, slot_id, cost)
SELECT id, movie_id, (now() AT TIME ZONE 'Asia/Kolkata')::date + days, slot_id, cost
FROM (VALUES
  (1, 'tt0111161', -7, 1, 200.00),
  (2, 'tt0068646', -1, 3, 180.00),
  (3, 'tt0111161', 1, 1, 250.00),
  (4, 'tt0468569', 1, 4, 300.00),
  (5, 'tt0068646', 5, 2, 150.00),
  (6, 'tt0468569', 20, 4, 225.50)
) AS shows (id, movie_id, days, slot_id, cost);

-- 1, 2: seen. 3: confirmed, never checked in. 4 to 6: confirmed, to come. 7: a live hold. 8: a hold nobody swept.
INSERT INTO booking
  (id, date, show_id, customer_id, customer_username, no_of_seats, amount_paid, status, booking_time, payment_type)
SELECT b.id, show.date, b.show_id, b.customer_id, b.customer_username, b.no_of_seats, b.amount_paid,
  b.status::booking_status, now() - b.ago::interval, b.payment_type::payment_mode_enum
FROM (VALUES
  (1, 1, NULL::bigint, 'customer-1', 2, 400.00, 'CheckedIn', '9 days', 'Card'),
  (2, 1, 1, NULL, 1, 350.00, 'CheckedIn', '8 days', 'Cash'),
  (3, 2, NULL, 'customer-2', 2, 510.00, 'Confirmed', '3 days', 'Wallet'),
  (4, 3, NULL, 'customer-1', 1, 400.00, 'Confirmed', '2 days', 'Wallet'),
  (5, 3, NULL, 'customer-3', 3, 750.00, 'Confirmed', '1 day', 'Card'),
  (6, 4, 2, NULL, 4, 1200.00, 'Confirmed', '5 hours', 'Cash'),
  (7, 4, NULL, 'customer-2', 2, 600.00, 'Pending', '1 minute', 'Cash'),
  (8, 5, NULL, 'CustomerFour', 1, 150.00, 'Pending', '1 hour', 'Cash')
) AS b (id, show_id, customer_id, customer_username, no_of_seats, amount_paid, status, ago, payment_type)
JOIN show ON show.id = b.show_id;

INSERT INTO booking_seat_mapping (booking_id, seat_number) VALUES
  (1, 'A1'), (1, 'A2'),
  (2, 'F1'),
  (3, 'A5'), (3, 'F5'),
  (4, 'J10'),
  (5, 'B1'), (5, 'B2'), (5, 'B3'),
  (6, 'C1'), (6, 'C2'), (6, 'C3'), (6, 'C4'),
  (7, 'C5'), (7, 'C6'),
  (8, 'D1');

INSERT INTO admin_booked_customer (id, name, number, booking_id) VALUES
  (1, 'Counter Customer One', '9000000011', 2),
  (2, 'Counter Customer Two', '9000000012', 6);

INSERT INTO payment_transaction (booking_id, transaction_id, payment_method, amount, status, processed_at) VALUES
  (1, 'card-0001', 'Card', 400.00, 'SUCCESS', now() - interval '9 days'),
  (3, 'wallet-0001', 'Wallet', 510.00, 'SUCCESS', now() - interval '3 days'),
  (4, 'wallet-0002', 'Wallet', 400.00, 'SUCCESS', now() - interval '2 days'),
  (5, 'card-0002', 'Card', 750.00, 'FAILED', now() - interval '1 day 1 minute'),
  (5, 'card-0003', 'Card', 750.00, 'SUCCESS', now() - interval '1 day'),
  (7, 'card-0004', 'Card', 600.00, 'FAILED', now() - interval '30 seconds');

INSERT INTO pending_booking_tracker (booking_id, expiration_time) VALUES
  (7, now() + interval '4 minutes'),
  (8, now() - interval '55 minutes');

INSERT INTO customer_wallet (id, username, balance, created_at, updated_at) VALUES
  (1, 'customer-1', 500.00, now() - interval '40 days', now() - interval '1 day'),
  (2, 'customer-2', 490.00, now() - interval '30 days', now() - interval '3 days'),
  (3, 'customer-3', 0, now() - interval '20 days', now() - interval '20 days'),
  (4, 'CustomerFour', 250.50, now() - interval '10 days', now() - interval '10 days');

-- Booking 4 cost 400.00 with 100.00 in the wallet: the card paid the 300.00 that were missing.
INSERT INTO wallet_transaction (wallet_id, username, booking_id, transaction_id, amount, timestamp, transaction_type) VALUES
  (1, 'customer-1', NULL, 'top-up-0001', 100.00, now() - interval '35 days', 'ADD'),
  (2, 'customer-2', NULL, 'top-up-0002', 1000.00, now() - interval '25 days', 'ADD'),
  (4, 'CustomerFour', NULL, 'top-up-0003', 250.50, now() - interval '10 days', 'ADD'),
  (2, 'customer-2', 3, 'wallet-0001', 510.00, now() - interval '3 days', 'DEDUCT'),
  (1, 'customer-1', 4, 'card-0005', 300.00, now() - interval '2 days 1 second', 'ADD'),
  (1, 'customer-1', 4, 'wallet-0002', 400.00, now() - interval '2 days', 'DEDUCT'),
  (1, 'customer-1', NULL, 'top-up-0004', 500.00, now() - interval '1 day', 'ADD');

-- Rows with written ids leave their sequences behind.
SELECT setval(pg_get_serial_sequence('usertable', 'id'), (SELECT max(id) FROM usertable));
SELECT setval(pg_get_serial_sequence('password_history', 'id'), (SELECT max(id) FROM password_history));
SELECT setval(pg_get_serial_sequence('stafftable', 'id'), (SELECT max(id) FROM stafftable));
SELECT setval(pg_get_serial_sequence('security_questions', 'id'), (SELECT max(id) FROM security_questions));
SELECT setval(pg_get_serial_sequence('customertable', 'id'), (SELECT max(id) FROM customertable));
SELECT setval(pg_get_serial_sequence('password_reset_tokens', 'id'), (SELECT max(id) FROM password_reset_tokens));
SELECT setval(pg_get_serial_sequence('slot', 'id'), (SELECT max(id) FROM slot));
SELECT setval(pg_get_serial_sequence('show', 'id'), (SELECT max(id) FROM show));
SELECT setval(pg_get_serial_sequence('booking', 'id'), (SELECT max(id) FROM booking));
SELECT setval(pg_get_serial_sequence('admin_booked_customer', 'id'), (SELECT max(id) FROM admin_booked_customer));
SELECT setval(pg_get_serial_sequence('customer_wallet', 'id'), (SELECT max(id) FROM customer_wallet));
