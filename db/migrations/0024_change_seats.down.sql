DROP FUNCTION change_seats;
DROP FUNCTION release_claims;
