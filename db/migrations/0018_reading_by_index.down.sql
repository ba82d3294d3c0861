DROP FUNCTION claim_seats;
DROP INDEX usertable_staff;
DROP INDEX booking_customer_status;
DROP INDEX booking_live_of_show;
DROP INDEX booking_paid;
DROP INDEX payment_transaction_reference;
DROP INDEX payment_refund_in_doubt;
