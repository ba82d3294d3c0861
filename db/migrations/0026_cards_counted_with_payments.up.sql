-- compatible-with: previous
-- A card is counted as one that fails by the statement that begins its payment, and counted no more by the one that records its charge. The windows
-- of limits are locked by key, after everything else that a transaction locks. One window at a time: a join with an array is planned at each call, which
-- takes longer than all of the work.

-- Counts one try in each of these windows, which come by key. A window that has ended, or was not there, begins anew and ends at its time in `window_ends`.
CREATE FUNCTION count_try(window_keys text[], window_ends bigint[], now_ms bigint)
RETURNS TABLE (key text, points int, expire bigint) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    RETURN QUERY
    INSERT INTO rate_limit AS known (key, points, expire) VALUES (window_keys[place], 1, window_ends[place])
    ON CONFLICT (key) DO UPDATE SET
      points = CASE WHEN known.expire <= now_ms THEN 1 ELSE known.points + 1 END,
      expire = CASE WHEN known.expire <= now_ms THEN excluded.expire ELSE known.expire END
    RETURNING known.key::text, known.points, known.expire;
  END LOOP;
END
$$;

-- Takes one point back from each of these windows, which come by key, that ends before its time in `end_before`; one that began since then keeps its
-- points.
CREATE FUNCTION return_try(window_keys text[], end_before bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    UPDATE rate_limit SET points = points - 1 WHERE key = window_keys[place] AND points > 0 AND expire < end_before[place];
  END LOOP;
END
$$;

-- As return_try, after a charge was recorded. What keeps a window locked must not undo the record: then the card stays counted.
CREATE FUNCTION return_paid(window_keys text[], end_before bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM return_try(window_keys, end_before);
EXCEPTION WHEN lock_not_available THEN
  RETURN;
END
$$;

-- When the last of these windows ends that has all the tries it may have; null where each has room for one more.
CREATE FUNCTION full_until(window_keys text[], window_most int[], now_ms bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  latest bigint;
  found_end bigint;
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    SELECT expire INTO found_end FROM rate_limit WHERE key = window_keys[place] AND points >= window_most[place] AND expire > now_ms;
    latest := greatest(latest, found_end);
  END LOOP;
  RETURN latest;
END
$$;

-- Counts a try that goes on with what its transaction has begun, and answers when each of the windows ends. Where others have filled one since
-- `full_until`, all of it is begun again.
CREATE FUNCTION count_begun(window_keys text[], window_most int[], window_ends bigint[], now_ms bigint)
RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  counted record;
  ends bigint[];
BEGIN
  FOR counted IN SELECT * FROM count_try(window_keys, window_ends, now_ms) LOOP
    ends := ends || counted.expire;
    IF counted.points > window_most[cardinality(ends)] THEN
      RAISE EXCEPTION 'a limit was reached meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
  END LOOP;
  RETURN ends;
END
$$;

-- As begin_payment, for a card that is counted: refused with RATE_LIMITED where its windows are full, and counted in them where the gateway is to be
-- asked. A refusal leaves nothing.
CREATE FUNCTION begin_payment(
  of_booking bigint, of_user text, by_method payment_mode_enum, has_card boolean, given_time timestamptz, paying_seconds int, ask_after_ms int,
  key_procedure text, key_name text, key_asked bytea, key_at timestamptz, key_until timestamptz,
  window_keys text[], window_most int[], window_ends bigint[], now_ms bigint,
  OUT refusal text, OUT cancel_reason text, OUT available numeric, OUT moment timestamptz,
  OUT payment_id bigint, OUT gateway_key uuid, OUT wallet_amount numeric, OUT card_amount numeric, OUT transaction_id text,
  OUT show_id bigint, OUT show_date date, OUT starts_at timestamptz, OUT movie_title text, OUT screen_name text, OUT seat_numbers text[],
  OUT status booking_status, OUT amount_due numeric, OUT booking_time timestamptz, OUT expires_at timestamptz,
  OUT customer_name text, OUT phone_number text, OUT limited_until bigint, OUT counted_until bigint[]
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  limited_until := full_until(window_keys, window_most, now_ms);
  IF limited_until IS NOT NULL THEN
    refusal := 'RATE_LIMITED';
    RETURN;
  END IF;
  SELECT * INTO refusal, cancel_reason, available, moment, payment_id, gateway_key, wallet_amount, card_amount, transaction_id,
    show_id, show_date, starts_at, movie_title, screen_name, seat_numbers, status, amount_due, booking_time, expires_at, customer_name, phone_number
  FROM begin_payment(
    of_booking, of_user, by_method, has_card, given_time, paying_seconds, ask_after_ms, key_procedure, key_name, key_asked, key_at, key_until
  );
  IF refusal IS NULL AND transaction_id IS NULL THEN
    counted_until := count_begun(window_keys, window_most, window_ends, now_ms);
  END IF;
END
$$;

-- As begin_top_up, with the card counted as by begin_payment.
CREATE FUNCTION begin_top_up(
  of_user text, amount numeric, most numeric, given_time timestamptz, ask_after_ms int,
  key_procedure text, key_name text, key_asked bytea, key_at timestamptz, key_until timestamptz,
  window_keys text[], window_most int[], window_ends bigint[], now_ms bigint,
  OUT refusal text, OUT room numeric, OUT moment timestamptz, OUT payment_id bigint, OUT gateway_key uuid, OUT balance numeric, OUT available numeric,
  OUT limited_until bigint, OUT counted_until bigint[]
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  limited_until := full_until(window_keys, window_most, now_ms);
  IF limited_until IS NOT NULL THEN
    refusal := 'RATE_LIMITED';
    RETURN;
  END IF;
  SELECT * INTO refusal, room, moment, payment_id, gateway_key, balance, available FROM begin_top_up(
    of_user, amount, most, given_time, ask_after_ms, key_procedure, key_name, key_asked, key_at, key_until
  );
  IF refusal IS NULL THEN
    counted_until := count_begun(window_keys, window_most, window_ends, now_ms);
  END IF;
END
$$;
