-- What a gateway that contradicts itself may do: a top-up that is charged late goes back to its card, a payment that counts as not charged can
-- be contested. Payments, refunds and wallets cannot be rewritten or removed.

-- A refund without a booking is that of funds which were charged when nobody expected it any more.
ALTER TABLE payment_refund
  ALTER COLUMN booking_id DROP NOT NULL,
  ADD CONSTRAINT payment_refund_is_of_something CHECK (booking_id IS NOT NULL OR payment_id IS NOT NULL);

-- Contested: it counts as not charged, and the gateway, asked again, did not say so. Adopted: from before payments and wallets knew each other.
ALTER TABLE payment_transaction
  ADD COLUMN contested boolean NOT NULL DEFAULT false,
  ADD COLUMN adopted boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT payment_transaction_contested_is_asked CHECK (NOT contested OR (status = 'Failed' AND next_attempt_at IS NOT NULL));
-- What is counted at every look at the metrics, among all payments ever made.
CREATE INDEX payment_transaction_in_doubt ON payment_transaction (id) WHERE status = 'Unknown' OR contested;
UPDATE payment_transaction p SET adopted = true
WHERE p.payment_method = 'Wallet' AND p.status = 'Completed'
  AND NOT EXISTS (SELECT FROM wallet_transaction t WHERE t.payment_id = p.id)
  AND NOT EXISTS (SELECT FROM payment_refund r WHERE r.payment_id = p.id AND r.card_amount = p.amount);
-- True by default for a moment: in an older system's database that is all rows, and none is written again.
ALTER TABLE wallet_transaction ADD COLUMN adopted boolean NOT NULL DEFAULT true;
ALTER TABLE wallet_transaction ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE wallet_transaction DISABLE TRIGGER wallet_transaction_append_only;
UPDATE wallet_transaction SET adopted = false WHERE payment_id IS NOT NULL OR refund_id IS NOT NULL;
ALTER TABLE wallet_transaction ENABLE TRIGGER wallet_transaction_append_only;

CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% rows are never removed: % is refused', tg_table_name, tg_op USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER customer_wallet_stays BEFORE DELETE OR TRUNCATE ON customer_wallet
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER payment_transaction_stays BEFORE DELETE OR TRUNCATE ON payment_transaction
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER payment_refund_stays BEFORE DELETE OR TRUNCATE ON payment_refund
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% %: what it is about, its amounts and its end are written once', tg_table_name, OLD.id
    USING ERRCODE = 'restrict_violation', CONSTRAINT = tg_name;
END
$$;
-- What counts as not charged can turn out to be charged. Its wallet's part is not needed any more then: only the card's goes back.
CREATE TRIGGER payment_transaction_written_once AFTER UPDATE ON payment_transaction FOR EACH ROW
  WHEN (
    (OLD.id, OLD.booking_id, OLD.username, OLD.payment_method, OLD.card_amount, OLD.gateway_key, OLD.started_at, OLD.adopted)
      IS DISTINCT FROM
      (NEW.id, NEW.booking_id, NEW.username, NEW.payment_method, NEW.card_amount, NEW.gateway_key, NEW.started_at, NEW.adopted)
    OR (OLD.amount, OLD.wallet_amount) <> (NEW.amount, NEW.wallet_amount)
      AND NOT (OLD.status <> 'Completed' AND NEW.status = 'Completed' AND NEW.wallet_amount = 0)
    OR OLD.status <> NEW.status
      AND (NEW.status = 'Started' OR OLD.status = 'Completed' OR OLD.status <> 'Started' AND OLD.status <> 'Unknown' AND NEW.status <> 'Completed')
    OR OLD.status = 'Completed' AND OLD.transaction_id <> NEW.transaction_id
  )
  EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER payment_refund_written_once AFTER UPDATE ON payment_refund FOR EACH ROW
  WHEN (
    (OLD.id, OLD.payment_id, OLD.booking_id, OLD.destination, OLD.amount, OLD.wallet_amount, OLD.card_amount, OLD.reason, OLD.refunded_by,
      OLD.gateway_key, OLD.created_at)
      IS DISTINCT FROM
      (NEW.id, NEW.payment_id, NEW.booking_id, NEW.destination, NEW.amount, NEW.wallet_amount, NEW.card_amount, NEW.reason, NEW.refunded_by,
      NEW.gateway_key, NEW.created_at)
    OR OLD.state = 'done' AND (NEW.state, NEW.done_at) IS DISTINCT FROM (OLD.state, OLD.done_at)
  )
  EXECUTE FUNCTION refuse_rewriting();

DROP VIEW integrity_violation;
CREATE VIEW integrity_violation (rule, subject, details) AS
WITH refunded AS (
  SELECT p.id, p.booking_id, p.amount, p.wallet_amount, p.card_amount, r.amount AS given_back
  FROM payment_transaction p LEFT JOIN payment_refund r ON r.payment_id = p.id
  WHERE p.status = 'Completed' AND p.booking_id IS NOT NULL AND p.payment_method <> 'Cash'
), wallet_payment AS (
  -- Without those that were charged too late: the wallet had no part in them.
  SELECT p.id, p.amount, p.card_amount, t.added, t.deducted
  FROM payment_transaction p
  LEFT JOIN (
    SELECT payment_id, sum(amount) FILTER (WHERE transaction_type = 'ADD') AS added,
      sum(amount) FILTER (WHERE transaction_type = 'DEDUCT') AS deducted
    FROM wallet_transaction GROUP BY payment_id
  ) t ON t.payment_id = p.id
  WHERE p.payment_method = 'Wallet' AND p.status = 'Completed' AND NOT p.adopted
    AND (t.payment_id IS NOT NULL OR NOT EXISTS (SELECT FROM payment_refund r WHERE r.payment_id = p.id AND r.card_amount = p.amount))
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
  AND NOT EXISTS (SELECT FROM payment_refund r WHERE r.payment_id = p.id)
  AND NOT EXISTS (
    SELECT FROM wallet_transaction t WHERE t.payment_id = p.id AND t.transaction_type = 'ADD' AND t.amount = p.card_amount
  )
UNION ALL
SELECT 'funds added and given back', 'payment_transaction ' || p.id, format('%s of %s', p.card_amount, p.username)
FROM payment_transaction p
WHERE p.booking_id IS NULL
  AND EXISTS (SELECT FROM payment_refund r WHERE r.payment_id = p.id)
  AND EXISTS (SELECT FROM wallet_transaction t WHERE t.payment_id = p.id)
UNION ALL
SELECT 'wallet payment that its wallet did not make', 'payment_transaction ' || p.id,
  format('payment %s, deducted %s', p.amount, coalesce(p.deducted, 0))
FROM wallet_payment p WHERE p.deducted IS DISTINCT FROM p.amount
UNION ALL
SELECT 'shortfall charged but not added', 'payment_transaction ' || p.id, format('charged %s, added %s', p.card_amount, coalesce(p.added, 0))
FROM wallet_payment p WHERE coalesce(p.added, 0) <> p.card_amount
UNION ALL
SELECT 'wallet transaction of nothing', 'wallet_transaction ' || t.id, format('%s %s of %s', t.transaction_type, t.amount, t.username)
FROM wallet_transaction t WHERE t.payment_id IS NULL AND t.refund_id IS NULL AND NOT t.adopted
UNION ALL
SELECT 'wallet transaction that nothing asked for', 'wallet_transaction ' || t.id, format('%s %s of %s', t.transaction_type, t.amount, t.username)
FROM wallet_transaction t
LEFT JOIN payment_refund r ON r.id = t.refund_id
LEFT JOIN payment_transaction p ON p.id = t.payment_id
WHERE NOT t.adopted AND NOT CASE
  WHEN r.id IS NOT NULL THEN t.transaction_type = 'ADD' AND t.amount = r.wallet_amount
  WHEN p.booking_id IS NOT NULL AND p.payment_method <> 'Wallet' THEN false
  WHEN t.transaction_type = 'ADD' THEN t.amount = p.card_amount
  ELSE p.booking_id IS NOT NULL AND t.amount = p.amount
END
UNION ALL
SELECT 'wallet transaction of somebody else', 'wallet_transaction ' || t.id, format('%s for %s', t.username, p.username)
FROM wallet_transaction t
LEFT JOIN payment_refund r ON r.id = t.refund_id
JOIN payment_transaction p ON p.id = coalesce(t.payment_id, r.payment_id)
WHERE p.username <> t.username
UNION ALL
SELECT 'reference of two charges', p.transaction_id, 'payments ' || string_agg(p.id::text, ', ' ORDER BY p.id)
FROM payment_transaction p WHERE p.status = 'Completed' AND p.card_amount > 0
GROUP BY p.transaction_id HAVING count(*) > 1
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
SELECT 'refund differs from its payment', 'payment_refund ' || r.id,
  format('paid wallet %s card %s, given back wallet %s card %s', p.wallet_amount, p.card_amount, r.wallet_amount, r.card_amount)
FROM payment_refund r JOIN payment_transaction p ON p.id = r.payment_id
WHERE r.amount <> p.amount OR (r.destination = 'source' AND (r.wallet_amount, r.card_amount) <> (p.wallet_amount, p.card_amount))
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
