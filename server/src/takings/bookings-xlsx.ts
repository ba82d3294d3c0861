import type { ExportRow } from "@skyfox/db";
import { exportColumns } from "./export-bookings.ts";

// Excel's own codes. Text keeps the zero that a phone number begins with.
const formats: Record<string, { numFmt: string; width: number }> = {
  "Show Date": { numFmt: "yyyy-mm-dd", width: 12 },
  "Customer Name": { numFmt: "@", width: 28 },
  "Phone Number": { numFmt: "@", width: 14 },
  "Amount Paid": { numFmt: "0.00", width: 12 },
  "Booking Time": { numFmt: "yyyy-mm-dd hh:mm:ss", width: 20 },
};

/**
 * The bookings as an Office Open XML workbook (ECMA-376) of one sheet, written as it is read: names and phone numbers as text, which no
 * spreadsheet runs, times as the cinema's dates, amounts as numbers with two decimals, the columns' names in a frozen row.
 */
export async function* toXlsxFile(pages: AsyncIterable<ExportRow[]>): AsyncGenerator<Uint8Array, void> {
  // Loaded by the first workbook, to keep a server without one small.
  const { writeXlsxStream } = await import("hucre/xlsx");
  yield* writeXlsxStream(rowsOf(pages), {
    name: "Bookings",
    columns: exportColumns.map((header) => ({ header, width: 12, ...formats[header] })),
    freezePane: { rows: 1 },
  });
}

async function* rowsOf(pages: AsyncIterable<ExportRow[]>) {
  for await (const page of pages) yield* page.map(toRow);
}

function toRow(row: ExportRow) {
  return [
    row.bookingId,
    row.showId,
    asDate(`${row.showDate}T00:00:00`),
    row.customerName,
    row.phoneNumber,
    row.seats,
    // A cell is a binary number; two decimals of ten digits survive in it.
    Number(row.amountPaid),
    row.paymentType,
    asDate(row.bookingTime.replace(" ", "T")),
    row.status,
  ];
}

// A spreadsheet knows no zones: the writer takes the parts of the date in UTC, which are the cinema's here.
function asDate(local: string): Date {
  return new Date(`${local}Z`);
}
