-- Money: wallets that pay, payments of two parts, top-ups, refunds to card, wallet or counter, answers that are kept, cancelled shows.

-- `reserved` is promised to payments under way: other spends see the balance without it.
ALTER TABLE customer_wallet
  ADD COLUMN reserved numeric(12, 2) NOT NULL DEFAULT 0,
  ADD CONSTRAINT customer_wallet_reserved_bounds CHECK (reserved >= 0 AND reserved <= balance);

-- A payment without a booking adds funds to its customer's wallet.
ALTER TABLE payment_transaction
  -- A key would be looked up for each row that is written here.
  DROP CONSTRAINT payment_transaction_booking_id_fkey,
  ALTER COLUMN booking_id DROP NOT NULL,
  ADD COLUMN username varchar(30),
  ADD COLUMN wallet_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN card_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN reserved numeric(12, 2) NOT NULL DEFAULT 0;
UPDATE payment_transaction p SET
  username = b.customer_username,
  wallet_amount = CASE p.payment_method WHEN 'Wallet' THEN p.amount ELSE 0 END,
  card_amount = CASE p.payment_method WHEN 'Card' THEN p.amount ELSE 0 END
FROM booking b WHERE b.id = p.booking_id;
-- The keys come after the fill: one join each.
ALTER TABLE payment_transaction
  ADD CONSTRAINT payment_transaction_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES booking (id),
  ADD CONSTRAINT payment_transaction_username_fkey FOREIGN KEY (username) REFERENCES customertable (username),
  ADD CONSTRAINT payment_transaction_has_owner CHECK (booking_id IS NOT NULL OR username IS NOT NULL),
  ADD CONSTRAINT payment_transaction_parts CHECK (
    wallet_amount >= 0 AND card_amount >= 0 AND (payment_method = 'Cash' OR wallet_amount + card_amount = amount)
  ),
  ADD CONSTRAINT payment_transaction_reserves_its_part
    CHECK (reserved = 0 OR (reserved = wallet_amount AND status IN ('Started', 'Unknown')));
CREATE INDEX payment_transaction_open_of_customer ON payment_transaction (username) WHERE status IN ('Started', 'Unknown');

-- Adopted transactions have neither; of later ones each payment and each refund has one of a kind.
ALTER TABLE wallet_transaction
  ADD COLUMN payment_id bigint REFERENCES payment_transaction (id),
  ADD COLUMN refund_id bigint REFERENCES payment_refund (id);
CREATE UNIQUE INDEX wallet_transaction_once_a_payment ON wallet_transaction (payment_id, transaction_type) WHERE payment_id IS NOT NULL;
CREATE UNIQUE INDEX wallet_transaction_once_a_refund ON wallet_transaction (refund_id) WHERE refund_id IS NOT NULL;

-- The wallet is what its transactions say, at every commit, whoever writes to it.
CREATE FUNCTION check_wallet_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wallet customer_wallet;
  latest numeric;
BEGIN
  SELECT * INTO wallet FROM customer_wallet WHERE id = NEW.id;
  SELECT balance_after INTO latest FROM wallet_transaction WHERE wallet_id = NEW.id ORDER BY id DESC LIMIT 1;
  IF wallet.balance <> coalesce(latest, 0) THEN
    RAISE EXCEPTION 'wallet % has % and its transactions %', NEW.id, wallet.balance, coalesce(latest, 0)
      USING ERRCODE = 'check_violation', CONSTRAINT = 'customer_wallet_adds_up';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER customer_wallet_adds_up AFTER INSERT OR UPDATE OF balance ON customer_wallet
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_wallet_adds_up();
CREATE FUNCTION check_transaction_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before numeric;
  wallet customer_wallet;
BEGIN
  SELECT balance_after INTO before FROM wallet_transaction WHERE wallet_id = NEW.wallet_id AND id < NEW.id ORDER BY id DESC LIMIT 1;
  SELECT * INTO wallet FROM customer_wallet WHERE id = NEW.wallet_id;
  IF NEW.balance_after <> coalesce(before, 0) + (CASE NEW.transaction_type WHEN 'ADD' THEN NEW.amount ELSE -NEW.amount END)
    OR wallet.balance <> (SELECT balance_after FROM wallet_transaction WHERE wallet_id = NEW.wallet_id ORDER BY id DESC LIMIT 1) THEN
    RAISE EXCEPTION 'wallet transaction % does not follow the one before it, or its wallet does not follow it', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'wallet_transaction_adds_up';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER wallet_transaction_adds_up AFTER INSERT ON wallet_transaction
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_transaction_adds_up();

-- A refund has two parts like its payment: what the gateway gives back, and what the wallet got in the commit of the intent. A sale at the
-- counter has no payment row and is given back there.
CREATE TYPE refund_destination AS ENUM ('source', 'wallet', 'counter');
ALTER TABLE payment_refund
  ALTER COLUMN payment_id DROP NOT NULL,
  ADD COLUMN booking_id bigint REFERENCES booking (id),
  ADD COLUMN destination refund_destination NOT NULL DEFAULT 'source',
  ADD COLUMN wallet_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN card_amount numeric(12, 2) NOT NULL DEFAULT 0,
  ADD COLUMN refunded_by varchar(30);
UPDATE payment_refund r SET booking_id = p.booking_id, card_amount = r.amount
FROM payment_transaction p WHERE p.id = r.payment_id;
ALTER TABLE payment_refund
  ALTER COLUMN booking_id SET NOT NULL,
  ALTER COLUMN destination DROP DEFAULT,
  ADD CONSTRAINT payment_refund_counter_has_no_payment CHECK ((payment_id IS NULL) = (destination = 'counter')),
  ADD CONSTRAINT payment_refund_parts CHECK (
    wallet_amount >= 0 AND card_amount >= 0
    AND CASE destination WHEN 'counter' THEN wallet_amount + card_amount = 0 ELSE wallet_amount + card_amount = amount END
    AND (destination <> 'wallet' OR card_amount = 0)
  ),
  ADD CONSTRAINT payment_refund_pending_is_on_card CHECK (state = 'done' OR card_amount > 0);
CREATE INDEX payment_refund_booking ON payment_refund (booking_id);
CREATE UNIQUE INDEX payment_refund_once_at_the_counter ON payment_refund (booking_id) WHERE payment_id IS NULL;

-- A key whose payment is under way has no answer yet; whoever records the outcome writes it.
ALTER TABLE idempotency_key ADD COLUMN payment_id bigint REFERENCES payment_transaction (id);
CREATE UNIQUE INDEX idempotency_key_payment ON idempotency_key (payment_id) WHERE payment_id IS NOT NULL;

-- Who cancelled a show, and whether everybody has been given their money back.
CREATE TABLE show_cancellation (
  show_id bigint PRIMARY KEY REFERENCES show (id),
  cancelled_by varchar(30) NOT NULL,
  started_at timestamptz NOT NULL,
  done_at timestamptz
);
CREATE INDEX show_cancellation_running ON show_cancellation (show_id) WHERE done_at IS NULL;

DROP VIEW integrity_violation;
CREATE VIEW integrity_violation (rule, subject, details) AS
WITH refunded AS (
  SELECT p.id, p.booking_id, p.amount, p.wallet_amount, p.card_amount, r.amount AS given_back
  FROM payment_transaction p LEFT JOIN payment_refund r ON r.payment_id = p.id
  WHERE p.status = 'Completed' AND p.booking_id IS NOT NULL AND p.payment_method <> 'Cash'
)
SELECT 'wallet differs from its transactions', 'customer_wallet ' || w.id,
  format('balance %s, transactions %s', w.balance, coalesce(t.total, 0))
FROM customer_wallet w
LEFT JOIN (
  SELECT wallet_id, sum(CASE transaction_type WHEN 'ADD' THEN amount ELSE -amount END) AS total
  FROM wallet_transaction GROUP BY wallet_id
) t ON t.wallet_id = w.id
WHERE w.balance <> coalesce(t.total, 0)
UNION ALL
SELECT 'wallet balance after differs', 'wallet_transaction ' || running.id,
  format('balance_after %s, sum so far %s', running.balance_after, running.total)
FROM (
  SELECT id, balance_after, sum(CASE transaction_type WHEN 'ADD' THEN amount ELSE -amount END)
    OVER (PARTITION BY wallet_id ORDER BY id) AS total
  FROM wallet_transaction
) running
WHERE running.balance_after <> running.total
UNION ALL
SELECT 'negative balance', 'customer_wallet ' || id, balance::text FROM customer_wallet WHERE NOT balance >= 0
UNION ALL
SELECT 'reserved differs from the payments under way', 'customer_wallet ' || w.id,
  format('reserved %s, payments %s', w.reserved, coalesce(p.total, 0))
FROM customer_wallet w
LEFT JOIN (
  SELECT username, sum(reserved) AS total FROM payment_transaction WHERE status IN ('Started', 'Unknown') GROUP BY username
) p ON p.username = w.username
WHERE w.reserved <> coalesce(p.total, 0)
UNION ALL
SELECT 'payment reserves for a booking that is not being paid', 'payment_transaction ' || p.id, format('booking %s is %s', b.id, b.status)
FROM payment_transaction p JOIN booking b ON b.id = p.booking_id
WHERE p.reserved > 0 AND b.status <> 'Paying'
UNION ALL
SELECT 'customer without a wallet', 'customertable ' || c.id, c.username
FROM customertable c WHERE NOT EXISTS (SELECT FROM customer_wallet w WHERE w.username = c.username)
UNION ALL
SELECT 'funds paid for but not added', 'payment_transaction ' || p.id, format('%s of %s', p.card_amount, p.username)
FROM payment_transaction p
WHERE p.booking_id IS NULL AND p.status = 'Completed'
  AND NOT EXISTS (
    SELECT FROM wallet_transaction t WHERE t.payment_id = p.id AND t.transaction_type = 'ADD' AND t.amount = p.card_amount
  )
UNION ALL
SELECT 'wallet transaction of a payment that did not happen', 'wallet_transaction ' || t.id, p.status::text
FROM wallet_transaction t JOIN payment_transaction p ON p.id = t.payment_id WHERE p.status <> 'Completed'
UNION ALL
SELECT 'refund to the wallet but not added', 'payment_refund ' || r.id, r.wallet_amount::text
FROM payment_refund r
WHERE r.wallet_amount > 0
  AND NOT EXISTS (
    SELECT FROM wallet_transaction t WHERE t.refund_id = r.id AND t.transaction_type = 'ADD' AND t.amount = r.wallet_amount
  )
UNION ALL
SELECT 'seat with two live bookings', format('show %s seat %s', m.show_id, m.seat_number), 'bookings ' || string_agg(b.id::text, ', ' ORDER BY b.id)
FROM booking b JOIN booking_seat_mapping m ON m.booking_id = b.id
WHERE b.status IN ('Pending', 'Paying', 'Confirmed', 'CheckedIn')
GROUP BY m.show_id, m.seat_number HAVING count(*) > 1
UNION ALL
SELECT 'live booking without its claim', format('booking %s seat %s', b.id, m.seat_number), b.status::text
FROM booking b JOIN booking_seat_mapping m ON m.booking_id = b.id
WHERE b.status IN ('Pending', 'Paying', 'Confirmed', 'CheckedIn')
  AND NOT EXISTS (
    SELECT FROM seat_claim c
    WHERE c.show_id = m.show_id AND c.seat_number = m.seat_number AND c.booking_id = b.id
      AND c.free_after IS NOT DISTINCT FROM CASE WHEN b.status = 'Pending' THEN b.expires_at END
  )
UNION ALL
SELECT 'claim of a booking that has ended', format('show %s seat %s', c.show_id, c.seat_number), format('booking %s is %s', b.id, b.status)
FROM seat_claim c JOIN booking b ON b.id = c.booking_id
WHERE b.status NOT IN ('Pending', 'Paying', 'Confirmed', 'CheckedIn')
UNION ALL
SELECT 'number of seats does not match the seats', 'booking ' || b.id, format('no_of_seats %s, seats %s', b.no_of_seats, count(m.id))
FROM booking b LEFT JOIN booking_seat_mapping m ON m.booking_id = b.id
GROUP BY b.id HAVING b.no_of_seats <> count(m.id)
UNION ALL
SELECT 'paid booking without exactly one completed payment', 'booking ' || b.id,
  format('%s %s, %s completed payments', b.payment_type, b.amount_paid, count(r.id))
FROM booking b LEFT JOIN refunded r ON r.booking_id = b.id AND r.given_back IS NULL
WHERE b.status IN ('Confirmed', 'CheckedIn') AND b.payment_type <> 'Cash'
GROUP BY b.id HAVING count(r.id) <> 1 OR sum(r.amount) <> b.amount_paid
UNION ALL
SELECT 'parts of a payment differ from its booking', 'booking ' || b.id,
  format('wallet %s card %s, payment %s: wallet %s card %s', b.wallet_amount, b.card_amount, r.id, r.wallet_amount, r.card_amount)
FROM booking b JOIN refunded r ON r.booking_id = b.id AND r.given_back IS NULL
WHERE b.status IN ('Confirmed', 'CheckedIn') AND b.payment_type <> 'Cash'
  AND (b.wallet_amount, b.card_amount) <> (r.wallet_amount, r.card_amount)
UNION ALL
SELECT 'payment kept without a booking', 'payment_transaction ' || r.id, format('%s, booking %s is %s', r.amount, b.id, b.status)
FROM refunded r JOIN booking b ON b.id = r.booking_id
WHERE r.given_back IS NULL AND b.status NOT IN ('Confirmed', 'CheckedIn')
UNION ALL
SELECT 'refunded booking without a refund', 'booking ' || b.id, b.amount_paid::text
FROM booking b
WHERE b.status = 'Refunded' AND NOT EXISTS (SELECT FROM payment_refund r WHERE r.booking_id = b.id AND r.amount = b.amount_paid)
UNION ALL
SELECT 'more given back than paid', 'payment_transaction ' || id, format('paid %s, given back %s', amount, given_back)
FROM refunded WHERE given_back > amount
UNION ALL
SELECT 'more given back to the card than it paid', 'payment_refund ' || r.id, format('paid %s, given back %s', p.card_amount, r.card_amount)
FROM payment_refund r JOIN payment_transaction p ON p.id = r.payment_id WHERE r.card_amount > p.card_amount
UNION ALL
SELECT 'refund of a payment that did not happen', 'payment_refund ' || r.id, p.status::text
FROM payment_refund r JOIN payment_transaction p ON p.id = r.payment_id WHERE p.status <> 'Completed'
UNION ALL
SELECT 'refund of a booking that goes on', 'payment_refund ' || r.id, format('booking %s is %s', b.id, b.status)
FROM payment_refund r JOIN booking b ON b.id = r.booking_id
WHERE r.payment_id IS NULL AND b.status <> 'Refunded'
UNION ALL
SELECT 'booking being paid without an open payment', 'booking ' || b.id, 'paying until ' || b.paying_until
FROM booking b
WHERE b.status = 'Paying'
  AND NOT EXISTS (SELECT FROM payment_transaction p WHERE p.booking_id = b.id AND p.status IN ('Started', 'Unknown'))
UNION ALL
SELECT 'cancelled show with a live booking', 'booking ' || b.id, format('show %s, %s', b.show_id, b.status)
FROM show_cancellation c JOIN booking b ON b.show_id = c.show_id
WHERE c.done_at IS NOT NULL AND b.status IN ('Pending', 'Paying', 'Confirmed', 'CheckedIn');
