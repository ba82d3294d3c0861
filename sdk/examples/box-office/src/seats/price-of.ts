import type { Decimal, SeatMap } from "@skyfox/sdk";

/** What seats cost together. */
export function priceOf({ rows, prices }: SeatMap, chosen: readonly string[]): Decimal {
  const seats = rows.flatMap((row) => row.seats).filter(({ seatNumber }) => chosen.includes(seatNumber));
  return seats.reduce((sum, { type }) => sum.plus(prices[type]), prices.Standard.times(0));
}
