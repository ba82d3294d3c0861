import { deluxeSurcharge, type Decimal, type SeatType } from "../contract/index.ts";

/** What a seat of each type costs: the show's cost, and the surcharge on top for Deluxe. */
export function seatPrices(cost: Decimal): Record<SeatType, Decimal> {
  return { Standard: cost, Deluxe: cost.plus(deluxeSurcharge) };
}
