-- discards: refunds: SELECT count(*) FROM payment_refund
-- discards: payments without a gateway reference: SELECT count(*) FROM payment_transaction WHERE transaction_id IS NULL
-- discards: payments that are not final: SELECT count(*) FROM payment_transaction WHERE status IN ('Started', 'Unknown') AND transaction_id IS NOT NULL
--
-- The older schema knows no open payments and no refunds, and lets wallet transactions be changed.
DROP TRIGGER wallet_transaction_append_only ON wallet_transaction;
DROP FUNCTION refuse_change();

DROP INDEX wallet_transaction_booking;
DROP INDEX wallet_transaction_newest;
ALTER TABLE wallet_transaction
  DROP CONSTRAINT wallet_transaction_balance_after_bounds,
  DROP CONSTRAINT wallet_transaction_amount_bounds,
  DROP CONSTRAINT wallet_transaction_booking_id_fkey,
  DROP CONSTRAINT wallet_transaction_wallet_id_username_fkey,
  DROP COLUMN balance_after,
  ALTER COLUMN amount TYPE numeric(10, 2),
  ADD CONSTRAINT wallet_transaction_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES booking (id) ON DELETE SET NULL,
  ADD CONSTRAINT wallet_transaction_username_fkey FOREIGN KEY (username) REFERENCES customertable (username) ON DELETE CASCADE,
  ADD CONSTRAINT wallet_transaction_wallet_id_fkey FOREIGN KEY (wallet_id) REFERENCES customer_wallet (id) ON DELETE CASCADE;
ALTER TABLE customer_wallet
  DROP CONSTRAINT customer_wallet_balance_bounds,
  DROP CONSTRAINT customer_wallet_id_username_key,
  DROP CONSTRAINT customer_wallet_username_fkey,
  ALTER COLUMN balance TYPE numeric(10, 2),
  ADD CONSTRAINT customer_wallet_balance_check CHECK (balance >= 0),
  ADD CONSTRAINT customer_wallet_username_fkey FOREIGN KEY (username) REFERENCES customertable (username) ON DELETE CASCADE;

DROP TABLE payment_refund;
DROP TYPE refund_state;

DROP INDEX payment_transaction_due;
DROP INDEX payment_transaction_booking;
DROP INDEX payment_transaction_one_open;
ALTER TABLE payment_transaction
  DROP CONSTRAINT payment_transaction_open_is_asked,
  DROP CONSTRAINT payment_transaction_final_is_dated,
  DROP CONSTRAINT payment_transaction_completed_has_reference,
  DROP CONSTRAINT payment_transaction_attempts_bounds,
  DROP CONSTRAINT payment_transaction_amount_bounds,
  DROP CONSTRAINT payment_transaction_gateway_key_key,
  DROP CONSTRAINT payment_transaction_booking_id_fkey;
DELETE FROM payment_transaction WHERE transaction_id IS NULL OR status IN ('Started', 'Unknown');
ALTER TABLE payment_transaction
  DROP COLUMN next_attempt_at,
  DROP COLUMN last_error,
  DROP COLUMN attempts,
  DROP COLUMN started_at,
  DROP COLUMN gateway_key,
  ALTER COLUMN processed_at SET NOT NULL,
  ALTER COLUMN processed_at SET DEFAULT now(),
  ALTER COLUMN status TYPE varchar(50) USING (
    CASE status WHEN 'Completed' THEN 'SUCCESS' WHEN 'Rejected' THEN 'REJECTED' ELSE 'FAILED' END
  ),
  ALTER COLUMN amount TYPE numeric(10, 2),
  ALTER COLUMN transaction_id SET NOT NULL,
  ADD CONSTRAINT payment_transaction_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES booking (id) ON DELETE CASCADE;
DROP TYPE payment_status;

CREATE INDEX customer_wallet_username_idx ON customer_wallet (username);
CREATE INDEX customer_wallet_positive_balance_idx ON customer_wallet (username, balance)
  WHERE balance > 0;
CREATE INDEX payment_transaction_booking_id_idx ON payment_transaction (booking_id);
CREATE INDEX payment_transaction_booking_id_status_idx ON payment_transaction (booking_id, status);
CREATE INDEX wallet_transaction_booking_id_idx ON wallet_transaction (booking_id);
CREATE INDEX wallet_transaction_timestamp_idx ON wallet_transaction (timestamp);
CREATE INDEX wallet_transaction_username_idx ON wallet_transaction (username);
CREATE INDEX wallet_transaction_username_timestamp_idx ON wallet_transaction (username, timestamp DESC);
CREATE INDEX wallet_transaction_username_type_amount_idx
  ON wallet_transaction (username, transaction_type, amount);
CREATE INDEX wallet_transaction_wallet_id_idx ON wallet_transaction (wallet_id);
