-- compatible-with: previous
-- The paid bookings that the latest round of a cancellation could not give back, so that an admin sees which they are.
ALTER TABLE show_cancellation ADD COLUMN not_given_back bigint[] NOT NULL DEFAULT '{}';
