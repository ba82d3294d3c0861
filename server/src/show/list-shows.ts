import { listShowsOfDate } from "@skyfox/db";
import type { ListShowsInput, Show } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { describeShow } from "./describe-show.ts";
import { assertInWindow, cinemaToday } from "./window.ts";

/** The shows of a cinema date, today by default, also those that have started. Throws `DATE_OUT_OF_RANGE`. */
export async function listShows(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  user: User,
  input: ListShowsInput,
): Promise<Show[]> {
  const date = input.date ?? cinemaToday(deps);
  assertInWindow(deps, user, date);
  const rows = await listShowsOfDate(deps.db, date, deps.clock.now());
  return rows.map(describeShow);
}
