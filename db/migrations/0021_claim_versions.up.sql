-- compatible-with: previous
-- The version of a show's seat map is the sum of its claims' versions, each of which counts the changes of one claim. So it is ordered by commit:
-- two readers of one version have seen the same claims. Claims that are there keep their numbers, and the sum is never below the largest.

CREATE OR REPLACE FUNCTION claim_seats(of_show bigint, wanted text[], by_booking bigint, held_until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET lock_timeout = '150ms' AS $$
BEGIN
  INSERT INTO seat_claim (show_id, seat_number, booking_id, free_after)
  SELECT of_show, w.seat_number, by_booking, held_until FROM unnest(wanted) AS w (seat_number) ORDER BY w.seat_number
  ON CONFLICT (show_id, seat_number) DO UPDATE
    SET booking_id = CASE WHEN seat_claim.booking_id IS NULL THEN excluded.booking_id END,
      free_after = excluded.free_after, version = seat_claim.version + 1;
END
$$;

-- For a server of the previous version, which draws the version from a sequence, and for a statement that leaves it as it was.
CREATE FUNCTION count_claim_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END
$$;
CREATE TRIGGER claim_change BEFORE UPDATE ON seat_claim FOR EACH ROW
  WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION count_claim_change();

ALTER TABLE seat_claim ALTER COLUMN version SET DEFAULT 1;
