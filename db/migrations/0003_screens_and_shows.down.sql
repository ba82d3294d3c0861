-- discards: cancelled shows, with their bookings: SELECT count(*) FROM show WHERE cancelled_at IS NOT NULL
-- discards: shows of further screens, with their bookings: SELECT count(*) FROM show WHERE screen_id <> (SELECT min(id) FROM screen)
-- discards: payments of those bookings: SELECT count(*) FROM payment_transaction p JOIN booking b ON b.id = p.booking_id JOIN show s ON s.id = b.show_id WHERE s.cancelled_at IS NOT NULL OR s.screen_id <> (SELECT min(id) FROM screen)
-- discards: titles and details of films: SELECT count(*) FROM movie
-- discards: further screens: SELECT count(*) - 1 FROM screen
--
-- The older schema knows one screen and one show per slot and date. Titles and details of films go; shows keep the film's id.
DELETE FROM booking b USING show s
WHERE b.show_id = s.id AND (s.cancelled_at IS NOT NULL OR s.screen_id <> (SELECT min(id) FROM screen));
DELETE FROM show WHERE cancelled_at IS NOT NULL OR screen_id <> (SELECT min(id) FROM screen);

DROP INDEX show_date_starts_at;
DROP INDEX show_screen_slot_date_key;
ALTER TABLE show
  DROP CONSTRAINT show_cancelled_with_reason,
  DROP CONSTRAINT show_ends_after_start,
  DROP CONSTRAINT show_cost_bounds,
  DROP CONSTRAINT show_id_screen_id_key,
  DROP CONSTRAINT show_screen_id_fkey,
  DROP CONSTRAINT show_movie_id_fkey,
  DROP COLUMN cancel_reason,
  DROP COLUMN cancelled_at,
  DROP COLUMN ends_at,
  DROP COLUMN starts_at,
  DROP COLUMN screen_id,
  ALTER COLUMN cost TYPE numeric(10, 2),
  ADD CONSTRAINT show_slot_id_date_key UNIQUE (slot_id, date);
DROP TABLE movie;

ALTER TABLE booking_seat_mapping
  DROP CONSTRAINT booking_seat_mapping_screen_id_seat_number_fkey,
  DROP COLUMN screen_id;
DELETE FROM seat WHERE screen_id <> (SELECT min(id) FROM screen);
ALTER TABLE seat
  DROP CONSTRAINT seat_number_form,
  DROP CONSTRAINT seat_screen_id_fkey,
  DROP CONSTRAINT seat_pkey,
  DROP COLUMN column_number,
  DROP COLUMN row_label,
  DROP COLUMN screen_id,
  ALTER COLUMN seat_type DROP NOT NULL,
  ALTER COLUMN seat_type TYPE varchar(50) USING seat_type::text;
ALTER TABLE seat ADD PRIMARY KEY (seat_number);
ALTER TABLE booking_seat_mapping
  ADD CONSTRAINT booking_seat_mapping_seat_number_fkey FOREIGN KEY (seat_number) REFERENCES seat (seat_number);
DROP TABLE screen;
