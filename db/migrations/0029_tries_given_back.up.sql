-- compatible-with: previous
-- Cards that did not fail are given back behind the calls, for many calls at once. return_paid stays for servers of the release before.

-- As return_try, but waits for no window: answers the places of those that another transaction has locked.
CREATE FUNCTION return_free_tries(window_keys text[], end_before bigint[]) RETURNS int[] LANGUAGE plpgsql VOLATILE AS $$
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
