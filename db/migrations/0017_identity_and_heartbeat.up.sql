-- compatible-with: previous
-- Whose database this is, and when a server that settles payments last ran on it: a restored copy must not pay money back.

-- Where the database was when it was last started as what it is. A dump that was restored has another oid, or is in another cluster.
CREATE TABLE database_identity (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  -- Null where the server's role may not read it.
  system_identifier text,
  database_oid bigint NOT NULL,
  database_name text NOT NULL,
  is_copy boolean NOT NULL,
  written_at timestamptz NOT NULL
);

CREATE TABLE server_heartbeat (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  beat_at timestamptz NOT NULL,
  -- Since when refunds wait for npm run payments:resume; null when they do not.
  refunds_wait_since timestamptz
);
