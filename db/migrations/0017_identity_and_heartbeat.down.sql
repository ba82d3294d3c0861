-- discards: that this database is a copy: SELECT count(*) FROM database_identity WHERE is_copy
-- discards: that refunds wait for payments:resume: SELECT count(*) FROM server_heartbeat WHERE refunds_wait_since IS NOT NULL
--
-- The older schema does not know whose database it is: its servers pay back what is due at once.
DROP TABLE server_heartbeat;
DROP TABLE database_identity;
