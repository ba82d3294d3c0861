-- compatible-with: previous
-- Servers that remember live sessions hear of what may end one, by a NOTIFY of the transaction that does it.

CREATE FUNCTION announce_session_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('skyfox_sessions', OLD.username);
  RETURN NULL;
END
$$;

CREATE TRIGGER session_change AFTER UPDATE ON session FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION announce_session_change();
-- A session that has ended was announced then.
CREATE TRIGGER session_removal AFTER DELETE ON session FOR EACH ROW
  WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION announce_session_change();
CREATE TRIGGER account_change AFTER UPDATE ON usertable FOR EACH ROW
  WHEN ((OLD.username, OLD.role, OLD.disabled_at) IS DISTINCT FROM (NEW.username, NEW.role, NEW.disabled_at))
  EXECUTE FUNCTION announce_session_change();
CREATE TRIGGER account_removal AFTER DELETE ON usertable FOR EACH ROW EXECUTE FUNCTION announce_session_change();

-- A table that is emptied at once names no account: an empty name stands for all.
CREATE FUNCTION announce_all_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('skyfox_sessions', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER sessions_emptied AFTER TRUNCATE ON session FOR EACH STATEMENT EXECUTE FUNCTION announce_all_sessions();
