-- People: one account per email and phone number, one staff row per account, sessions.
--
-- First of all, everything in an adopted database that breaks a rule of this or a later migration is listed, before anything
-- is changed: those rows must be mended by hand, because only the cinema knows which of two sold seats is the true one.
DO $$
DECLARE
  problems text;
  problem_count int;
BEGIN
  WITH problem (rule, subject, details) AS (
    SELECT 'duplicate phone number', 'customertable', format('%s: %s', number, string_agg(username, ', ' ORDER BY username))
    FROM customertable GROUP BY number HAVING count(*) > 1
    UNION ALL
    SELECT 'duplicate email', 'customertable', format('%s: %s', lower(email), string_agg(username, ', ' ORDER BY username))
    FROM customertable GROUP BY lower(email) HAVING count(*) > 1
    UNION ALL
    SELECT 'duplicate staff row', 'stafftable', format('%s has %s rows', username, count(*))
    FROM stafftable GROUP BY username HAVING count(*) > 1
    UNION ALL
    SELECT 'staff account without a staff row', 'usertable ' || u.id, u.username
    FROM usertable u WHERE u.role <> 'customer' AND NOT EXISTS (SELECT FROM stafftable s WHERE s.username = u.username)
    UNION ALL
    SELECT 'customer account without a customer row', 'usertable ' || u.id, u.username
    FROM usertable u WHERE u.role = 'customer' AND NOT EXISTS (SELECT FROM customertable c WHERE c.username = u.username)
    UNION ALL
    SELECT 'seat number is not a row letter and a number', 'seat', seat_number
    FROM seat WHERE seat_number !~ '^[A-Z]{1,2}[1-9][0-9]?$'
    UNION ALL
    SELECT 'unknown seat type', 'seat ' || seat_number, seat_type
    FROM seat WHERE seat_type NOT IN ('Standard', 'Deluxe')
    UNION ALL
    SELECT 'cost out of bounds', 'show ' || id, cost::text
    FROM show WHERE NOT (cost > 0 AND cost <= 3000)
    UNION ALL
    SELECT 'booking without a show', 'booking ' || id, 'show_id is null'
    FROM booking WHERE show_id IS NULL
    UNION ALL
    SELECT 'counter booking of an unknown customer', 'booking ' || b.id, 'customer_id ' || b.customer_id
    FROM booking b
    WHERE b.customer_id IS NOT NULL AND NOT EXISTS (SELECT FROM admin_booked_customer a WHERE a.id = b.customer_id)
    UNION ALL
    SELECT 'number of seats does not match the seats', 'booking ' || b.id,
      format('no_of_seats %s, seats %s', b.no_of_seats, count(m.id))
    FROM booking b LEFT JOIN booking_seat_mapping m ON m.booking_id = b.id
    GROUP BY b.id HAVING b.no_of_seats <> count(m.id) OR b.no_of_seats < 1
    UNION ALL
    SELECT 'seat twice in one booking', 'booking ' || booking_id, seat_number
    FROM booking_seat_mapping GROUP BY booking_id, seat_number HAVING count(*) > 1
    UNION ALL
    SELECT 'seat sold or held twice', format('show %s seat %s', b.show_id, m.seat_number),
      'bookings ' || string_agg(DISTINCT b.id::text, ', ')
    FROM booking b
    JOIN booking_seat_mapping m ON m.booking_id = b.id
    LEFT JOIN pending_booking_tracker t ON t.booking_id = b.id
    WHERE b.status <> 'Pending' OR t.expiration_time > now()
    GROUP BY b.show_id, m.seat_number HAVING count(DISTINCT b.id) > 1
    UNION ALL
    SELECT 'amount out of bounds', 'booking ' || id, amount_paid::text
    FROM booking WHERE NOT (amount_paid >= 0 AND amount_paid <= 100000)
    UNION ALL
    SELECT 'unknown payment status', 'payment_transaction ' || id, status
    FROM payment_transaction
    WHERE lower(status) NOT IN ('success', 'completed', 'paid', 'failed', 'declined', 'rejected', 'reject')
    UNION ALL
    SELECT 'amount out of bounds', 'payment_transaction ' || id, amount::text
    FROM payment_transaction WHERE NOT (amount > 0 AND amount <= 100000)
    UNION ALL
    SELECT 'paid booking without exactly one successful payment', 'booking ' || b.id,
      format('%s, %s successful payments', b.payment_type, count(p.id))
    FROM booking b
    LEFT JOIN payment_transaction p ON p.booking_id = b.id AND lower(p.status) IN ('success', 'completed', 'paid')
    WHERE b.status <> 'Pending' AND b.payment_type <> 'Cash'
    GROUP BY b.id HAVING count(p.id) <> 1
    UNION ALL
    SELECT 'payment differs from the booking', 'booking ' || b.id, format('paid %s, payment %s', b.amount_paid, p.amount)
    FROM booking b
    JOIN payment_transaction p ON p.booking_id = b.id AND lower(p.status) IN ('success', 'completed', 'paid')
    WHERE b.status <> 'Pending' AND b.payment_type <> 'Cash' AND b.amount_paid <> p.amount
    UNION ALL
    SELECT 'money taken for a booking that is not confirmed', 'booking ' || b.id, 'payment ' || p.id
    FROM booking b JOIN payment_transaction p ON p.booking_id = b.id
    WHERE b.status = 'Pending' AND lower(p.status) IN ('success', 'completed', 'paid')
    UNION ALL
    SELECT 'wallet out of bounds', 'customer_wallet ' || id, balance::text
    FROM customer_wallet WHERE NOT (balance >= 0 AND balance <= 1000000)
    UNION ALL
    SELECT 'amount out of bounds', 'wallet_transaction ' || id, amount::text
    FROM wallet_transaction WHERE NOT (amount > 0 AND amount <= 1000000)
    UNION ALL
    SELECT 'wallet does not add up', 'customer_wallet ' || w.id,
      format('balance %s, transactions %s', w.balance, coalesce(sum(CASE t.transaction_type WHEN 'ADD' THEN t.amount ELSE -t.amount END), 0))
    FROM customer_wallet w LEFT JOIN wallet_transaction t ON t.wallet_id = w.id
    GROUP BY w.id
    HAVING w.balance <> coalesce(sum(CASE t.transaction_type WHEN 'ADD' THEN t.amount ELSE -t.amount END), 0)
    UNION ALL
    SELECT 'wallet transaction of another customer', 'wallet_transaction ' || t.id, format('%s, wallet of %s', t.username, w.username)
    FROM wallet_transaction t JOIN customer_wallet w ON w.id = t.wallet_id WHERE w.username <> t.username
    UNION ALL
    SELECT 'wallet once below zero or above its bound', 'wallet_transaction ' || id, after::text
    FROM (
      SELECT id, sum(CASE transaction_type WHEN 'ADD' THEN amount ELSE -amount END)
        OVER (PARTITION BY wallet_id ORDER BY id) AS after
      FROM wallet_transaction
    ) running
    WHERE NOT (after >= 0 AND after <= 1000000)
  )
  SELECT count(*), string_agg(format('%s: %s: %s', rule, subject, details), E'\n' ORDER BY rule, subject, details)
  INTO problem_count, problems FROM problem;

  IF problem_count > 0 THEN
    RAISE EXCEPTION '% rows of this database break a rule that SkyFox keeps. Nothing was changed: mend them, then migrate again.', problem_count
      USING DETAIL = problems;
  END IF;
END
$$;

-- An adopted database may have named its constraints differently; from here on they have the names that PostgreSQL gives by itself.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT c.conrelid::regclass AS owner, c.conname AS found, e.name AS expected
    FROM (VALUES
      ('usertable', 'u', '{username}'::text[], 'usertable_username_key'),
      ('customertable', 'u', '{email}', 'customertable_email_key'),
      ('customertable', 'f', '{security_question_id}', 'customertable_security_question_id_fkey'),
      ('seat', 'p', '{seat_number}', 'seat_pkey'),
      ('show', 'u', '{slot_id,date}', 'show_slot_id_date_key'),
      ('booking', 'f', '{customer_username}', 'booking_customer_username_fkey'),
      ('booking_seat_mapping', 'f', '{booking_id}', 'booking_seat_mapping_booking_id_fkey'),
      ('booking_seat_mapping', 'f', '{seat_number}', 'booking_seat_mapping_seat_number_fkey'),
      ('payment_transaction', 'f', '{booking_id}', 'payment_transaction_booking_id_fkey'),
      ('customer_wallet', 'c', '{balance}', 'customer_wallet_balance_check'),
      ('customer_wallet', 'f', '{username}', 'customer_wallet_username_fkey'),
      ('wallet_transaction', 'f', '{wallet_id}', 'wallet_transaction_wallet_id_fkey'),
      ('wallet_transaction', 'f', '{username}', 'wallet_transaction_username_fkey'),
      ('wallet_transaction', 'f', '{booking_id}', 'wallet_transaction_booking_id_fkey')
    ) AS e (owner, kind, columns, name)
    JOIN pg_constraint c ON c.conrelid = e.owner::regclass AND c.contype::text = e.kind AND c.conname <> e.name
    WHERE (
      SELECT array_agg(a.attname::text ORDER BY k.position)
      FROM unnest(c.conkey) WITH ORDINALITY AS k (number, position)
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
    ) IN (e.columns, CASE WHEN e.columns = '{slot_id,date}' THEN '{date,slot_id}'::text[] ELSE e.columns END)
  LOOP
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', wanted.owner, wanted.found, wanted.expected);
  END LOOP;
END
$$;

UPDATE usertable SET created_at = now() WHERE created_at IS NULL;
ALTER TABLE usertable ALTER COLUMN created_at SET NOT NULL;

ALTER TABLE stafftable ADD CONSTRAINT stafftable_username_key UNIQUE (username);

-- The store's address changes; the key of the picture does not.
UPDATE customertable
SET email = lower(email), profile_img = nullif(regexp_replace(profile_img, '^https?://[^/]+/([^?#]*).*$', '\1'), '');
ALTER TABLE customertable
  ADD CONSTRAINT customertable_number_key UNIQUE (number),
  ADD CONSTRAINT customertable_email_lower_case CHECK (email = lower(email));

CREATE TABLE session (
  id uuid PRIMARY KEY,
  username varchar(30) NOT NULL REFERENCES usertable (username) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (expires_at > created_at)
);
CREATE INDEX session_live ON session (username) WHERE ended_at IS NULL;
