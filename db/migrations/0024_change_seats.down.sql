DROP FUNCTION change_seats;
