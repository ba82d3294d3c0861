-- Scheduling: a screen shows one film at a time, also where a day's last slot runs into the next day.

-- Shows that an older system let overlap stay as they are; the first of them keeps the screen.
ALTER TABLE show ADD COLUMN shares_screen boolean NOT NULL DEFAULT false;
UPDATE show SET shares_screen = true
WHERE cancelled_at IS NULL AND EXISTS (
  SELECT FROM show earlier
  WHERE earlier.screen_id = show.screen_id AND earlier.cancelled_at IS NULL
    AND (earlier.starts_at, earlier.id) < (show.starts_at, show.id) AND earlier.ends_at > show.starts_at
);

-- A show may begin at the moment at which the one before it ends. A range of one screen, because plain numbers would need an extension.
ALTER TABLE show ADD CONSTRAINT show_one_at_a_time EXCLUDE USING gist (
  int8range(screen_id, screen_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
) WHERE (cancelled_at IS NULL AND NOT shares_screen);
