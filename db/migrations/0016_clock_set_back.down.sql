ALTER TABLE payment_transaction DROP COLUMN begun_by;
