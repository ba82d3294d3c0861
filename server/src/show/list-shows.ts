import type { ListShowsInput, Show } from "../contract/index.ts";
import type { Deps, Viewer } from "../deps.ts";
import type { ReadyAnswer } from "../rpc/ready-answer.ts";
import { assertInWindow, cinemaToday } from "./window.ts";

/** The shows of a cinema date, today by default, also those that have started, written for the wire. Throws `DATE_OUT_OF_RANGE`. */
export async function listShows(
  deps: Pick<Deps, "clock" | "settings" | "shows">,
  viewer: Viewer,
  input: ListShowsInput,
): Promise<ReadyAnswer<Show[]>> {
  const date = input.date ?? cinemaToday(deps);
  assertInWindow(deps, viewer, date);
  return await deps.shows.listShows(date);
}
