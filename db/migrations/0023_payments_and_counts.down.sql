ALTER TABLE rate_limit DROP COLUMN shared_at, DROP COLUMN shared_by;
DROP FUNCTION begin_top_up;
DROP FUNCTION begin_payment;
DROP FUNCTION accept_top_up;
DROP FUNCTION accept_payment;
DROP FUNCTION complete_payment;
DROP FUNCTION change_wallet;
