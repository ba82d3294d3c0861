-- compatible-with: previous
-- Servers that remember profiles beside live sessions hear of what changes one, as they hear of what may end a session.

CREATE TRIGGER customer_profile_change AFTER UPDATE ON customertable FOR EACH ROW
  WHEN ((OLD.username, OLD.name, OLD.email, OLD.number) IS DISTINCT FROM (NEW.username, NEW.name, NEW.email, NEW.number))
  EXECUTE FUNCTION announce_session_change();
CREATE TRIGGER customer_profile_removal AFTER DELETE ON customertable FOR EACH ROW EXECUTE FUNCTION announce_session_change();

CREATE TRIGGER staff_profile_change AFTER UPDATE ON stafftable FOR EACH ROW
  WHEN ((OLD.username, OLD.name, OLD.counter_no) IS DISTINCT FROM (NEW.username, NEW.name, NEW.counter_no))
  EXECUTE FUNCTION announce_session_change();
CREATE TRIGGER staff_profile_removal AFTER DELETE ON stafftable FOR EACH ROW EXECUTE FUNCTION announce_session_change();
CREATE TRIGGER staff_profiles_emptied AFTER TRUNCATE ON stafftable FOR EACH STATEMENT EXECUTE FUNCTION announce_all_sessions();
