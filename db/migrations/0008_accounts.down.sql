-- discards: audit entries: SELECT count(*) FROM audit_entry
-- discards: reset tokens: SELECT count(*) FROM password_reset_tokens
-- discards: passwords of disabled accounts: SELECT count(*) FROM usertable WHERE disabled_at IS NOT NULL
--
-- The older schema cannot say that an account is disabled: its password becomes one that nobody has, and stays so. Guessing limits start
-- anew, as does the key of this database.
DROP TABLE audit_entry;

DROP TABLE server_secret;
DROP TABLE rate_limit;

DROP INDEX session_ended_at;
DROP INDEX session_expires_at;

DROP TABLE password_reset_tokens;
CREATE TABLE password_reset_tokens (
  id serial PRIMARY KEY,
  email varchar(255) NOT NULL,
  token varchar(255) NOT NULL,
  created_at timestamp NOT NULL,
  expires_at timestamp NOT NULL,
  used bool NOT NULL DEFAULT false,
  UNIQUE (email, token)
);
CREATE INDEX password_reset_tokens_email_idx ON password_reset_tokens (email);
CREATE INDEX password_reset_tokens_token_idx ON password_reset_tokens (token);
CREATE INDEX password_reset_tokens_unused_email_idx ON password_reset_tokens (email, expires_at) WHERE NOT used;

UPDATE usertable SET password = 'disabled' WHERE disabled_at IS NOT NULL;
ALTER TABLE usertable DROP COLUMN disabled_at;
