-- compatible-with: previous
-- A payment that had begun by this time of a clock that was set back after `started_at`: since then its call is over as soon as that of any other.
ALTER TABLE payment_transaction ADD COLUMN begun_by timestamptz;
