import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db } from "../connect.ts";
import { plannedByValues } from "../named-statements.ts";
import { paidStates, statesIn } from "../states.ts";
import type { PaymentModeEnum } from "../schema.ts";
import type { Period } from "./revenue.ts";

/** Where the next page begins: after this booking. The time is text, because a `Date` would lose its microseconds. */
export interface ExportCursor {
  bookedAt: string;
  bookingId: number;
}

/** A paid booking as it is exported: its times are the cinema's, `bookingTime` as `YYYY-MM-DD HH:MM:SS`. */
export interface ExportRow extends ExportCursor {
  showId: number;
  showDate: string;
  customerName: string;
  phoneNumber: string;
  seats: number;
  amountPaid: Decimal;
  paymentType: PaymentModeEnum;
  bookingTime: string;
  status: "Confirmed" | "CheckedIn";
}

/**
 * Bookings that count as revenue, newest first, made from `from` up to, not including, `to`, or at any time; `after` excludes that booking and
 * all newer ones.
 */
export async function listPaidBookings(
  db: Db,
  page: {
    cinemaTimeZone: string;
    period: Pick<Period, "from" | "to"> | undefined;
    after: ExportCursor | undefined;
    limit: number;
  },
): Promise<ExportRow[]> {
  const { period, after } = page;
  // Not one more condition than needed: the planner takes many for so few rows that it would sort all that is left for each page.
  const begins = period === undefined ? sql`true` : sql`b.booking_time >= ${period.from}`;
  const ends = period === undefined ? sql`true` : sql`b.booking_time < ${period.to}`;
  const goesOn =
    after === undefined
      ? ends
      : sql`(b.booking_time, b.id) < (${after.bookedAt}::timestamptz, ${after.bookingId}::bigint)`;
  const { rows } = await sql<ExportRow>`
    ${plannedByValues} select b.id as "bookingId", b.show_id as "showId", b.date as "showDate", coalesce(c.name, a.name, '') as "customerName",
      coalesce(c.number, a.number, '') as "phoneNumber", b.no_of_seats as seats, b.amount_paid as "amountPaid",
      b.payment_type as "paymentType", b.status, b.booking_time::text as "bookedAt",
      to_char(b.booking_time at time zone ${page.cinemaTimeZone}::text, 'YYYY-MM-DD HH24:MI:SS') as "bookingTime"
    from booking b
    left join customertable c on c.username = b.customer_username
    left join admin_booked_customer a on a.id = b.customer_id
    where b.status in ${statesIn(paidStates)} and ${begins} and ${goesOn}
    order by b.booking_time desc, b.id desc limit ${page.limit}`.execute(db);
  return rows;
}
