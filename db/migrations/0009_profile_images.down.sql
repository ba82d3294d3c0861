-- discards: images that are still to be removed from the store: SELECT count(*) FROM profile_image WHERE remove_after IS NOT NULL
--
-- Objects that nobody names any more stay in the store for ever. Links to images start anew.
DELETE FROM server_secret WHERE name = 'image links';

DROP TRIGGER customertable_image_of_nobody ON customertable;
DROP FUNCTION remove_image_of_nobody();
ALTER TABLE customertable DROP CONSTRAINT customertable_profile_img_fkey;
DROP INDEX customertable_profile_img;
DROP TABLE profile_image;
