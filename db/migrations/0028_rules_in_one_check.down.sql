-- Reads all bookings and payments while both tables are locked, half a second for a hundred thousand.
DROP TRIGGER payment_transaction_written_once ON payment_transaction;
CREATE TRIGGER payment_transaction_written_once AFTER UPDATE ON payment_transaction FOR EACH ROW
  WHEN (
    (OLD.id, OLD.booking_id, OLD.username, OLD.payment_method, OLD.card_amount, OLD.gateway_key, OLD.started_at, OLD.adopted)
      IS DISTINCT FROM
      (NEW.id, NEW.booking_id, NEW.username, NEW.payment_method, NEW.card_amount, NEW.gateway_key, NEW.started_at, NEW.adopted)
    OR (OLD.amount, OLD.wallet_amount) <> (NEW.amount, NEW.wallet_amount)
      AND NOT (OLD.status <> 'Completed' AND NEW.status = 'Completed' AND NEW.wallet_amount = 0)
    OR OLD.status <> NEW.status
      AND (NEW.status = 'Started' OR OLD.status = 'Completed' OR OLD.status <> 'Started' AND OLD.status <> 'Unknown' AND NEW.status <> 'Completed')
    OR OLD.status = 'Completed' AND OLD.transaction_id <> NEW.transaction_id
  )
  EXECUTE FUNCTION refuse_rewriting();
DROP FUNCTION refuse_rewriting_of_payment;

ALTER TABLE payment_transaction
  DROP CONSTRAINT payment_transaction_rules,
  ADD CONSTRAINT payment_transaction_amount_bounds CHECK (amount > 0 AND amount <= 100000),
  ADD CONSTRAINT payment_transaction_attempts_bounds CHECK (attempts >= 0),
  ADD CONSTRAINT payment_transaction_completed_has_reference CHECK (status <> 'Completed' OR transaction_id IS NOT NULL),
  ADD CONSTRAINT payment_transaction_contested_is_asked CHECK (NOT contested OR (status = 'Failed' AND next_attempt_at IS NOT NULL)),
  ADD CONSTRAINT payment_transaction_final_is_dated CHECK ((status IN ('Started', 'Unknown')) = (processed_at IS NULL)),
  ADD CONSTRAINT payment_transaction_has_owner CHECK (booking_id IS NOT NULL OR username IS NOT NULL),
  ADD CONSTRAINT payment_transaction_open_is_asked CHECK (status NOT IN ('Started', 'Unknown') OR next_attempt_at IS NOT NULL),
  ADD CONSTRAINT payment_transaction_parts CHECK (
    wallet_amount >= 0 AND card_amount >= 0 AND (payment_method = 'Cash' OR wallet_amount + card_amount = amount)
  ),
  ADD CONSTRAINT payment_transaction_reserves_its_part CHECK (
    reserved = 0 OR (reserved = wallet_amount AND status IN ('Started', 'Unknown'))
  );
ALTER TABLE booking
  DROP CONSTRAINT booking_rules,
  ADD CONSTRAINT booking_amount_due_bounds CHECK (amount_due >= 0 AND amount_due <= 100000),
  ADD CONSTRAINT booking_card_amount_bounds CHECK (card_amount >= 0 AND card_amount <= 100000),
  ADD CONSTRAINT booking_checked_in CHECK (
    (checked_in_at IS NULL) = (checked_in_by IS NULL)
    AND CASE status WHEN 'CheckedIn' THEN checked_in_at IS NOT NULL WHEN 'Refunded' THEN true ELSE checked_in_at IS NULL END
  ),
  ADD CONSTRAINT booking_declined_cards_bounds CHECK (declined_cards >= 0),
  ADD CONSTRAINT booking_ended CHECK ((status IN ('Cancelled', 'Expired', 'Refunded')) = (ended_at IS NOT NULL)),
  ADD CONSTRAINT booking_hold_slot_bounds CHECK (hold_slot >= 1),
  ADD CONSTRAINT booking_live_hold_has_slot CHECK (
    customer_username IS NULL OR status NOT IN ('Pending', 'Paying') OR hold_slot IS NOT NULL
  ),
  ADD CONSTRAINT booking_paid_exactly CHECK (
    CASE
      WHEN status IN ('Pending', 'Paying', 'Cancelled', 'Expired')
        THEN amount_paid = 0 AND payment_type IS NULL AND wallet_amount = 0 AND card_amount = 0
      ELSE amount_paid = amount_due AND payment_type IS NOT NULL
        AND wallet_amount + card_amount = CASE payment_type WHEN 'Cash' THEN 0 ELSE amount_paid END
    END
  ),
  ADD CONSTRAINT booking_paying_is_bounded CHECK ((status = 'Paying') = (paying_until IS NOT NULL)),
  ADD CONSTRAINT booking_pending_expires CHECK (status NOT IN ('Pending', 'Paying') OR expires_at IS NOT NULL),
  ADD CONSTRAINT booking_seats_bounds CHECK (no_of_seats >= 1),
  ADD CONSTRAINT booking_wallet_amount_bounds CHECK (wallet_amount >= 0 AND wallet_amount <= 100000);
DROP FUNCTION check_payment;
DROP FUNCTION check_booking;
