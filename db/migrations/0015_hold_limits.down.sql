-- discards: networks that holds came from: SELECT count(*) FROM booking WHERE held_from IS NOT NULL
DROP FUNCTION hold_refusal;
DROP INDEX booking_abandoned;
ALTER TABLE booking DROP COLUMN held_from;
