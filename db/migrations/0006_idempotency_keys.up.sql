-- One row per intent of a caller: the key, what was asked and, once it is known, the answer; effect and answer commit together.
CREATE TABLE idempotency_key (
  username varchar(30) NOT NULL REFERENCES usertable (username) ON DELETE CASCADE,
  procedure varchar(100) NOT NULL,
  key varchar(255) NOT NULL,
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  answer text,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  PRIMARY KEY (username, procedure, key)
);
CREATE INDEX idempotency_key_expires_at ON idempotency_key (expires_at);
