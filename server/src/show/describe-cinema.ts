import { maxLiveHolds, maxSeatsPerBooking, type Cinema } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { cinemaToday } from "./window.ts";

/** What a page needs to know of the cinema before a visitor has chosen anything. `holdSeconds` is what a hold gets at most. */
export function describeCinema({ clock, settings }: Pick<Deps, "clock" | "settings">): Cinema {
  const now = clock.now();
  return {
    name: settings.cinemaName,
    timeZone: settings.cinemaTimeZone,
    currency: settings.currency,
    today: cinemaToday({ clock, settings }, now),
    now,
    holdSeconds: settings.holdSeconds,
    maxSeatsPerBooking,
    maxLiveHolds,
  };
}
