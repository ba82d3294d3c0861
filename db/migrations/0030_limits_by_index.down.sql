-- The functions as they were.
CREATE OR REPLACE FUNCTION full_until(window_keys text[], window_most int[], now_ms bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
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

CREATE OR REPLACE FUNCTION return_try(window_keys text[], end_before bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    UPDATE rate_limit SET points = points - 1 WHERE key = window_keys[place] AND points > 0 AND expire < end_before[place];
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION return_free_tries(window_keys text[], end_before bigint[]) RETURNS int[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  locked int[] := '{}';
BEGIN
  FOR place IN 1 .. cardinality(window_keys) LOOP
    UPDATE rate_limit SET points = points - 1
    WHERE key = (SELECT key FROM rate_limit WHERE key = window_keys[place] FOR UPDATE SKIP LOCKED) AND points > 0 AND expire < end_before[place];
    IF NOT FOUND AND EXISTS (SELECT FROM rate_limit WHERE key = window_keys[place] AND points > 0 AND expire < end_before[place]) THEN
      locked := locked || place;
    END IF;
  END LOOP;
  RETURN locked;
END
$$;
