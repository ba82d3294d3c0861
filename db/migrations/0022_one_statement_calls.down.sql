DROP FUNCTION free_key;
DROP FUNCTION claim_key;
DROP FUNCTION cancel_hold;
