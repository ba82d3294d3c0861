import { bestSeats, type BestSeats, type BestSeatsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { getSeatMap } from "./get-seat-map.ts";

/**
 * The best adjacent seats of a show that are free at this moment, or null when no row has so many. Nothing is held by it. Throws
 * `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`.
 */
export async function getBestSeats(
  deps: Pick<Deps, "clock" | "settings" | "shows">,
  user: User,
  { showId, count, type }: BestSeatsInput,
): Promise<BestSeats | null> {
  return bestSeats(await getSeatMap(deps, user, { showId }), count, type);
}
