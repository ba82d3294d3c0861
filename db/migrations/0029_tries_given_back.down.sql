DROP FUNCTION return_free_tries;
