DROP FUNCTION claim_seats;
DROP INDEX booking_paid;
DROP INDEX payment_transaction_reference;
DROP INDEX payment_refund_in_doubt;
