-- The door: when and by whom a booking was checked in.

ALTER TABLE booking
  ADD COLUMN checked_in_at timestamptz,
  ADD COLUMN checked_in_by varchar(30);

-- Nobody wrote that down before; people are let in for the start of their show. No username has a parenthesis.
UPDATE booking SET checked_in_at = least(show.starts_at, now()), checked_in_by = '(not recorded)'
FROM show WHERE show.id = booking.show_id AND booking.status = 'CheckedIn';

ALTER TABLE booking
  ADD CONSTRAINT booking_checked_in CHECK (
    (checked_in_at IS NULL) = (checked_in_by IS NULL)
    AND CASE status
      WHEN 'CheckedIn' THEN checked_in_at IS NOT NULL
      -- Given back with its show after somebody had come.
      WHEN 'Refunded' THEN true
      ELSE checked_in_at IS NULL
    END
  );
