import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db } from "../connect.ts";
import type { PaymentModeEnum } from "../schema.ts";

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

/** A whole month or year of the cinema's calendar: its first day as `YYYY-MM-DD`, and how long it is. */
export interface ExportPeriod {
  firstDay: string;
  length: "1 month" | "1 year";
}

/** Bookings that count as revenue, newest first, of a period or of all time; `after` excludes that booking and all newer ones. */
export async function listPaidBookings(
  db: Db,
  page: {
    cinemaTimeZone: string;
    period: ExportPeriod | undefined;
    after: ExportCursor | undefined;
    limit: number;
  },
): Promise<ExportRow[]> {
  const { period, after, cinemaTimeZone } = page;
  const localTime = sql`(b.booking_time at time zone ${cinemaTimeZone}::text)`;
  // The calendar decides, also where a clock change brings a day back; the instants around it are for the index. Not one more condition than
  // needed, and the calendar's as a CASE: the planner takes many for so few rows that it would sort all that is left for each page.
  const beforeEnd =
    period === undefined || after !== undefined
      ? sql`true`
      : sql`b.booking_time < (${period.firstDay}::date + ${period.length}::interval + interval '2 days') at time zone 'UTC'`;
  const inPeriod =
    period === undefined
      ? sql`true`
      : sql`case when ${localTime} >= ${period.firstDay}::date then ${localTime} < ${period.firstDay}::date + ${period.length}::interval else false end
          and b.booking_time > (${period.firstDay}::date - interval '2 days') at time zone 'UTC' and ${beforeEnd}`;
  const isOlder =
    after === undefined
      ? sql`true`
      : sql`(b.booking_time, b.id) < (${after.bookedAt}::timestamptz, ${after.bookingId}::bigint)`;
  const { rows } = await sql<ExportRow>`
    select b.id as "bookingId", b.show_id as "showId", b.date as "showDate", coalesce(c.name, a.name, '') as "customerName",
      coalesce(c.number, a.number, '') as "phoneNumber", b.no_of_seats as seats, b.amount_paid as "amountPaid",
      b.payment_type as "paymentType", to_char(${localTime}, 'YYYY-MM-DD HH24:MI:SS') as "bookingTime", b.status,
      b.booking_time::text as "bookedAt"
    from booking b
    left join customertable c on c.username = b.customer_username
    left join admin_booked_customer a on a.id = b.customer_id
    where b.status in ('Confirmed', 'CheckedIn') and ${inPeriod} and ${isOlder}
    order by b.booking_time desc, b.id desc limit ${page.limit}`.execute(db);
  return rows;
}

/** The cinema's years in which bookings were made that count as revenue, from the first to the last; undefined when there are none. */
export async function findBookingYears(
  db: Db,
  cinemaTimeZone: string,
): Promise<{ first: number; last: number } | undefined> {
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    select extract(year from min(booking_time) at time zone ${cinemaTimeZone}::text)::int as first,
      extract(year from max(booking_time) at time zone ${cinemaTimeZone}::text)::int as last
    from booking where status in ('Confirmed', 'CheckedIn')`.execute(db);
  const { first, last } = rows[0] ?? { first: null, last: null };
  return first === null || last === null ? undefined : { first, last };
}
