-- compatible-with: previous
-- What background tasks and lists look for is found by an index, however much history there is.

-- Refunds that the gateway has not done when it was asked, newest payment first.
CREATE INDEX payment_refund_in_doubt ON payment_refund (payment_id) WHERE state = 'pending' AND last_error IS NOT NULL;
-- An admin who settles a payment names the gateway's reference, which no other payment may have.
CREATE INDEX payment_transaction_reference ON payment_transaction (transaction_id) WHERE status = 'Completed';
-- Exports read paid bookings by time, page by page: among holds that ended, a page would read many times its size.
CREATE INDEX booking_paid ON booking (booking_time, id) WHERE status IN ('Confirmed', 'CheckedIn');
-- The door list, and the cancellation of a show, read what is held or sold of a show, where most bookings may have ended.
CREATE INDEX booking_live_of_show ON booking (show_id) WHERE status IN ('Pending', 'Paying', 'Confirmed', 'CheckedIn');
-- A customer's bookings of one status, newest first.
CREATE INDEX booking_customer_status ON booking (customer_username, status, id DESC);
-- The staff, among all customers.
CREATE INDEX usertable_staff ON usertable (username) WHERE role <> 'customer';

-- Claims seats for a booking. A taken seat gets no booking, which its constraint refuses, and with it the whole statement. A claim that another
-- transaction is changing is waited for 150 ms only: its server may be frozen, and each wait keeps a connection.
CREATE FUNCTION claim_seats(of_show bigint, wanted text[], by_booking bigint, held_until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET lock_timeout = '150ms' AS $$
BEGIN
  INSERT INTO seat_claim (show_id, seat_number, booking_id, free_after)
  SELECT of_show, w.seat_number, by_booking, held_until FROM unnest(wanted) AS w (seat_number) ORDER BY w.seat_number
  ON CONFLICT (show_id, seat_number) DO UPDATE
    SET booking_id = CASE WHEN seat_claim.booking_id IS NULL THEN excluded.booking_id END,
      free_after = excluded.free_after, version = nextval('seat_claim_version');
END
$$;
