import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";
import { heldStates, isOverdueHold, openPaymentStates, paidStates, statesIn } from "../states.ts";

// Paid for, or just being paid for.
const beyondHold = ["Paying", ...paidStates] as const;

/**
 * Cancels a show and begins to give its bookings back; a show that is cancelled already keeps its reason. Locks the show, so that no hold
 * of it is under way.
 */
export async function cancelShowRow(
  tx: Tx,
  cancellation: { showId: number; reason: string; cancelledBy: string; now: Date },
): Promise<"now" | "before" | "no such show"> {
  const { showId, reason, cancelledBy, now } = cancellation;
  const show = await tx
    .selectFrom("show")
    .where("id", "=", showId)
    .select("cancelled_at")
    .forUpdate()
    .executeTakeFirst();
  if (show === undefined) return "no such show";
  const isNew = show.cancelled_at === null;
  if (isNew) {
    await tx
      .updateTable("show")
      .set({ cancelled_at: now, cancel_reason: reason })
      .where("id", "=", showId)
      .execute();
  }
  await tx
    .insertInto("show_cancellation")
    .values({ show_id: showId, cancelled_by: cancelledBy, started_at: now })
    .onConflict((conflict) => conflict.column("show_id").doNothing())
    .execute();
  return isNew ? "now" : "before";
}

/** Ends every hold of a show that is not being paid, as cancelled unless its time was over, frees its seats, and returns their ids. */
export async function cancelLiveHolds(tx: Tx, showId: number, now: Date): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    with held as (
      select id from booking where show_id = ${showId} and status = 'Pending' order by id for update
    ), cancelled as (
      update booking set ended_at = ${now},
        status = case when ${isOverdueHold(now)} then 'Expired' else 'Cancelled' end::booking_status
      from held where booking.id = held.id returning booking.id
    ), released as materialized (
      select release_claims(array(select id from cancelled))
    )
    select id from cancelled, released`.execute(tx);
  return rows.map(({ id }) => id);
}

/** The bookings of a show that are paid for, by id. */
export async function listPaidBookingsOfShow(db: Db, showId: number): Promise<number[]> {
  const rows = await db
    .selectFrom("booking")
    .where("show_id", "=", showId)
    // In the text, so that a plan for any values uses the partial index.
    .where(sql<boolean>`status in ${statesIn(paidStates)}`)
    .select("id")
    .orderBy("id")
    .execute();
  return rows.map(({ id }) => id);
}

/** A show's cancellation and how far it is: refunds count as done when the money is where it came from. */
export interface ShowCancellationRow {
  reason: string;
  cancelledBy: string;
  doneAt: Date | null;
  total: number;
  refunded: number;
  failed: { bookingId: number; error: string }[];
}

/** How far the cancellation of a show is; undefined when it is not cancelled. */
export async function findShowCancellation(db: Db, showId: number): Promise<ShowCancellationRow | undefined> {
  const { rows } = await sql<ShowCancellationRow>`
    with owed as (${owedByShow(showId)})
    select show.cancel_reason as reason, c.cancelled_by as "cancelledBy", c.done_at as "doneAt",
      (select count(*)::int from owed) as total,
      (select count(*)::int from owed where not is_open) as refunded,
      (
        select coalesce(jsonb_agg(jsonb_build_object('bookingId', id, 'error', error) order by id), '[]')
        from owed where is_open and error is not null
      ) as failed
    from show_cancellation c join show on show.id = c.show_id
    where c.show_id = ${showId}`.execute(db);
  return rows[0];
}

/**
 * The bookings that a cancellation has to give back, or may have to, and whether that is still open: what is paid for or just being paid
 * for, payments that may have been charged, and refunds made since it began. What was given back before is not its business.
 */
function owedByShow(showId: number) {
  return sql`
    select b.id,
      b.status in ${statesIn(beyondHold)} or doubt.payments > 0 or coalesce(refund.pending, false) as is_open,
      coalesce(
        refund.error, doubt.error,
        case when b.status in ${statesIn(paidStates)} and b.id = any(c.not_given_back) then ${notGivenBack} end
      ) as error
    from show_cancellation c
    join booking b on b.show_id = c.show_id
    cross join lateral (
      select count(*) as payments, min(p.last_error) as error from payment_transaction p
      where p.booking_id = b.id and (p.status in ${statesIn(openPaymentStates)} or p.contested)
    ) doubt
    cross join lateral (
      select count(*) as refunds, bool_or(r.state = 'pending') as pending, min(r.last_error) filter (where r.state = 'pending') as error
      from payment_refund r where r.booking_id = b.id and r.created_at >= c.started_at
    ) refund
    where c.show_id = ${showId} and (b.status in ${statesIn(beyondHold)} or doubt.payments > 0 or refund.refunds > 0)`;
}

// Stands for a failure of ours, whose text is the log's.
const notGivenBack = "it could not be given back yet: see the log for the reason; it is tried again";

/** Writes which paid bookings the latest round of a cancellation could not give back; none of them when all went well. */
export async function noteNotGivenBack(db: Db, showId: number, bookingIds: number[]): Promise<void> {
  await sql`
    update show_cancellation set not_given_back = ${bookingIds}
    where show_id = ${showId} and not_given_back <> ${bookingIds}::bigint[]`.execute(db);
}

/** Marks a cancellation as done once nothing of it is left to do. */
export async function finishShowCancellation(db: Db, showId: number, now: Date): Promise<void> {
  // From what is open, which is little, to its show: most bookings of a show may have ended long ago.
  await sql`
    update show_cancellation c set done_at = ${now}
    where c.show_id = ${showId} and c.done_at is null
      and not exists (
        select from booking where show_id = ${showId} and status in ${statesIn([...heldStates, ...paidStates])}
      )
      and not exists (
        select from booking where show_id = ${showId} and id = any(array(
          select booking_id from payment_transaction where status in ${statesIn(openPaymentStates)} and booking_id is not null
          union all select booking_id from payment_transaction where status = 'Unknown' or contested
          union all select booking_id from payment_refund where state = 'pending' and created_at >= (
            select started_at from show_cancellation where show_id = ${showId}
          )
        ))
      )`.execute(db);
}

/** The shows whose cancellation is not done. */
export async function listRunningShowCancellations(db: Db): Promise<number[]> {
  const rows = await db
    .selectFrom("show_cancellation")
    .where("done_at", "is", null)
    .select("show_id as showId")
    .orderBy("show_id")
    .execute();
  return rows.map(({ showId }) => showId);
}
