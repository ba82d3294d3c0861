-- Accounts: reset tokens that are only hashes, accounts that can be disabled, guessing limits, and an audit of who did what.

ALTER TABLE usertable ADD COLUMN disabled_at timestamptz;

-- The older tokens were kept as they are and lived for minutes: none is worth keeping. An account has one at most.
DROP TABLE password_reset_tokens;
CREATE TABLE password_reset_tokens (
  username varchar(30) PRIMARY KEY REFERENCES usertable (username) ON DELETE CASCADE,
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);
CREATE INDEX password_reset_tokens_expires_at ON password_reset_tokens (expires_at);

CREATE INDEX session_expires_at ON session (expires_at);
CREATE INDEX session_ended_at ON session (ended_at) WHERE ended_at IS NOT NULL;

-- The table of rate-limiter-flexible: points used of a window that ends at `expire`, in milliseconds since 1970. What it counts need not
-- survive a crash of the database, so that counting costs no write-ahead log.
CREATE UNLOGGED TABLE rate_limit (
  key varchar(255) PRIMARY KEY,
  points int NOT NULL DEFAULT 0,
  expire bigint
);
CREATE INDEX rate_limit_expire ON rate_limit (expire);

-- Keys of our own, made once for each database: one chooses the question shown to an unknown e-mail address.
CREATE TABLE server_secret (
  name varchar(50) PRIMARY KEY,
  secret bytea NOT NULL CHECK (length(secret) = 32)
);
INSERT INTO server_secret (name, secret)
VALUES ('decoy question', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- Who (actor) did what (action) to whom (subject), when and from where. Names stay as they were, also when the account is gone.
CREATE TABLE audit_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  action varchar(50) NOT NULL,
  actor varchar(30),
  subject varchar(30),
  address varchar(100) NOT NULL,
  request_id varchar(64) NOT NULL,
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_entry_subject ON audit_entry (subject, id DESC);
CREATE INDEX audit_entry_at ON audit_entry (at);
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
