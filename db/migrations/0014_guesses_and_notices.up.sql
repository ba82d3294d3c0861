-- Accounts under siege: known devices, counted guesses that can be forgotten, what an owner is told at login, names in any case.

-- The key that signs the tokens of devices that have logged in before.
INSERT INTO server_secret (name, secret)
VALUES ('device tokens', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- Every window of an account, its devices' too: keys are limit, kind and the account's digest.
CREATE INDEX rate_limit_account ON rate_limit (split_part(key, ':', 3))
WHERE split_part(key, ':', 2) IN ('account', 'device');

-- What may be told at a login, and the logins that it is told since.
CREATE INDEX audit_entry_notices ON audit_entry (subject, id DESC) WHERE action IN (
  'logged-in', 'password-changed', 'password-reset', 'staff-changed', 'security-answer-failed', 'security-answer-locked', 'login-locked'
);

-- Names of an adopted database may have capitals.
CREATE INDEX usertable_username_folded ON usertable (lower(username));
