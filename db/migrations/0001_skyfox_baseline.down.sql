-- Removes the whole schema; every row goes with it.
-- discards: accounts (usertable): SELECT count(*) FROM usertable
-- discards: password histories (password_history): SELECT count(*) FROM password_history
-- discards: staff (stafftable): SELECT count(*) FROM stafftable
-- discards: customers (customertable): SELECT count(*) FROM customertable
-- discards: security questions (security_questions): SELECT count(*) FROM security_questions
-- discards: reset tokens (password_reset_tokens): SELECT count(*) FROM password_reset_tokens
-- discards: seats (seat): SELECT count(*) FROM seat
-- discards: slots (slot): SELECT count(*) FROM slot
-- discards: shows (show): SELECT count(*) FROM show
-- discards: bookings (booking): SELECT count(*) FROM booking
-- discards: booked seats (booking_seat_mapping): SELECT count(*) FROM booking_seat_mapping
-- discards: counter customers (admin_booked_customer): SELECT count(*) FROM admin_booked_customer
-- discards: payments (payment_transaction): SELECT count(*) FROM payment_transaction
-- discards: hold expiries (pending_booking_tracker): SELECT count(*) FROM pending_booking_tracker
-- discards: wallets (customer_wallet): SELECT count(*) FROM customer_wallet
-- discards: wallet transactions (wallet_transaction): SELECT count(*) FROM wallet_transaction

DROP TABLE wallet_transaction;
DROP TABLE customer_wallet;
DROP TABLE pending_booking_tracker;
DROP TABLE payment_transaction;
DROP TABLE admin_booked_customer;
DROP TABLE booking_seat_mapping;
DROP TABLE booking;
DROP TABLE show;
DROP TABLE slot;
DROP TABLE seat;
DROP TABLE password_reset_tokens;
DROP TABLE customertable;
DROP TABLE security_questions;
DROP TABLE stafftable;
DROP TABLE password_history;
DROP TABLE usertable;

DROP TYPE seat_type_enum;
DROP TYPE wallet_transaction_type;
DROP TYPE payment_mode_enum;
DROP TYPE user_role_enum;
DROP TYPE booking_status;
