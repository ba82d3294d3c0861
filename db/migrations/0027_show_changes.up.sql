-- compatible-with: previous
-- What servers remember of shows and their claims stays true as long as no transaction has changed them since. Each change leaves a row under its
-- transaction's number; a server asks which rows its last snapshot did not see. So a change counts from its commit on, in whatever order transactions
-- began. `show_id` is null where more may have changed than one show's claims: shows, films, or all claims.

CREATE TABLE show_change (
  written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
  show_id bigint
);
CREATE INDEX show_change_written_by ON show_change (written_by);

-- What has changed since that snapshot, as of the statement that asks: shows, and null for more. A snapshot has not seen what began after it, nor what ran
-- while it was taken. So a transaction that runs for long costs nothing here. By the index and with one plan for all snapshots: the table grows and shrinks, and
-- making a plan takes longer than running it.
CREATE FUNCTION shows_changed_since(seen pg_snapshot) RETURNS bigint[] LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN array(
    SELECT show_id FROM show_change WHERE written_by >= pg_snapshot_xmax(seen)
    UNION
    SELECT show_id FROM show_change WHERE written_by = ANY (array(SELECT pg_snapshot_xip(seen)))
  );
END
$$;

CREATE FUNCTION note_schedule_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO show_change (show_id) VALUES (NULL);
  RETURN NULL;
END
$$;

-- A claim stays with its show, so that the new rows of an update name it.
CREATE FUNCTION note_claim_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO show_change (show_id) SELECT DISTINCT show_id FROM changed;
  RETURN NULL;
END
$$;

-- In the order in which transactions lock them.
CREATE TRIGGER films_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON movie
  FOR EACH STATEMENT EXECUTE FUNCTION note_schedule_change();
CREATE TRIGGER schedule_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON show
  FOR EACH STATEMENT EXECUTE FUNCTION note_schedule_change();
CREATE TRIGGER claims_added AFTER INSERT ON seat_claim REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_claim_changes();
CREATE TRIGGER claims_changed AFTER UPDATE ON seat_claim REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_claim_changes();
CREATE TRIGGER claims_removed AFTER DELETE ON seat_claim REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_claim_changes();
CREATE TRIGGER claims_emptied AFTER TRUNCATE ON seat_claim FOR EACH STATEMENT EXECUTE FUNCTION note_schedule_change();
