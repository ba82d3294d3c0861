import { Decimal, type SeatMap } from "../src/index.ts";

type Status = SeatMap["rows"][number]["seats"][number]["status"];

/** A seat map of this version with these seats, such as `{ A1: "free" }`. */
export function seatMapOf(version: number, statuses: Record<string, Status>): SeatMap {
  const rows = Map.groupBy(Object.entries(statuses), ([seatNumber]) => seatNumber.charAt(0));
  return {
    showId: 1,
    version,
    prices: { Standard: new Decimal(200), Deluxe: new Decimal(350) },
    rows: [...rows].map(([row, seats]) => ({
      row,
      seats: seats.map(([seatNumber, status]) => ({
        seatNumber,
        column: Number(seatNumber.slice(1)),
        type: "Standard",
        status,
      })),
    })),
  };
}
