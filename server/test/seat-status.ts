import type { Deps, User } from "../src/deps.ts";
import { getSeatMap } from "../src/show/get-seat-map.ts";

/** What the seat map says of one seat; undefined when the screen has no such seat. */
export async function seatStatus(
  deps: Deps,
  user: User,
  showId: number,
  seatNumber: string,
): Promise<string | undefined> {
  const map = await getSeatMap(deps, user, { showId });
  return map.rows.flatMap((row) => row.seats).find((seat) => seat.seatNumber === seatNumber)?.status;
}
