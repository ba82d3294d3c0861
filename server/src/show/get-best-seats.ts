import { bestSeats, type BestSeats, type BestSeatsInput } from "../contract/index.ts";
import type { Deps, Viewer } from "../deps.ts";
import { getSeatMap } from "./get-seat-map.ts";

/**
 * The best adjacent seats of a show that are free at this moment, or null when no row has so many. Nothing is held by it. Throws
 * `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`.
 */
export async function getBestSeats(
  deps: Pick<Deps, "clock" | "settings" | "shows">,
  viewer: Viewer,
  { showId, count, type }: BestSeatsInput,
): Promise<BestSeats | null> {
  return bestSeats(await getSeatMap(deps, viewer, { showId }), count, type);
}
