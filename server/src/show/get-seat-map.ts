import { listSeats } from "@skyfox/db";
import type { SeatMap, ShowIdInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { seatPrices } from "./seat-prices.ts";
import { assertInWindow } from "./window.ts";

/** Every seat of a show as free, held or sold; an overdue hold reads as free. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`. */
export async function getSeatMap(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  user: User,
  { showId }: ShowIdInput,
): Promise<SeatMap> {
  const seats = await listSeats(deps.db, showId, deps.clock.now());
  const [first] = seats;
  if (first === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
  assertInWindow(deps, user, first.date);
  const rows = Map.groupBy(seats, (seat) => seat.row);
  return {
    showId,
    version: first.version,
    prices: seatPrices(first.cost),
    rows: Array.from(rows, ([row, seatsOfRow]) => ({
      row,
      seats: seatsOfRow.map(({ seatNumber, column, type, status }) => ({ seatNumber, column, type, status })),
    })),
  };
}
