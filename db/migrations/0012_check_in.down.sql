-- discards: when and by whom bookings were checked in: SELECT count(*) FROM booking WHERE checked_in_by <> '(not recorded)'
--
-- Bookings that are checked in stay so.
ALTER TABLE booking
  DROP CONSTRAINT booking_checked_in,
  DROP COLUMN checked_in_by,
  DROP COLUMN checked_in_at;
