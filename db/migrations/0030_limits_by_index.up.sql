-- compatible-with: previous
-- Windows of limits are found by their key, whatever the table was like when that was planned. While it is nearly empty, as at night, reading all of it is
-- the best plan, or reading what has not ended by the index of ends. Connections kept that plan while the table grew, and each payment read most of it for
-- each of its windows. Without sequential scans, and with ends compared in a form that no index has, only the key is left.

-- When the last of these windows ends that has all the tries it may have; null where each has room for one more.
CREATE OR REPLACE FUNCTION full_until(window_keys text[], window_most int[], now_ms bigint) RETURNS bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off AS $$
DECLARE
  latest bigint;
  found_end bigint;
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    SELECT expire INTO found_end FROM rate_limit WHERE key = window_keys[place] AND points >= window_most[place] AND expire - now_ms > 0;
    latest := greatest(latest, found_end);
  END LOOP;
  RETURN latest;
END
$$;

-- Takes one point back from each of these windows, which come by key, that ends before its time in `end_before`; one that began since then keeps its
-- points.
CREATE OR REPLACE FUNCTION return_try(window_keys text[], end_before bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off AS $$
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    UPDATE rate_limit SET points = points - 1 WHERE key = window_keys[place] AND points > 0 AND expire - end_before[place] < 0;
  END LOOP;
END
$$;

-- As return_try, but waits for no window: answers the places of those that another transaction has locked.
CREATE OR REPLACE FUNCTION return_free_tries(window_keys text[], end_before bigint[]) RETURNS int[] LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off AS $$
DECLARE
  locked int[] := '{}';
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    UPDATE rate_limit SET points = points - 1
    WHERE key = (SELECT key FROM rate_limit WHERE key = window_keys[place] FOR UPDATE SKIP LOCKED) AND points > 0 AND expire - end_before[place] < 0;
    IF NOT FOUND AND EXISTS (SELECT FROM rate_limit WHERE key = window_keys[place] AND points > 0 AND expire - end_before[place] < 0) THEN
      locked := locked || place;
    END IF;
  END LOOP;
  RETURN locked;
END
$$;
