import { bookingsCsvPath, bookingsXlsxPath } from "@skyfox/server/contract/plain";
import { plainCall, type GetPlain, type PlainCall, type PlainCallOptions } from "./plain-calls.ts";
import type { PlainCallPath } from "./router.ts";

/** A month of the calendar, 1 for January. */
export type Month = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** Which bookings, by booking time in the cinema's zone; a month without a year is that month of every year. */
export interface BookingsExportOptions extends PlainCallOptions {
  /** Left out for all months. */
  month?: Month | undefined;
  /** Four digits; left out for all years. */
  year?: number | undefined;
}

/** A file that is still on its way. */
export interface ExportFile {
  /** Such as `bookings_April_2025.csv`. */
  filename: string;
  /** Read it to its end or cancel it; it fails when the transfer breaks off. */
  stream: ReadableStream<Uint8Array>;
}

/** The file of `bookingsCsv`. */
export type BookingsCsv = ExportFile;

/** What `bookingsCsv` takes. */
export type BookingsCsvOptions = BookingsExportOptions;

/**
 * The files that SkyFox gives out: the bookings that count as revenue, newest first, for staff and admins. A call rejects as a procedure does:
 * with a `SkyfoxError`, or with an error that `isSkyfoxError` does not accept when no answer came. It is not repeated by itself, and the
 * client's timeout is for the answer's beginning only.
 */
export interface Exports {
  /** RFC 4180 in UTF-8 with a byte order mark. */
  bookingsCsv: PlainCall<"exports.bookingsCsv", BookingsExportOptions>;
  /** A workbook for Excel, LibreOffice and Google Sheets: phone numbers keep their zeros, dates and amounts are dates and numbers. */
  bookingsXlsx: PlainCall<"exports.bookingsXlsx", BookingsExportOptions>;
}

/** The exports of a client. */
export function exportsOf(get: GetPlain): Exports {
  const exportFrom =
    (name: PlainCallPath, path: string) =>
    async ({ month, year, ...options }: BookingsExportOptions = {}): Promise<ExportFile> => {
      const search = new URLSearchParams(
        Object.entries({ month, year }).flatMap(([key, value]) =>
          value === undefined ? [] : [[key, String(value)]],
        ),
      ).toString();
      return await get(
        { name, path: `${path}${search && `?${search}`}`, ...options },
        ({ headers, body }) => {
          const disposition = headers.get("content-disposition") ?? "";
          const filename = /\bfilename="([^"/\\]+)"/.exec(disposition)?.[1];
          return filename === undefined || body === null ? undefined : { filename, stream: body };
        },
      );
    };
  return {
    bookingsCsv: plainCall(exportFrom("exports.bookingsCsv", bookingsCsvPath)),
    bookingsXlsx: plainCall(exportFrom("exports.bookingsXlsx", bookingsXlsxPath)),
  };
}
