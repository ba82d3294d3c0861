import { listPaidBookings, type ExportRow } from "@skyfox/db";
import type { Deps } from "../deps.ts";
import { inertCell, toCsv } from "./csv.ts";
import { findPeriods } from "./periods.ts";

/** Which bookings are exported, by booking time in the cinema's zone; a month without a year is that month of every year. */
export interface ExportFilter {
  month?: number | undefined;
  year?: number | undefined;
}

/** Bookings in a page: a few milliseconds of work, between which other calls have their turn. */
export const exportPageSize = 1_000;

// Without it Excel takes UTF-8 for the machine's own code page and spoils every name that is not English.
const byteOrderMark = "\uFEFF";

/** The names of an export's columns, in their order. */
export const exportColumns = [
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
 * The bookings that count as revenue (Confirmed and CheckedIn, so that a month's amounts add up to its revenue), newest first, a page at a
 * time and no empty one. Each page is one statement that begins behind the last booking of the page before, so that nothing is held between
 * pages.
 */
export async function* listExportPages(
  deps: Pick<Deps, "db" | "clock" | "settings">,
  filter: ExportFilter,
): AsyncGenerator<ExportRow[], void> {
  const { cinemaTimeZone } = deps.settings;
  // A month of every year is one period in each, so that no page reads through the eleven months in between.
  const periods = (await findPeriods(deps, filter)) ?? [undefined];
  for (const period of periods.toReversed()) {
    let after: number | undefined;
    do {
      const rows = await listPaidBookings(deps.db, { cinemaTimeZone, period, after, limit: exportPageSize });
      if (rows.length > 0) yield rows;
      after = rows.length < exportPageSize ? undefined : rows.at(-1)?.bookingId;
    } while (after !== undefined);
  }
}

/** The bookings as RFC 4180 text in UTF-8, a part for each page: the columns' names come first, and cells are inert in a spreadsheet. */
export async function* toCsvFile(pages: AsyncIterable<ExportRow[]>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let head = byteOrderMark + toCsv([exportColumns]);
  for await (const rows of pages) {
    yield encoder.encode(head + toCsv(rows.map(toCells)));
    head = "";
  }
  if (head !== "") yield encoder.encode(head);
}

/** The name to save an export under, such as `bookings.csv`, `bookings_April.csv`, `bookings_2025.csv` or `bookings_April_2025.csv`. */
export function exportFilename({ month, year }: ExportFilter, extension: "csv" | "xlsx"): string {
  const name =
    month === undefined
      ? undefined
      : Temporal.PlainDate.from({ year: 2000, month, day: 1 }).toLocaleString("en", { month: "long" });
  return `${["bookings", name, year].filter((part) => part !== undefined).join("_")}.${extension}`;
}

function toCells(row: ExportRow): string[] {
  return [
    String(row.bookingId),
    String(row.showId),
    row.showDate,
    inertCell(row.customerName),
    inertCell(row.phoneNumber),
    String(row.seats),
    row.amountPaid,
    row.paymentType,
    row.bookingTime,
    row.status,
  ];
}
