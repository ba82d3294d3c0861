import { sql, type Updateable } from "kysely";
import type { Db, Tx } from "../connect.ts";
import type { Booking, BookingStatus } from "../schema.ts";
import { isOverdueHold, paidStates } from "../states.ts";
import type { NextBookingStatus } from "../transitions.ts";
import { databaseNow } from "./clock.ts";

const reading = new WeakMap<Db, ReturnType<typeof buildReading>>();

/** Bookings with what the contract publishes of them, for queries that choose which. Built once for each database. */
export function readBookings(db: Db): ReturnType<typeof buildReading> {
  const built = reading.get(db) ?? buildReading(db);
  reading.set(db, built);
  return built;
}

function buildReading(db: Db) {
  return db
    .selectFrom("booking as b")
    .innerJoin("show as s", "s.id", "b.show_id")
    .innerJoin("screen", "screen.id", "s.screen_id")
    .innerJoin("movie as m", "m.movie_id", "s.movie_id")
    .leftJoin("customertable as c", "c.username", "b.customer_username")
    .leftJoin("admin_booked_customer as a", "a.id", "b.customer_id")
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom("payment_transaction as p")
          .leftJoin("payment_refund as r", "r.payment_id", "p.id")
          .whereRef("p.booking_id", "=", "b.id")
          .where("p.status", "=", "Completed")
          // The payment that counts; of payments given back the latest.
          .orderBy(sql`r.id is not null`)
          .orderBy("p.id", "desc")
          .limit(1)
          .select(["p.id", "p.transaction_id"])
          .as("paid"),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom("payment_refund as r")
          .whereRef("r.booking_id", "=", "b.id")
          .where((refund) =>
            refund.or([
              refund("r.payment_id", "is", null),
              refund("r.payment_id", "=", refund.ref("paid.id")),
            ]),
          )
          .orderBy("r.id", "desc")
          .limit(1)
          .select(["r.amount", "r.destination", "r.state", "r.created_at"])
          .as("refund"),
      (join) => join.onTrue(),
    )
    .select((eb) => [
      "b.id as bookingId",
      "b.show_id as showId",
      "b.date as showDate",
      "s.starts_at as startsAt",
      "m.title as movieTitle",
      "screen.name as screenName",
      sql<string[]>`array(
        select seat_number::text from booking_seat_mapping where booking_id = b.id order by id
      )`.as("seatNumbers"),
      "b.amount_due as amountDue",
      "b.amount_paid as amountPaid",
      "b.payment_type as paymentType",
      "b.wallet_amount as walletAmount",
      "b.card_amount as cardAmount",
      "b.status",
      "b.booking_time as bookingTime",
      "b.expires_at as expiresAt",
      "b.customer_username as username",
      eb.fn.coalesce("c.name", "a.name").as("customerName"),
      eb.fn.coalesce("c.number", "a.number").as("phoneNumber"),
      "paid.transaction_id as transactionId",
      "refund.amount as refundAmount",
      "refund.destination as refundTo",
      "refund.state as refundState",
      "refund.created_at as refundAt",
    ]);
}

/** A booking with its show, seats in the order they were chosen, customer, and the payment that counts with its refund. */
export async function findBooking(db: Db, bookingId: number) {
  return await readBookings(db).where("b.id", "=", bookingId).executeTakeFirst();
}

/** A booking as it is stored: an overdue hold still says Pending here. */
export type BookingRow = NonNullable<Awaited<ReturnType<typeof findBooking>>>;

/** Whose bookings, from where on and how many; `beforeId` excludes that booking and all newer ones. */
export interface BookingFilter {
  username: string;
  /** The status as readers see it: a hold whose time is over is Expired, whether or not that is written yet. */
  status?: BookingStatus | undefined;
  beforeId?: number | undefined;
  limit: number;
  now: Date;
}

/** A customer's bookings, newest first. */
export async function listBookings(db: Db, filter: BookingFilter): Promise<BookingRow[]> {
  let query = readBookings(db).where("b.customer_username", "=", filter.username);
  if (filter.beforeId !== undefined) query = query.where("b.id", "<", filter.beforeId);
  if (filter.status === "Pending") {
    query = query.where("b.status", "=", "Pending").where("b.expires_at", ">", filter.now);
  } else if (filter.status === "Expired") {
    query = query.where((eb) => eb.or([eb("b.status", "=", "Expired"), isOverdueHold(filter.now, "b")]));
  } else if (filter.status !== undefined) {
    query = query.where("b.status", "=", filter.status);
  }
  return await query.orderBy("b.id", "desc").limit(filter.limit).execute();
}

/** Which bookings the door wants to see; `after` is the last one of the page before. */
export interface DoorFilter {
  /** The shows' date in the cinema's zone. */
  date?: string | undefined;
  showId?: number | undefined;
  after?: { showId: number; bookingId: number } | undefined;
  limit: number;
}

/** Bookings that are confirmed or checked in, of shows that go on, by the start of the show, then by show and id. */
export async function listDoorBookings(
  db: Db,
  { date, showId, after, limit }: DoorFilter,
): Promise<BookingRow[]> {
  let page = db
    .selectFrom("booking as b")
    .innerJoin("show as s", "s.id", "b.show_id")
    .where("b.status", "in", paidStates)
    .where("s.cancelled_at", "is", null);
  if (date !== undefined) page = page.where("s.date", "=", date);
  if (showId !== undefined) page = page.where("s.id", "=", showId);
  if (after !== undefined) {
    page = page.where(sql<boolean>`(s.starts_at, s.id, b.id) > (
      select starts_at, id, ${after.bookingId}::bigint from show where id = ${after.showId}
    )`);
  }
  // An array, so that the page is chosen before anything else of its bookings is read: a join would read that of all bookings there are.
  const ids = page.select("b.id").orderBy("s.starts_at").orderBy("s.id").orderBy("b.id").limit(limit);
  return await readBookings(db)
    .where(sql<boolean>`b.id = any(array(${ids}))`)
    .orderBy("s.starts_at")
    .orderBy("s.id")
    .orderBy("b.id")
    .execute();
}

/** Locks a booking and reads what decides about it; `lockedAt` is the database's time once it is locked. */
export async function lockBooking(tx: Tx, bookingId: number) {
  return await tx
    .with("locked", (db) =>
      db
        .selectFrom("booking")
        .where("id", "=", bookingId)
        .select([
          "id",
          "show_id as showId",
          "customer_username as username",
          "status",
          "no_of_seats as seats",
          "held_from as heldFrom",
          "amount_due as amountDue",
          "amount_paid as amountPaid",
          "expires_at as expiresAt",
          "declined_cards as declinedCards",
        ])
        .forUpdate(),
    )
    .selectFrom("locked")
    .selectAll()
    .select(databaseNow.as("lockedAt"))
    .executeTakeFirst();
}

/** What decides about a booking; true until the transaction that locked it ends. */
export type LockedBooking = NonNullable<Awaited<ReturnType<typeof lockBooking>>>;

/** The reason when the show is cancelled; undefined while it goes on. */
export async function findCancelReason(db: Db, showId: number): Promise<string | undefined> {
  const row = await db.selectFrom("show").where("id", "=", showId).select("cancel_reason").executeTakeFirst();
  return row?.cancel_reason ?? undefined;
}

/**
 * How one locked booking changes its state: from the state the caller saw under lock to the next, with what changes along. Throws, and changes
 * nothing, when it was no longer in that state. Three statements go on with many bookings at once, and check the state themselves: `expire`
 * in holds.ts, `cancelLiveHolds` and `checkBookingsIn`.
 */
async function move<From extends BookingStatus>(
  tx: Tx,
  bookingId: number,
  [from, to]: [From, NextBookingStatus<From>],
  values: Updateable<Booking>,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable("booking")
    .set({ ...values, status: to })
    .where("id", "=", bookingId)
    .where("status", "=", from)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new Error(`Booking ${bookingId} was no longer ${from}.`);
}

/** Makes a booking whose payment failed a hold again, until `expiresAt`, with all its declined cards counted. */
export async function returnToPending(
  tx: Tx,
  bookingId: number,
  hold: { expiresAt: Date; declinedCards: number },
): Promise<void> {
  await move(tx, bookingId, ["Paying", "Pending"], {
    paying_until: null,
    expires_at: hold.expiresAt,
    declined_cards: hold.declinedCards,
  });
}

/** Ends a booking whose payment failed for good or too late; its claims on seats are the caller's to release. */
export async function endPaying(
  tx: Tx,
  bookingId: number,
  end: { status: "Cancelled" | "Expired"; declinedCards: number; now: Date },
): Promise<void> {
  await move(tx, bookingId, ["Paying", end.status], {
    paying_until: null,
    declined_cards: end.declinedCards,
    ended_at: end.now,
  });
}

/** Ends a paid booking whose money goes back; its claims on seats are the caller's to release. */
export async function endRefunded(
  tx: Tx,
  bookingId: number,
  from: "Confirmed" | "CheckedIn",
  now: Date,
): Promise<void> {
  await move<"Confirmed" | "CheckedIn">(tx, bookingId, [from, "Refunded"], { ended_at: now });
}
