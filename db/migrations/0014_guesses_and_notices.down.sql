-- Devices that have logged in before count as strangers again.
DROP INDEX usertable_username_folded;
DROP INDEX audit_entry_notices;
DROP INDEX rate_limit_account;
DELETE FROM server_secret WHERE name = 'device tokens';
