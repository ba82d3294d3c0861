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
  showId: number;
  /** Counts the changes of the show's claims: readings of one version are of the same claims, and a later reading never has a lower version. */
  version: number;
  claims: MapClaim[];
}

/** Reads the claims of each of these shows, in no order. A show without any claim yet has version 0. */
export async function readClaims(db: Db, showIds: readonly number[]): Promise<ClaimsOfShow[]> {
  // Inside a subquery the array's length counts for no plan: one plan serves all.
  const { rows } = await sql<ClaimsOfShow>`
    select wanted.id as "showId", c.version, c.claims
    from unnest((select ${showIds}::bigint[])) wanted (id)
    cross join lateral (
      select coalesce(sum(version), 0)::bigint as version, coalesce(json_agg(json_build_array(
          seat_number, ceil(extract(epoch from free_after) * 1000)::bigint, booked in ${statesIn(paidStates)}
        )) filter (where booking_id is not null), '[]') as claims
      from (
        select seat_number, version, booking_id, free_after, (select status from booking where id = booking_id) as booked
        from seat_claim where show_id = wanted.id
      ) claim
    ) c`.execute(db);
  return rows;
}
