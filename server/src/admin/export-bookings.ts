import {
  findBookingYears,
  listPaidBookings,
  type ExportCursor,
  type ExportPeriod,
  type ExportRow,
} from "@skyfox/db";
import type { Deps } from "../deps.ts";
import { inertCell, toCsv } from "./csv.ts";

/** Which bookings are exported, by booking time in the cinema's zone; a month without a year is that month of every year. */
export interface ExportFilter {
  month?: number | undefined;
  year?: number | undefined;
}

/** Bookings in a page: a few milliseconds of work, between which other calls have their turn. */
export const exportPageSize = 500;

// Without it Excel takes UTF-8 for the machine's own code page and spoils every name that is not English.
const byteOrderMark = "\uFEFF";

const columns = [
  "Booking ID",
  "Show ID",
  "Show Date",
  "Customer Name",
  "Phone Number",
  "Number of Seats",
  "Amount Paid",
  "Payment Type",
  "Booking Time",
  "Status",
];

/**
 * The bookings that count as revenue (Confirmed and CheckedIn, so that a month's amounts add up to its revenue), newest first, as RFC 4180 text: the
 * columns' names with the first page, then a page at a time. Each page is one statement that begins behind the last booking of the page
 * before, so that nothing is held while nobody asks for the next one.
 */
export async function* exportBookings(deps: Deps, filter: ExportFilter): AsyncGenerator<string, void> {
  let head = byteOrderMark + toCsv([columns]);
  for (const period of await listPeriods(deps, filter)) {
    let after: ExportCursor | undefined;
    do {
      const rows = await listPaidBookings(deps.db, {
        cinemaTimeZone: deps.settings.cinemaTimeZone,
        period,
        after,
        limit: exportPageSize,
      });
      if (rows.length > 0) yield head + toCsv(rows.map(toCells));
      if (rows.length > 0) head = "";
      after = rows.length < exportPageSize ? undefined : rows.at(-1);
    } while (after !== undefined);
  }
  if (head !== "") yield head;
}

/** The name to save an export under: `bookings.csv`, `bookings_April.csv`, `bookings_2025.csv` or `bookings_April_2025.csv`. */
export function exportFilename({ month, year }: ExportFilter): string {
  const name =
    month === undefined
      ? undefined
      : Temporal.PlainDate.from({ year: 2000, month, day: 1 }).toLocaleString("en", { month: "long" });
  return `${["bookings", name, year].filter((part) => part !== undefined).join("_")}.csv`;
}

// Newest first. A month of every year is one period in each, so that no page reads through the eleven months in between.
async function listPeriods(deps: Deps, { month, year }: ExportFilter): Promise<(ExportPeriod | undefined)[]> {
  if (year !== undefined) return [periodOf(year, month)];
  if (month === undefined) return [undefined];
  const years = await findBookingYears(deps.db, deps.settings.cinemaTimeZone);
  if (years === undefined) return [];
  const { first, last } = years;
  return Array.from({ length: last - first + 1 }, (_, index) => periodOf(last - index, month));
}

function periodOf(year: number, month: number | undefined): ExportPeriod {
  const firstDay = Temporal.PlainDate.from({ year, month: month ?? 1, day: 1 }).toString();
  return { firstDay, length: month === undefined ? "1 year" : "1 month" };
}

function toCells(row: ExportRow): string[] {
  return [
    String(row.bookingId),
    String(row.showId),
    row.showDate,
    inertCell(row.customerName),
    inertCell(row.phoneNumber),
    String(row.seats),
    row.amountPaid.toFixed(2),
    row.paymentType,
    row.bookingTime,
    row.status,
  ];
}
