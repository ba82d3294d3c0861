-- discards: cancelled, expired and refunded bookings: SELECT count(*) FROM booking WHERE status IN ('Cancelled', 'Expired', 'Refunded')
-- discards: payments of bookings that have ended or are being paid: SELECT count(*) FROM payment_transaction p JOIN booking b ON b.id = p.booking_id WHERE b.status NOT IN ('Pending', 'Confirmed', 'CheckedIn')
-- discards: bookings being paid: SELECT count(*) FROM booking WHERE status = 'Paying'
--
-- With a booking go its seats' history and its payments. The older schema knows Pending, Confirmed and CheckedIn. What was due for a hold becomes its amount again.
DROP TABLE seat_claim;

ALTER TABLE booking_seat_mapping
  DROP CONSTRAINT booking_seat_mapping_show_id_screen_id_fkey,
  DROP CONSTRAINT booking_seat_mapping_booking_id_show_id_fkey,
  DROP CONSTRAINT booking_seat_mapping_booking_seat_key,
  DROP COLUMN show_id,
  ADD CONSTRAINT booking_seat_mapping_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES booking (id) ON DELETE CASCADE;

DROP INDEX booking_paying_until;
DROP INDEX booking_pending_expiry;
DROP INDEX booking_time;
DROP INDEX booking_show;
DROP INDEX booking_hold_slot_key;
DROP INDEX booking_customer_newest;
ALTER TABLE booking
  DROP CONSTRAINT booking_paid_exactly,
  DROP CONSTRAINT booking_ended,
  DROP CONSTRAINT booking_paying_is_bounded,
  DROP CONSTRAINT booking_live_hold_has_slot,
  DROP CONSTRAINT booking_hold_slot_bounds,
  DROP CONSTRAINT booking_pending_expires,
  DROP CONSTRAINT booking_declined_cards_bounds,
  DROP CONSTRAINT booking_card_amount_bounds,
  DROP CONSTRAINT booking_wallet_amount_bounds,
  DROP CONSTRAINT booking_amount_due_bounds,
  DROP CONSTRAINT booking_seats_bounds,
  DROP CONSTRAINT booking_id_show_id_key,
  DROP CONSTRAINT booking_customer_id_fkey,
  DROP CONSTRAINT booking_customer_username_fkey;

DELETE FROM booking WHERE status NOT IN ('Pending', 'Confirmed', 'CheckedIn');
INSERT INTO pending_booking_tracker (booking_id, expiration_time)
SELECT id, expires_at FROM booking WHERE status = 'Pending';
UPDATE booking SET amount_paid = amount_due, payment_type = 'Cash' WHERE status = 'Pending';

CREATE TYPE booking_older_status AS ENUM ('Pending', 'Confirmed', 'CheckedIn');
ALTER TABLE booking
  DROP COLUMN ended_at,
  DROP COLUMN declined_cards,
  DROP COLUMN paying_until,
  DROP COLUMN hold_slot,
  DROP COLUMN expires_at,
  DROP COLUMN card_amount,
  DROP COLUMN wallet_amount,
  DROP COLUMN amount_due,
  ALTER COLUMN payment_type SET NOT NULL,
  ALTER COLUMN payment_type SET DEFAULT 'Cash',
  ALTER COLUMN amount_paid TYPE numeric(10, 2),
  ALTER COLUMN show_id DROP NOT NULL,
  ALTER COLUMN status DROP DEFAULT,
  ALTER COLUMN status TYPE booking_older_status USING status::text::booking_older_status;
DROP TYPE booking_status;
ALTER TYPE booking_older_status RENAME TO booking_status;
ALTER TABLE booking
  ALTER COLUMN status SET DEFAULT 'Pending',
  ADD CONSTRAINT booking_customer_username_fkey
    FOREIGN KEY (customer_username) REFERENCES customertable (username) ON DELETE CASCADE;

CREATE INDEX booking_active_show_customer_idx ON booking (show_id, customer_username)
  WHERE status IN ('Pending', 'Confirmed');
CREATE INDEX booking_booking_time_idx ON booking (booking_time);
CREATE INDEX booking_customer_username_idx ON booking (customer_username);
CREATE INDEX booking_active_date_status_idx ON booking (date, status)
  WHERE status IN ('Pending', 'Confirmed');
CREATE INDEX booking_history_idx
  ON booking (id, show_id, customer_username, status, amount_paid, booking_time);
CREATE INDEX booking_show_id_idx ON booking (show_id);
CREATE INDEX booking_status_idx ON booking (status);
CREATE INDEX booking_seat_mapping_booking_id_idx ON booking_seat_mapping (booking_id);
