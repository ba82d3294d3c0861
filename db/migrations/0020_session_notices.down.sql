DROP TRIGGER sessions_emptied ON session;
DROP FUNCTION announce_all_sessions;
DROP TRIGGER account_removal ON usertable;
DROP TRIGGER account_change ON usertable;
DROP TRIGGER session_removal ON session;
DROP TRIGGER session_change ON session;
DROP FUNCTION announce_session_change;
