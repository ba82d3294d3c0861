import type { SeatMap } from "@skyfox/sdk";

/** The keys that go from seat to seat. */
export const seatKeys: ReadonlySet<string> = new Set([
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "Home",
  "End",
]);

/** The seat that a key leads to: beside, at the row's end, or the nearest one in the row before or behind; the same seat at the edge. */
export function neighbour(rows: SeatMap["rows"], from: string, key: string): string {
  const rowIndex = rows.findIndex(({ seats }) => seats.some(({ seatNumber }) => seatNumber === from));
  const seats = rows[rowIndex]?.seats ?? [];
  const index = seats.findIndex(({ seatNumber }) => seatNumber === from);
  const target = () => {
    switch (key) {
      case "ArrowLeft":
        return seats[index - 1];
      case "ArrowRight":
        return seats[index + 1];
      case "Home":
        return seats[0];
      case "End":
        return seats.at(-1);
      default: {
        const column = seats[index]?.column ?? 0;
        const near = rows[rowIndex + (key === "ArrowUp" ? -1 : 1)]?.seats ?? [];
        return near.toSorted((a, b) => Math.abs(a.column - column) - Math.abs(b.column - column))[0];
      }
    }
  };
  return target()?.seatNumber ?? from;
}
