-- Scheduling: a screen shows one film at a time, also where a day's last slot runs into the next day.

-- Shows that an older system let overlap stay as they are; the first of them keeps the screen.
ALTER TABLE show ADD COLUMN shares_screen boolean NOT NULL DEFAULT false;
UPDATE show SET shares_screen = true
FROM (
  -- One pass, because comparing each show with all others takes time in the square of their number.
  SELECT id, max(ends_at) OVER (
    PARTITION BY screen_id ORDER BY starts_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS earlier_ends_at
  FROM show WHERE cancelled_at IS NULL
) live
WHERE live.id = show.id AND live.earlier_ends_at > show.starts_at;

-- A show may begin at the moment at which the one before it ends. A range of one screen, because plain numbers would need an extension.
ALTER TABLE show ADD CONSTRAINT show_one_at_a_time EXCLUDE USING gist (
  int8range(screen_id, screen_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
) WHERE (cancelled_at IS NULL AND NOT shares_screen);
