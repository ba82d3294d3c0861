-- The next round of a cancellation finds out again what it cannot give back.
ALTER TABLE show_cancellation DROP COLUMN not_given_back;
