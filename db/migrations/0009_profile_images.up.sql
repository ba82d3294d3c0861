-- Profile images: every object in the store has a row before it is uploaded, so that none is forgotten there.

-- `remove_after` is null while a customer has the image; otherwise the object is removed then, and again after a failure.
CREATE TABLE profile_image (
  key varchar(255) PRIMARY KEY,
  remove_after timestamptz,
  attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0)
);
CREATE INDEX profile_image_remove_after ON profile_image (remove_after) WHERE remove_after IS NOT NULL;

INSERT INTO profile_image (key) SELECT DISTINCT profile_img FROM customertable WHERE profile_img IS NOT NULL;

-- Not unique: customers of an older system may share an image.
CREATE INDEX customertable_profile_img ON customertable (profile_img);
ALTER TABLE customertable
  ADD CONSTRAINT customertable_profile_img_fkey FOREIGN KEY (profile_img) REFERENCES profile_image (key);

-- Whoever deletes a customer, the image goes too.
CREATE FUNCTION remove_image_of_nobody() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Of two customers who share it and go at once, the second one sees that the first is gone.
  PERFORM FROM profile_image WHERE key = OLD.profile_img FOR UPDATE;
  UPDATE profile_image SET remove_after = '-infinity'
  WHERE key = OLD.profile_img AND NOT EXISTS (SELECT FROM customertable WHERE profile_img = OLD.profile_img);
  RETURN NULL;
END
$$;
CREATE TRIGGER customertable_image_of_nobody AFTER DELETE ON customertable
  FOR EACH ROW WHEN (OLD.profile_img IS NOT NULL) EXECUTE FUNCTION remove_image_of_nobody();

-- The key that signs links to images which the server itself serves.
INSERT INTO server_secret (name, secret)
VALUES ('image links', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
