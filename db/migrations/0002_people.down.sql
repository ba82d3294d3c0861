-- discards: sessions: SELECT count(*) FROM session
--
-- E-mail addresses stay in lower case, profile images stay keys.
DROP TABLE session;

ALTER TABLE customertable
  DROP CONSTRAINT customertable_email_lower_case,
  DROP CONSTRAINT customertable_number_key;

ALTER TABLE stafftable DROP CONSTRAINT stafftable_username_key;

ALTER TABLE usertable ALTER COLUMN created_at DROP NOT NULL;
