-- Seats for nothing: how many unpaid seats of a show one customer and one network may hold, and how often a customer may abandon a hold.

-- The network of a hold's caller: an IPv4 address or the /64 of an IPv6 address. Null for a sale at the counter, and where networks are not bounded.
ALTER TABLE booking ADD COLUMN held_from cidr;
-- Unpaid is said by these columns, not by the status: otherwise a plan made while there are no holds may read those of all shows by another index.
CREATE INDEX booking_held_from ON booking (show_id) WHERE held_from IS NOT NULL AND payment_type IS NULL AND ended_at IS NULL;
-- Abandoned: never paid, or cancelled after more than a minute. A hold is in here only when it has ended.
CREATE INDEX booking_abandoned ON booking (customer_username, show_id, ended_at)
  WHERE status = 'Expired' OR status = 'Cancelled' AND ended_at - booking_time > interval '1 minute';

-- The bound of a customer or network that a new hold of so many seats would break, and when time alone mends that (null: never). Both null: none.
-- Holds that count the same wait here for each other until the end of their transactions: first those of the customer and show, then of the network and show.
-- It has to be VOLATILE: only then does each statement of it see what was committed while it waited.
CREATE FUNCTION hold_refusal(
  of_show bigint, by_customer text, from_network cidr, wanted_seats int, now_is timestamptz,
  seats_per_customer int, abandoned_per_hour int, seats_per_network int, seats_per_wider_network int,
  OUT bound int, OUT free_at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  wider_network cidr := CASE family(from_network) WHEN 6 THEN set_masklen(from_network, 48) ELSE from_network END;
  moment timestamptz := now_is;
  an_hour_before timestamptz;
  own_seats bigint;
  abandoned bigint;
  network_seats bigint := 0;
  wider_network_seats bigint := 0;
  broken int;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(format('hold of show %s by customer %s', of_show, by_customer), 0));
  IF from_network IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(format('hold of show %s from network %s', of_show, wider_network), 0));
  END IF;
  LOOP
    an_hour_before := moment - interval '1 hour';
    -- What is merely overdue at that moment holds no seats any more and is abandoned, whether or not that is written; what was written late
    -- was abandoned when its time was over.
    SELECT
      coalesce(sum(no_of_seats) FILTER (WHERE status = 'Paying' OR expires_at > moment), 0),
      count(*) FILTER (WHERE status = 'Pending' AND expires_at <= moment AND expires_at > an_hour_before) + (
        SELECT count(*) FROM booking
        WHERE customer_username = by_customer AND show_id = of_show
          AND (status = 'Expired' OR status = 'Cancelled' AND ended_at - booking_time > interval '1 minute')
          AND ended_at > an_hour_before AND least(ended_at, expires_at) > an_hour_before
      )
    INTO own_seats, abandoned
    FROM booking
    WHERE customer_username = by_customer AND show_id = of_show AND status IN ('Pending', 'Paying');
    IF from_network IS NOT NULL THEN
      SELECT coalesce(sum(no_of_seats) FILTER (WHERE held_from = from_network), 0), coalesce(sum(no_of_seats), 0)
      INTO network_seats, wider_network_seats
      FROM booking
      WHERE show_id = of_show AND held_from IS NOT NULL AND payment_type IS NULL AND ended_at IS NULL
        AND held_from <<= wider_network AND (status = 'Paying' OR expires_at > moment);
    END IF;

    broken := CASE
      WHEN own_seats + wanted_seats > seats_per_customer THEN seats_per_customer
      WHEN abandoned >= abandoned_per_hour THEN abandoned_per_hour
      WHEN from_network IS NULL THEN NULL
      WHEN network_seats + wanted_seats > seats_per_network THEN seats_per_network
      WHEN wider_network_seats + wanted_seats > seats_per_wider_network THEN seats_per_wider_network
    END;
    bound := coalesce(bound, broken);
    EXIT WHEN broken IS NULL;

    -- Nothing changes by time alone but when a hold runs out and when one that was abandoned is an hour past.
    SELECT min(change) INTO moment
    FROM (
      SELECT unnest(ARRAY[expires_at, expires_at + interval '1 hour']) AS change FROM booking
      WHERE customer_username = by_customer AND show_id = of_show AND status IN ('Pending', 'Paying') AND status = 'Pending'
      UNION ALL
      SELECT least(ended_at, expires_at) + interval '1 hour' FROM booking
      WHERE customer_username = by_customer AND show_id = of_show
        AND (status = 'Expired' OR status = 'Cancelled' AND ended_at - booking_time > interval '1 minute')
        AND ended_at > an_hour_before
      UNION ALL
      SELECT expires_at FROM booking
      WHERE show_id = of_show AND held_from IS NOT NULL AND payment_type IS NULL AND ended_at IS NULL
        AND held_from <<= wider_network AND status = 'Pending'
    ) AS changes
    WHERE change > moment;
    EXIT WHEN moment IS NULL;
  END LOOP;
  free_at := CASE WHEN bound IS NOT NULL THEN moment END;
END
$$;
