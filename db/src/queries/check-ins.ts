import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";
import { databaseNow } from "./clock.ts";

/**
 * Locks these bookings, as far as there are any, lowest id first, so that two who lock many of the same never wait for each other. Answers
 * the database's time once all of them are locked.
 */
export async function lockBookings(tx: Tx, bookingIds: number[]): Promise<Date> {
  const { rows } = await sql<{ lockedAt: Date }>`
    with locked as (
      select id from booking where id = any(${bookingIds}::bigint[]) order by id for update
    )
    select ${databaseNow} as "lockedAt" from (select count(*) from locked) as counted`.execute(tx);
  return rows[0]!.lockedAt;
}

/** These bookings with what decides about letting their people in; lock them first, in a statement of its own. */
export async function listForCheckIn(db: Db, bookingIds: number[]) {
  return await db
    .selectFrom("booking as b")
    .innerJoin("show as s", "s.id", "b.show_id")
    .where(sql<boolean>`b.id = any(${bookingIds}::bigint[])`)
    .select([
      "b.id",
      "b.status",
      "b.checked_in_at as checkedInAt",
      "b.checked_in_by as checkedInBy",
      "s.starts_at as startsAt",
      "s.ends_at as endsAt",
      "s.cancelled_at as cancelledAt",
    ])
    .execute();
}

/** What decides about letting the people of a booking in. */
export type CheckInRow = Awaited<ReturnType<typeof listForCheckIn>>[number];

/** Checks confirmed bookings in that the caller has locked. Throws, and changes nothing, when one was not confirmed any more. */
export async function checkBookingsIn(
  tx: Tx,
  bookingIds: number[],
  { at, by }: { at: Date; by: string },
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable("booking")
    .set({ status: "CheckedIn", checked_in_at: at, checked_in_by: by })
    .where(sql<boolean>`id = any(${bookingIds}::bigint[])`)
    .where("status", "=", "Confirmed")
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== BigInt(bookingIds.length))
    throw new Error("Some of these bookings were no longer Confirmed.");
}
