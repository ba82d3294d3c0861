-- compatible-with: previous
-- A call that is one statement. Its steps are functions, and VOLATILE, so that each statement of them sees what was committed while an earlier one
-- waited for a lock; the statement around them goes on seeing what it saw at its begin.

-- Gives up a pending hold of which the caller has read the row of this version (its xmin). 'done', or nothing is changed: 'refused' in another status,
-- an overdue hold being Expired, and 'changed' when the row has another version by now, so that what was read of it is no answer.
-- `read_at` is the time by which that is decided: the database's after the lock, or `stopped_at` for a caller whose clock stands still.
CREATE FUNCTION cancel_hold(
  of_booking bigint, seen xid, stopped_at timestamptz,
  OUT outcome text, OUT status booking_status, OUT read_at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  expires_at timestamptz;
  version xid;
BEGIN
  SELECT b.status, b.expires_at, b.xmin INTO status, expires_at, version FROM booking b WHERE b.id = of_booking FOR UPDATE;
  -- Milliseconds, as all times of bookings.
  read_at := coalesce(stopped_at, date_trunc('milliseconds', clock_timestamp()));
  IF status = 'Pending' AND expires_at <= read_at THEN
    status := 'Expired';
  END IF;
  IF status IS DISTINCT FROM 'Pending' THEN
    outcome := 'refused';
  ELSIF version <> seen THEN
    outcome := 'changed';
  ELSE
    outcome := 'done';
    UPDATE booking b SET status = 'Cancelled', ended_at = read_at WHERE b.id = of_booking;
    PERFORM FROM seat_claim c WHERE c.booking_id = of_booking ORDER BY c.show_id, c.seat_number FOR UPDATE;
    UPDATE seat_claim c SET booking_id = NULL, free_after = '-infinity', version = c.version + 1 WHERE c.booking_id = of_booking;
  END IF;
END
$$;

-- Takes the key of a call, with the answer to keep where there is one yet; it commits with the effect of the call. Waits for a call that is just
-- taking it; false when it is taken.
CREATE FUNCTION claim_key(
  of_user text, of_procedure text, the_key text, asked bytea, its_answer text, taken_at timestamptz, ends_at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO idempotency_key (username, procedure, key, fingerprint, answer, created_at, expires_at)
  VALUES (of_user, of_procedure, the_key, asked, its_answer, taken_at, ends_at)
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END
$$;

-- Gives a key back that the same statement has taken: the call was refused.
CREATE FUNCTION free_key(of_user text, of_procedure text, the_key text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  DELETE FROM idempotency_key k WHERE k.username = of_user AND k.procedure = of_procedure AND k.key = the_key;
END
$$;
