import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db } from "../connect.ts";
import { paidStates, statesIn } from "../states.ts";

/** A seat of a show's screen, beside the show's date, end and base cost: what stays as it is. */
export interface LayoutRow {
  date: string;
  endsAt: Date;
  cost: Decimal;
  seatNumber: string;
  row: string;
  column: number;
  type: "Standard" | "Deluxe";
}

/** Every seat of a show's screen, rows in order, seats in number order; no rows when there is no such show. */
export async function listLayout(db: Db, showId: number): Promise<LayoutRow[]> {
  const { rows } = await sql<LayoutRow>`
    select s.date, s.ends_at as "endsAt", s.cost, seat.seat_number as "seatNumber", seat.row_label as "row", seat.column_number as "column",
      seat.seat_type as type
    from show s join seat on seat.screen_id = s.screen_id
    where s.id = ${showId}
    order by length(seat.row_label), seat.row_label, seat.column_number`.execute(db);
  return rows;
}

/** A seat that a booking has, the millisecond from which it is free again (null: never by itself), and whether it is paid for. */
export type MapClaim = [seatNumber: string, freeAfterMs: number | null, isSold: boolean];

/** The claims of a show at one moment. */
export interface ClaimsOfShow {
  /** Counts the changes of the show's claims: readings of one version are of the same claims, and a later reading never has a lower version. */
  version: number;
  claims: MapClaim[];
}

/** Reads the claims of a show. A show without any claim yet has version 0. */
export async function readClaims(db: Db, showId: number): Promise<ClaimsOfShow> {
  const { rows } = await sql<ClaimsOfShow>`
    select coalesce(sum(c.version), 0)::bigint as version, coalesce(json_agg(json_build_array(
        c.seat_number, ceil(extract(epoch from c.free_after) * 1000)::bigint, b.status in ${statesIn(paidStates)}
      )) filter (where b.id is not null), '[]') as claims
    from seat_claim c left join booking b on b.id = c.booking_id where c.show_id = ${showId}`.execute(db);
  // An aggregate has one row.
  return rows[0]!;
}
