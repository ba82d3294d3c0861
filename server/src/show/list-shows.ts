import type { ListShowsInput, Show } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import type { ReadyAnswer } from "../rpc/ready-answer.ts";
import { assertInWindow, cinemaToday } from "./window.ts";

/** The shows of a cinema date, today by default, also those that have started, written for the wire. Throws `DATE_OUT_OF_RANGE`. */
export async function listShows(
  deps: Pick<Deps, "clock" | "settings" | "shows">,
  user: User,
  input: ListShowsInput,
): Promise<ReadyAnswer<Show[]>> {
  const date = input.date ?? cinemaToday(deps);
  assertInWindow(deps, user, date);
  return await deps.shows.listShows(date);
}
