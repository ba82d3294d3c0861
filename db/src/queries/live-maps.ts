import { sql } from "kysely";
import type { Db } from "../connect.ts";
import { paidStates, statesIn } from "../states.ts";

/** The channel on which servers tell each other in which shows seats may have changed. Only a hint: a notice may be lost. */
export const seatChannel = "skyfox_seats";

/** A claim as it is written: a hold may be overdue. Its version grows with each change. */
export interface ClaimRow {
  seatNumber: string;
  version: number;
  status: "free" | "held" | "sold";
  /** Until when it is held; null when that has no end. */
  freeAfter: Date | null;
}

/** The claims of a show, and the reason once it is cancelled. */
export interface ShowClaims {
  showId: number;
  cancelReason: string | null;
  claims: ClaimRow[];
}

/** All claims of these shows, in one statement and so as of one moment. */
export async function listClaimsOfShows(db: Db, showIds: number[]): Promise<ShowClaims[]> {
  const { rows } = await sql<Omit<ShowClaims, "claims"> & ClaimRow & { seatNumber: string | null }>`
    select s.id as "showId", s.cancel_reason as "cancelReason", c.seat_number as "seatNumber", c.version,
      case when c.booking_id is null then 'free' when c.booked in ${statesIn(paidStates)} then 'sold' else 'held' end as status,
      case when c.booking_id is not null then c.free_after end as "freeAfter"
    from show s
    left join lateral (
      -- Show by show, and booking by booking: joined as a whole, a plan for any shows reads all of them.
      select seat_number, version, booking_id, free_after, (select status from booking where id = booking_id) as booked
      from seat_claim where show_id = s.id order by seat_number
    ) c on true
    where s.id = any(${showIds}::bigint[])`.execute(db);
  return Array.from(
    Map.groupBy(rows, ({ showId }) => showId),
    ([showId, ofShow]) => ({
      showId,
      cancelReason: ofShow[0]?.cancelReason ?? null,
      claims: ofShow.filter(({ seatNumber }) => seatNumber !== null),
    }),
  );
}

/** The version of each show's seat map: the sum of its claims' versions, so that equal versions mean equal claims. */
export async function listMapVersions(db: Db, showIds: number[]) {
  const { rows } = await sql<{ showId: number; version: number; isCancelled: boolean }>`
    select s.id as "showId", s.cancelled_at is not null as "isCancelled",
      coalesce((select sum(c.version) from seat_claim c where c.show_id = s.id), 0)::bigint as version
    from show s where s.id = any(${showIds}::bigint[])`.execute(db);
  return rows;
}
