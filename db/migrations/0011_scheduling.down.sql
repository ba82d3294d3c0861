-- Nothing is lost: which shows overlap can be seen from their times.
ALTER TABLE show
  DROP CONSTRAINT show_one_at_a_time,
  DROP COLUMN shares_screen;
