DROP VIEW integrity_violation;
