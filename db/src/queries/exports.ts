import { sql } from "kysely";
import type { Db } from "../connect.ts";
import { paidStates, statesIn } from "../states.ts";
import type { PaymentModeEnum } from "../schema.ts";
import type { Period } from "./revenue.ts";

/** A paid booking as it is exported: its times are the cinema's, `bookingTime` as `YYYY-MM-DD HH:MM:SS`. */
export interface ExportRow {
  bookingId: number;
  showId: number;
  showDate: string;
  customerName: string;
  phoneNumber: string;
  seats: number;
  /** With two decimals, such as `200.00`. */
  amountPaid: string;
  paymentType: PaymentModeEnum;
  bookingTime: string;
  status: "Confirmed" | "CheckedIn";
}

/**
 * Bookings that count as revenue, newest first, made from `from` up to, not including, `to`, or at any time; `after` is the id of a booking, and
 * excludes it and all newer ones.
 */
export async function listPaidBookings(
  db: Db,
  page: {
    cinemaTimeZone: string;
    period: Pick<Period, "from" | "to"> | undefined;
    after: number | undefined;
    limit: number;
  },
): Promise<ExportRow[]> {
  const { period, after } = page;
  const isBefore =
    after !== undefined
      ? sql`(b.booking_time, b.id) < ((select booking_time from booking where id = ${after}), ${after}::bigint)`
      : period === undefined
        ? sql`true`
        : sql`b.booking_time < ${period.to}`;
  // The page is read before it is asked whether it reaches beyond its period: with that to know, the planner reads and sorts all that is left of
  // a period instead of one page by its index.
  const isInPeriod = period === undefined ? sql`true` : sql`booked_at >= ${period.from}`;
  const { rows } = await sql<ExportRow>`
    select "bookingId", "showId", "showDate", "customerName", "phoneNumber", seats, "amountPaid", "paymentType", status,
      to_char(booked_at at time zone ${page.cinemaTimeZone}::text, 'YYYY-MM-DD HH24:MI:SS') as "bookingTime"
    from (
      select b.id as "bookingId", b.show_id as "showId", b.date as "showDate", coalesce(c.name, a.name, '') as "customerName",
        coalesce(c.number, a.number, '') as "phoneNumber", b.no_of_seats as seats, b.amount_paid::text as "amountPaid",
        b.payment_type as "paymentType", b.status, b.booking_time as booked_at
      from booking b
      left join customertable c on c.username = b.customer_username
      left join admin_booked_customer a on a.id = b.customer_id
      where b.status in ${statesIn(paidStates)} and ${isBefore}
      order by b.booking_time desc, b.id desc limit ${sql.lit(page.limit)}
    ) page
    where ${isInPeriod}
    order by booked_at desc, "bookingId" desc`.execute(db);
  return rows;
}
