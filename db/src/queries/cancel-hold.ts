import { sql } from "kysely";
import type { Db } from "../connect.ts";
import type { BookingStatus } from "../schema.ts";
import { readBookings, type BookingRow } from "./bookings.ts";
import { keyInStatement, type AnsweredKey } from "./keys.ts";

/** Which hold is given up, and for whom; `stoppedAt` is the time where the caller's clock stands still, null elsewhere. */
export interface HoldToCancel {
  bookingId: number;
  username: string;
  stoppedAt: Date | null;
}

/**
 * What became of it: given up; `refused` in this status, an overdue hold being Expired; or `changed` since it was read, so that it is to be
 * read again. `readAt` is the database's time by which that was decided.
 */
export interface CancelOutcome {
  outcome: "done" | "refused" | "changed";
  status: BookingStatus;
  readAt: Date;
}

/**
 * Gives a customer's pending hold up and frees its seats, all in one statement; undefined when the customer has no such booking. The row is as
 * it was just before: of one that is given up, nothing else has changed since.
 */
export async function cancelHold(
  db: Db,
  { bookingId, username, stoppedAt }: HoldToCancel,
): Promise<(CancelOutcome & { row: BookingRow }) | undefined> {
  const { rows } = await sql<CancelOutcome & BookingRow & { statusNow: BookingStatus }>`
    with seen as materialized (
      select id, xmin as version from booking where id = ${bookingId} and customer_username = ${username}
    ), cancelled as materialized (
      select c.* from seen, cancel_hold(seen.id, seen.version, ${stoppedAt}) as c
    )
    select b.*, c.outcome, c.status as "statusNow", c.read_at as "readAt"
    from (${readBookings(db).where("b.id", "=", bookingId)}) as b, cancelled as c`.execute(db);
  const [found] = rows;
  if (found === undefined) return undefined;
  const { outcome, statusNow: status, readAt, ...row } = found;
  return { outcome, status, readAt, row };
}

/** A booking and the version of its row. */
export type SeenBooking = BookingRow & { version: string };

/** A customer's booking before it is given up by `cancelSeenHold`. */
export async function seeHold(
  db: Db,
  { bookingId, username }: HoldToCancel,
): Promise<SeenBooking | undefined> {
  return await readBookings(db)
    .where("b.id", "=", bookingId)
    .where("b.customer_username", "=", username)
    .select(sql<string>`b.xmin::text`.as("version"))
    .executeTakeFirst();
}

/** As `cancelHold`, for a hold that was read before, and takes the key of the call along; "key taken", and nothing changed, when it is not free. */
export async function cancelSeenHold(
  db: Db,
  { bookingId, version }: SeenBooking,
  { stoppedAt }: HoldToCancel,
  key: AnsweredKey,
): Promise<CancelOutcome | "key taken"> {
  const { taken, freed } = keyInStatement(key, sql`(select outcome from cancelled) <> 'done'`);
  const { rows } = await sql<CancelOutcome | { outcome: null }>`
    with ${taken}, cancelled as materialized (
      -- Called for a key that was free, and after it is taken: its arguments say so.
      select c.* from taken, cancel_hold(case when taken."isFree" then ${bookingId}::bigint end, ${version}::xid, ${stoppedAt}) as c
      where taken."isFree"
    ), ${freed}
    select outcome, status, read_at as "readAt"
    from taken left join cancelled on true left join freed on true`.execute(db);
  const [found] = rows;
  return found === undefined || found.outcome === null ? "key taken" : found;
}
