import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Tx } from "../connect.ts";
import type { BrokenBound, NewHold } from "./new-bookings.ts";

/** The bound of `insertHold` that so many more seats of the show would break; undefined when they break none. */
export async function findBrokenBound(
  tx: Tx,
  more: Pick<NewHold, "showId" | "username" | "heldFrom" | "bounds" | "now"> & { seats: number },
): Promise<BrokenBound | undefined> {
  const { showId, username, heldFrom, bounds, now, seats } = more;
  const { rows } = await sql<{ bound: number | null; freeAt: Date | null }>`
    select bound, free_at as "freeAt" from hold_refusal(${showId}, ${username}, ${heldFrom}::cidr, ${seats}, ${now},
      ${bounds.seatsPerCustomer}, ${bounds.abandonedPerHour}, ${bounds.seatsPerNetwork}, ${bounds.seatsPerWiderNetwork})`.execute(
    tx,
  );
  const [found] = rows;
  return found === undefined || found.bound === null
    ? undefined
    : { bound: found.bound, freeAt: found.freeAt };
}

/**
 * Gives a pending hold, which the caller has locked, these seats at this price; those that it keeps stay claimed throughout. The constraint
 * `seatTaken` refuses a seat that another booking claims; it waits for another transaction's claim only so long (`isSeatLocked`).
 */
export async function changeSeatsOfHold(
  tx: Tx,
  { bookingId, seatNumbers, amountDue }: { bookingId: number; seatNumbers: string[]; amountDue: Decimal },
): Promise<void> {
  await sql`select change_seats(${bookingId}, ${seatNumbers}::text[], ${amountDue})`.execute(tx);
}
