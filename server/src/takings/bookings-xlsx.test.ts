import type { ExportRow } from "@skyfox/db";
import { readXlsx } from "hucre/xlsx";
import { expect, test } from "vitest";
import { toXlsxFile } from "./bookings-xlsx.ts";

const row: ExportRow = {
  bookingId: 7,
  showId: 3,
  showDate: "2026-03-29",
  customerName: "Asha Rao",
  phoneNumber: "0123456789",
  seats: 2,
  amountPaid: "450.50",
  paymentType: "Card",
  bookingTime: "2026-03-29 02:30:05",
  status: "Confirmed",
};

async function* inPages(...pages: ExportRow[][]) {
  yield* pages;
}

async function readFile(pages: AsyncIterable<ExportRow[]>) {
  const bytes = Buffer.concat(await Array.fromAsync(toXlsxFile(pages)));
  const { sheets } = await readXlsx(bytes);
  const [sheet] = sheets;
  if (sheet === undefined || sheets.length > 1) throw new Error("There is one sheet.");
  return sheet;
}

test("a row has texts, dates of the cinema's calendar and numbers, below the frozen names of the columns", async () => {
  const sheet = await readFile(inPages([row]));
  expect(sheet.rows).toEqual([
    [
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
    ],
    [
      7,
      3,
      new Date("2026-03-29T00:00:00Z"),
      "Asha Rao",
      "0123456789",
      2,
      450.5,
      "Card",
      new Date("2026-03-29T02:30:05Z"),
      "Confirmed",
    ],
  ]);
  expect(sheet.freezePane).toMatchObject({ rows: 1 });
});

test("pages follow each other, and none is a sheet with the names alone", async () => {
  const ids = async (pages: AsyncIterable<ExportRow[]>) =>
    (await readFile(pages)).rows.slice(1).map(([id]) => id);
  expect(await ids(inPages([row, { ...row, bookingId: 6 }], [{ ...row, bookingId: 5 }]))).toEqual([7, 6, 5]);
  expect(await ids(inPages())).toEqual([]);
});

test.each(["=HYPERLINK(1)", "+1", "@x", "<b>&amp;", 'a"b', "अनीता 李 😀"])("%j stays text", async (name) => {
  const sheet = await readFile(inPages([{ ...row, customerName: name }]));
  expect(sheet.rows[1]?.[3]).toBe(name);
});

test.each(["0.01", "9999999999.99", "1.10", "100000.00"])("%s keeps its two decimals", async (amount) => {
  const sheet = await readFile(inPages([{ ...row, amountPaid: amount }]));
  expect(Number(sheet.rows[1]?.[6]).toFixed(2)).toBe(amount);
});
