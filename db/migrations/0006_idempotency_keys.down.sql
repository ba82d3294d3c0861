-- discards: stored answers: SELECT count(*) FROM idempotency_key
DROP TABLE idempotency_key;
