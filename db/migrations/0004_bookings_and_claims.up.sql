-- Bookings as a state machine, and one live claim per seat of a show.

-- The older indexes name the older states in their conditions or repeat a key; those that a query needs are made anew below.
DO $$
DECLARE
  old_index regclass;
BEGIN
  FOR old_index IN
    SELECT i.indexrelid FROM pg_index i
    WHERE i.indrelid IN ('booking'::regclass, 'booking_seat_mapping'::regclass)
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
  LOOP
    EXECUTE format('DROP INDEX %s', old_index);
  END LOOP;
END
$$;

CREATE TYPE booking_state AS ENUM ('Pending', 'Paying', 'Confirmed', 'CheckedIn', 'Cancelled', 'Expired', 'Refunded');
ALTER TABLE booking
  DROP CONSTRAINT booking_customer_username_fkey,
  ALTER COLUMN status DROP DEFAULT,
  ALTER COLUMN status TYPE booking_state USING status::text::booking_state,
  ALTER COLUMN show_id SET NOT NULL,
  ALTER COLUMN amount_paid TYPE numeric(12, 2),
  ALTER COLUMN payment_type DROP DEFAULT,
  ALTER COLUMN payment_type DROP NOT NULL,
  ADD COLUMN amount_due numeric(12, 2),
  ADD COLUMN wallet_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN card_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN hold_slot int,
  ADD COLUMN paying_until timestamptz,
  ADD COLUMN declined_cards int NOT NULL DEFAULT 0,
  ADD COLUMN ended_at timestamptz;
DROP TYPE booking_status;
ALTER TYPE booking_state RENAME TO booking_status;

-- A hold that nobody tracks any more, or whose time is over, has expired; the tracked ones go on.
UPDATE booking SET
  amount_due = amount_paid,
  wallet_amount = CASE WHEN status <> 'Pending' AND payment_type = 'Wallet' THEN amount_paid ELSE 0 END,
  card_amount = CASE WHEN status <> 'Pending' AND payment_type = 'Card' THEN amount_paid ELSE 0 END;
UPDATE booking SET expires_at = tracker.expiration_time
FROM pending_booking_tracker tracker
WHERE tracker.booking_id = booking.id AND booking.status = 'Pending';
UPDATE booking SET status = 'Expired', ended_at = coalesce(expires_at, booking_time)
WHERE status = 'Pending' AND (expires_at IS NULL OR expires_at <= now());
UPDATE booking SET amount_paid = 0, payment_type = NULL WHERE status IN ('Pending', 'Expired');
UPDATE booking SET hold_slot = numbered.slot
FROM (
  SELECT id, row_number() OVER (PARTITION BY customer_username ORDER BY id) AS slot
  FROM booking WHERE status = 'Pending' AND customer_username IS NOT NULL
) numbered
WHERE numbered.id = booking.id;

-- The expiry is a column of the booking now, so that one locked row decides; the tracker stays for the step back.
DELETE FROM pending_booking_tracker;

ALTER TABLE booking
  ALTER COLUMN status SET DEFAULT 'Pending',
  ALTER COLUMN amount_due SET NOT NULL,
  ADD CONSTRAINT booking_customer_username_fkey FOREIGN KEY (customer_username) REFERENCES customertable (username),
  ADD CONSTRAINT booking_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES admin_booked_customer (id),
  ADD CONSTRAINT booking_id_show_id_key UNIQUE (id, show_id),
  ADD CONSTRAINT booking_seats_bounds CHECK (no_of_seats >= 1),
  ADD CONSTRAINT booking_amount_due_bounds CHECK (amount_due >= 0 AND amount_due <= 100000),
  ADD CONSTRAINT booking_wallet_amount_bounds CHECK (wallet_amount >= 0 AND wallet_amount <= 100000),
  ADD CONSTRAINT booking_card_amount_bounds CHECK (card_amount >= 0 AND card_amount <= 100000),
  ADD CONSTRAINT booking_declined_cards_bounds CHECK (declined_cards >= 0),
  ADD CONSTRAINT booking_pending_expires CHECK (status NOT IN ('Pending', 'Paying') OR expires_at IS NOT NULL),
  ADD CONSTRAINT booking_hold_slot_bounds CHECK (hold_slot >= 1),
  ADD CONSTRAINT booking_live_hold_has_slot
    CHECK (customer_username IS NULL OR status NOT IN ('Pending', 'Paying') OR hold_slot IS NOT NULL),
  ADD CONSTRAINT booking_paying_is_bounded CHECK ((status = 'Paying') = (paying_until IS NOT NULL)),
  ADD CONSTRAINT booking_ended CHECK ((status IN ('Cancelled', 'Expired', 'Refunded')) = (ended_at IS NOT NULL)),
  ADD CONSTRAINT booking_paid_exactly CHECK (
    CASE
      WHEN status IN ('Pending', 'Paying', 'Cancelled', 'Expired')
        THEN amount_paid = 0 AND payment_type IS NULL AND wallet_amount = 0 AND card_amount = 0
      ELSE amount_paid = amount_due AND payment_type IS NOT NULL
        AND wallet_amount + card_amount = CASE payment_type WHEN 'Cash' THEN 0 ELSE amount_paid END
    END
  );
CREATE INDEX booking_customer_newest ON booking (customer_username, id DESC);
-- Each live hold of a customer has a slot of its own, so that a limit on slots is a limit on holds, also in races.
CREATE UNIQUE INDEX booking_hold_slot_key ON booking (customer_username, hold_slot) WHERE status IN ('Pending', 'Paying');
CREATE INDEX booking_show ON booking (show_id);
CREATE INDEX booking_time ON booking (booking_time);
CREATE INDEX booking_pending_expiry ON booking (expires_at) WHERE status = 'Pending';
CREATE INDEX booking_paying_until ON booking (paying_until) WHERE status = 'Paying';

-- Which seats a booking has or had: kept for ever, also when the booking has ended. The key to seat comes back after the update: 0003 may have
-- written these rows in this transaction, and such rows are checked one by one also where a key does not change.
ALTER TABLE booking_seat_mapping
  DROP CONSTRAINT booking_seat_mapping_booking_id_fkey,
  DROP CONSTRAINT booking_seat_mapping_screen_id_seat_number_fkey,
  ADD COLUMN show_id bigint;
UPDATE booking_seat_mapping SET show_id = booking.show_id FROM booking WHERE booking.id = booking_seat_mapping.booking_id;
ALTER TABLE booking_seat_mapping
  ALTER COLUMN show_id SET NOT NULL,
  ADD CONSTRAINT booking_seat_mapping_screen_id_seat_number_fkey
    FOREIGN KEY (screen_id, seat_number) REFERENCES seat (screen_id, seat_number),
  ADD CONSTRAINT booking_seat_mapping_booking_seat_key UNIQUE (booking_id, show_id, seat_number),
  ADD CONSTRAINT booking_seat_mapping_booking_id_show_id_fkey FOREIGN KEY (booking_id, show_id) REFERENCES booking (id, show_id),
  ADD CONSTRAINT booking_seat_mapping_show_id_screen_id_fkey FOREIGN KEY (show_id, screen_id) REFERENCES show (id, screen_id);

-- Who has a seat of a show now: one row per seat ever asked for, so one live claim at most. Free again means without a booking.
-- A hold may be taken over after free_after; null means being paid or sold. The version moves with every change of a claim.
CREATE SEQUENCE seat_claim_version;
CREATE TABLE seat_claim (
  show_id bigint NOT NULL,
  seat_number varchar(10) NOT NULL,
  booking_id bigint,
  free_after timestamptz,
  version bigint NOT NULL DEFAULT nextval('seat_claim_version'),
  PRIMARY KEY (show_id, seat_number),
  CONSTRAINT seat_claim_taken_has_booking CHECK (booking_id IS NOT NULL OR coalesce(free_after = '-infinity', false))
);
ALTER SEQUENCE seat_claim_version OWNED BY seat_claim.version;
CREATE INDEX seat_claim_booking ON seat_claim (booking_id) WHERE booking_id IS NOT NULL;

INSERT INTO seat_claim (show_id, seat_number, booking_id, free_after)
SELECT m.show_id, m.seat_number, b.id, b.expires_at
FROM booking b JOIN booking_seat_mapping m ON m.booking_id = b.id
WHERE b.status = 'Pending'
UNION ALL
SELECT m.show_id, m.seat_number, b.id, NULL
FROM booking b JOIN booking_seat_mapping m ON m.booking_id = b.id
WHERE b.status IN ('Confirmed', 'CheckedIn')
ORDER BY 1, 2;

-- After the rows, so that one join checks all of them. The unique index that a check of each row would need was made after an update in this
-- transaction and may be unusable until it ends; each check would then read all of booking_seat_mapping.
ALTER TABLE seat_claim ADD CONSTRAINT seat_claim_of_its_booking
  FOREIGN KEY (booking_id, show_id, seat_number) REFERENCES booking_seat_mapping (booking_id, show_id, seat_number);
