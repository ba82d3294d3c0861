-- compatible-with: previous
-- A payment by card is two statements around the gateway's call: one begins it, one records that it was charged. Each is a function, VOLATILE, so that
-- what decides is read after the locks. The locks are those of transaction.ts: booking, claims, wallet, payment. A call's key is taken
-- before them; once its payment has begun, only the holder of the payment's lock writes the answer into it.

-- Changes a wallet that is locked, and writes the transaction that says so. `released` was promised to this payment; what is promised to others is
-- kept by customer_wallet_reserved_bounds.
CREATE FUNCTION change_wallet(
  payment payment_transaction, kind wallet_transaction_type, by_amount numeric, released numeric, reference text, moment timestamptz
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  wallet customer_wallet;
BEGIN
  UPDATE customer_wallet w SET
    balance = w.balance + CASE kind WHEN 'ADD' THEN by_amount ELSE -by_amount END, reserved = w.reserved - released, updated_at = moment
  WHERE w.username = payment.username RETURNING * INTO STRICT wallet;
  INSERT INTO wallet_transaction (
    wallet_id, username, booking_id, payment_id, transaction_id, transaction_type, amount, balance_after, timestamp
  ) VALUES (
    wallet.id, wallet.username, payment.booking_id, payment.id, reference, kind, by_amount, wallet.balance, moment
  );
END
$$;

-- Completes an open payment that is locked: it was charged, and used. The answer, if there is one, is kept for the call that began it.
CREATE FUNCTION complete_payment(of_payment bigint, reference text, moment timestamptz, kept_answer text, kept_until timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE payment_transaction SET
    status = 'Completed', transaction_id = reference, processed_at = moment, last_error = NULL, next_attempt_at = NULL, contested = false, reserved = 0
  WHERE id = of_payment;
  IF kept_answer IS NOT NULL THEN
    UPDATE idempotency_key SET answer = kept_answer, expires_at = greatest(expires_at, kept_until) WHERE payment_id = of_payment;
  END IF;
END
$$;

-- Confirms the booking that a charge has paid; false, and nothing changed, where the payment is not open, its booking is not being paid any more, or
-- the show is cancelled. By wallet, the card's part goes through the wallet, so that the whole amount is taken from there.
CREATE FUNCTION accept_payment(of_payment bigint, reference text, moment timestamptz, kept_answer text, kept_until timestamptz)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  payment payment_transaction;
  paid booking;
BEGIN
  SELECT * INTO STRICT payment FROM payment_transaction WHERE id = of_payment;
  SELECT * INTO STRICT paid FROM booking WHERE id = payment.booking_id FOR UPDATE;
  IF paid.status <> 'Paying' OR EXISTS (SELECT FROM show WHERE id = paid.show_id AND cancel_reason IS NOT NULL) THEN
    RETURN false;
  END IF;
  PERFORM FROM seat_claim WHERE booking_id = paid.id ORDER BY show_id, seat_number FOR UPDATE;
  IF payment.payment_method = 'Wallet' THEN
    PERFORM FROM customer_wallet WHERE username = payment.username FOR UPDATE;
  END IF;
  -- As it is after the waits.
  SELECT * INTO STRICT payment FROM payment_transaction WHERE id = of_payment FOR NO KEY UPDATE;
  IF payment.status NOT IN ('Started', 'Unknown') THEN
    RETURN false;
  END IF;
  UPDATE booking SET
    status = 'Confirmed', paying_until = NULL, payment_type = payment.payment_method,
    amount_paid = payment.wallet_amount + payment.card_amount, wallet_amount = payment.wallet_amount, card_amount = payment.card_amount
  WHERE id = paid.id;
  UPDATE seat_claim SET free_after = NULL, version = version + 1 WHERE booking_id = paid.id;
  IF payment.payment_method = 'Wallet' THEN
    IF payment.card_amount > 0 THEN
      PERFORM change_wallet(payment, 'ADD', payment.card_amount, 0, reference, moment);
    END IF;
    PERFORM change_wallet(payment, 'DEDUCT', payment.wallet_amount + payment.card_amount, payment.reserved, reference, moment);
  END IF;
  PERFORM complete_payment(of_payment, reference, moment, kept_answer, kept_until);
  RETURN true;
END
$$;

-- Adds the funds that a charge has paid to the wallet; false, and nothing changed, where the payment is not open, or the wallet would then not be
-- as the kept answer says.
CREATE FUNCTION accept_top_up(
  of_payment bigint, reference text, moment timestamptz, kept_answer text, kept_until timestamptz, said_balance numeric, said_available numeric
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  payment payment_transaction;
  wallet customer_wallet;
BEGIN
  SELECT * INTO STRICT payment FROM payment_transaction WHERE id = of_payment;
  SELECT * INTO STRICT wallet FROM customer_wallet WHERE username = payment.username FOR UPDATE;
  SELECT * INTO STRICT payment FROM payment_transaction WHERE id = of_payment FOR NO KEY UPDATE;
  IF payment.status NOT IN ('Started', 'Unknown')
    OR wallet.balance + payment.card_amount <> said_balance
    OR wallet.balance + payment.card_amount - wallet.reserved <> said_available THEN
    RETURN false;
  END IF;
  PERFORM complete_payment(of_payment, reference, moment, kept_answer, kept_until);
  PERFORM change_wallet(payment, 'ADD', payment.card_amount, 0, reference, moment);
  RETURN true;
END
$$;

-- Begins the payment of a hold: freezes its expiry, reserves the wallet's part, and writes the row that is there before the gateway is called. What the
-- wallet can pay alone is paid. A refusal leaves nothing, not even the key. The time is the database's after the lock, unless one is given.
CREATE FUNCTION begin_payment(
  of_booking bigint, of_user text, by_method payment_mode_enum, has_card boolean, given_time timestamptz, paying_seconds int, ask_after_ms int,
  key_procedure text, key_name text, key_asked bytea, key_at timestamptz, key_until timestamptz,
  OUT refusal text, OUT cancel_reason text, OUT available numeric, OUT moment timestamptz,
  OUT payment_id bigint, OUT gateway_key uuid, OUT wallet_amount numeric, OUT card_amount numeric, OUT transaction_id text,
  OUT show_id bigint, OUT show_date date, OUT starts_at timestamptz, OUT movie_title text, OUT screen_name text, OUT seat_numbers text[],
  OUT status booking_status, OUT amount_due numeric, OUT booking_time timestamptz, OUT expires_at timestamptz,
  OUT customer_name text, OUT phone_number text
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  held booking;
BEGIN
  IF key_name IS NOT NULL AND NOT claim_key(of_user, key_procedure, key_name, key_asked, NULL, key_at, key_until) THEN
    refusal := 'KEY_TAKEN';
    RETURN;
  END IF;
  SELECT * INTO held FROM booking WHERE id = of_booking FOR UPDATE;
  -- The wait for the lock may have been longer than the hold had left.
  moment := coalesce(given_time, date_trunc('milliseconds', clock_timestamp()));
  status := held.status;
  amount_due := held.amount_due;
  SELECT show.cancel_reason INTO cancel_reason FROM show WHERE show.id = held.show_id;
  refusal := CASE
    WHEN held.customer_username IS DISTINCT FROM of_user THEN 'BOOKING_NOT_FOUND'
    WHEN held.status = 'Paying' AND EXISTS (SELECT FROM payment_transaction p WHERE p.booking_id = held.id AND p.status = 'Unknown')
      THEN 'PAYMENT_OUTCOME_UNKNOWN'
    WHEN held.status = 'Paying' THEN 'PAYMENT_IN_PROGRESS'
    WHEN held.status = 'Expired' OR held.status = 'Pending' AND held.expires_at <= moment THEN 'BOOKING_EXPIRED'
    -- A hold that was cancelled with its show says so.
    WHEN cancel_reason IS NOT NULL AND held.status IN ('Pending', 'Cancelled') THEN 'SHOW_CANCELLED'
    WHEN held.status <> 'Pending' THEN 'INVALID_BOOKING_STATUS'
  END;
  IF refusal IS NULL THEN
    PERFORM FROM seat_claim WHERE booking_id = held.id ORDER BY show_id, seat_number FOR UPDATE;
    wallet_amount := 0;
    IF by_method = 'Wallet' THEN
      SELECT w.balance - w.reserved INTO STRICT available FROM customer_wallet w WHERE w.username = of_user FOR UPDATE;
      wallet_amount := least(available, held.amount_due);
    END IF;
    card_amount := held.amount_due - wallet_amount;
    IF card_amount > 0 AND NOT has_card THEN
      refusal := 'INSUFFICIENT_BALANCE';
    END IF;
  END IF;
  IF refusal IS NOT NULL THEN
    PERFORM free_key(of_user, key_procedure, key_name);
    RETURN;
  END IF;

  UPDATE booking SET status = 'Paying', paying_until = moment + paying_seconds * interval '1 second' WHERE id = held.id;
  UPDATE seat_claim SET free_after = NULL, version = version + 1 WHERE booking_id = held.id;
  IF wallet_amount > 0 THEN
    UPDATE customer_wallet w SET reserved = w.reserved + wallet_amount WHERE w.username = of_user;
  END IF;
  INSERT INTO payment_transaction AS p (
    booking_id, username, payment_method, amount, wallet_amount, card_amount, reserved, status, started_at, next_attempt_at
  ) VALUES (
    held.id, of_user, by_method, held.amount_due, wallet_amount, card_amount, wallet_amount, 'Started', moment,
    moment + ask_after_ms * interval '1 millisecond'
  ) RETURNING p.id, p.gateway_key INTO payment_id, gateway_key;
  IF key_name IS NOT NULL THEN
    UPDATE idempotency_key k SET payment_id = begin_payment.payment_id
    WHERE (k.username, k.procedure, k.key) = (of_user, key_procedure, key_name);
  END IF;
  IF card_amount = 0 THEN
    transaction_id := 'wallet-' || gen_random_uuid();
    IF NOT accept_payment(payment_id, transaction_id, moment, NULL, NULL) THEN
      -- The show was cancelled since it was looked at: the call is made again, and says so.
      RAISE EXCEPTION 'the show of booking % was cancelled meanwhile', held.id USING ERRCODE = 'serialization_failure';
    END IF;
  END IF;

  SELECT held.show_id, held.date, s.starts_at, m.title, screen.name, held.booking_time, held.expires_at, c.name, c.number,
    array(SELECT b.seat_number::text FROM booking_seat_mapping b WHERE b.booking_id = held.id ORDER BY b.id)
  INTO show_id, show_date, starts_at, movie_title, screen_name, booking_time, expires_at, customer_name, phone_number, seat_numbers
  FROM show s JOIN screen ON screen.id = s.screen_id JOIN movie m ON m.movie_id = s.movie_id
    LEFT JOIN customertable c ON c.username = of_user
  WHERE s.id = held.show_id;
END
$$;

-- Begins a top-up by card: the row that is there before the gateway is called. What is under way counts against the most that a wallet may have, so
-- that every charge that succeeds can be added. A refusal leaves nothing, not even the key.
CREATE FUNCTION begin_top_up(
  of_user text, amount numeric, most numeric, given_time timestamptz, ask_after_ms int,
  key_procedure text, key_name text, key_asked bytea, key_at timestamptz, key_until timestamptz,
  OUT refusal text, OUT room numeric, OUT moment timestamptz, OUT payment_id bigint, OUT gateway_key uuid, OUT balance numeric, OUT available numeric
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  wallet customer_wallet;
BEGIN
  IF key_name IS NOT NULL AND NOT claim_key(of_user, key_procedure, key_name, key_asked, NULL, key_at, key_until) THEN
    refusal := 'KEY_TAKEN';
    RETURN;
  END IF;
  SELECT * INTO STRICT wallet FROM customer_wallet w WHERE w.username = of_user FOR UPDATE;
  moment := coalesce(given_time, date_trunc('milliseconds', clock_timestamp()));
  SELECT most - wallet.balance - coalesce(sum(p.card_amount), 0) INTO room
  FROM payment_transaction p WHERE p.username = of_user AND p.booking_id IS NULL AND p.status IN ('Started', 'Unknown');
  IF begin_top_up.amount > room THEN
    refusal := 'AMOUNT_TOO_LARGE';
    PERFORM free_key(of_user, key_procedure, key_name);
    RETURN;
  END IF;
  balance := wallet.balance;
  available := wallet.balance - wallet.reserved;
  INSERT INTO payment_transaction AS p (username, payment_method, amount, card_amount, status, started_at, next_attempt_at)
  VALUES (of_user, 'Card', begin_top_up.amount, begin_top_up.amount, 'Started', moment, moment + ask_after_ms * interval '1 millisecond')
  RETURNING p.id, p.gateway_key INTO payment_id, gateway_key;
  IF key_name IS NOT NULL THEN
    UPDATE idempotency_key k SET payment_id = begin_top_up.payment_id
    WHERE (k.username, k.procedure, k.key) = (of_user, key_procedure, key_name);
  END IF;
END
$$;

-- Servers count calls in their memory and share the counts: by whom and when a window was last changed so. Null for guesses, which are counted here.
ALTER TABLE rate_limit ADD COLUMN shared_at timestamptz, ADD COLUMN shared_by uuid;
CREATE INDEX rate_limit_shared ON rate_limit (shared_at) WHERE shared_at IS NOT NULL;
