DROP FUNCTION begin_top_up(text, numeric, numeric, timestamptz, int, text, text, bytea, timestamptz, timestamptz, text[], int[], bigint[], bigint);
DROP FUNCTION begin_payment(
  bigint, text, payment_mode_enum, boolean, timestamptz, int, int, text, text, bytea, timestamptz, timestamptz, text[], int[], bigint[], bigint
);
DROP FUNCTION count_begun(text[], int[], bigint[], bigint);
DROP FUNCTION full_until(text[], int[], bigint);
DROP FUNCTION return_paid(text[], bigint[]);
DROP FUNCTION return_try(text[], bigint[]);
DROP FUNCTION count_try(text[], bigint[], bigint);
