-- compatible-with: previous
-- Frees the seats of bookings that the caller has locked. VOLATILE: a hold may have changed its seats while its lock was waited for, and the
-- statement that waited still reads the seats from before.
CREATE FUNCTION release_claims(of_bookings bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM FROM seat_claim WHERE booking_id = ANY (of_bookings) ORDER BY show_id, seat_number FOR UPDATE;
  UPDATE seat_claim SET booking_id = NULL, free_after = '-infinity', version = version + 1 WHERE booking_id = ANY (of_bookings);
END
$$;

-- Gives a pending hold, which the caller has locked, these seats instead of its own. A seat that it keeps stays claimed throughout. When another
-- booking claims one of the seats, the constraint refuses the whole change; a claim that is just being changed is waited for as `claim_seats` does.
CREATE FUNCTION change_seats(of_booking bigint, wanted text[], new_amount numeric) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  held booking;
BEGIN
  SELECT * INTO STRICT held FROM booking WHERE id = of_booking;
  INSERT INTO booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
  SELECT of_booking, held.show_id, show.screen_id, w.seat_number
  FROM show, unnest(wanted) AS w (seat_number)
  WHERE show.id = held.show_id
    AND w.seat_number NOT IN (SELECT m.seat_number FROM booking_seat_mapping m WHERE m.booking_id = of_booking);
  PERFORM claim_seats(
    held.show_id,
    array(SELECT unnest(wanted) EXCEPT SELECT c.seat_number FROM seat_claim c WHERE c.booking_id = of_booking),
    of_booking, held.expires_at
  );
  UPDATE seat_claim SET booking_id = NULL, free_after = '-infinity', version = version + 1
  WHERE booking_id = of_booking AND seat_number <> ALL (wanted);
  DELETE FROM booking_seat_mapping WHERE booking_id = of_booking AND seat_number <> ALL (wanted);
  -- The seats of a booking are read in the order of their ids.
  UPDATE booking_seat_mapping m SET id = ordered.id
  FROM (
    SELECT w.seat_number, nextval(pg_get_serial_sequence('booking_seat_mapping', 'id')) AS id
    FROM (SELECT seat_number FROM unnest(wanted) WITH ORDINALITY AS u (seat_number, position) ORDER BY position) AS w
  ) AS ordered
  WHERE m.booking_id = of_booking AND m.seat_number = ordered.seat_number;
  UPDATE booking SET no_of_seats = cardinality(wanted), amount_due = new_amount WHERE id = of_booking;
END
$$;
