-- The older version of a seat map is the largest of its claims' versions: the sequence begins beyond all of them.
SELECT setval('seat_claim_version', greatest((SELECT max(version) FROM seat_claim), nextval('seat_claim_version')));
DROP TRIGGER claim_change ON seat_claim;
DROP FUNCTION count_claim_change;
CREATE OR REPLACE FUNCTION claim_seats(of_show bigint, wanted text[], by_booking bigint, held_until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET lock_timeout = '150ms' AS $$
BEGIN
  INSERT INTO seat_claim (show_id, seat_number, booking_id, free_after)
  SELECT of_show, w.seat_number, by_booking, held_until FROM unnest(wanted) AS w (seat_number) ORDER BY w.seat_number
  ON CONFLICT (show_id, seat_number) DO UPDATE
    SET booking_id = CASE WHEN seat_claim.booking_id IS NULL THEN excluded.booking_id END,
      free_after = excluded.free_after, version = nextval('seat_claim_version');
END
$$;
ALTER TABLE seat_claim ALTER COLUMN version SET DEFAULT nextval('seat_claim_version');
