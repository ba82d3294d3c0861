import { bookingsCsvPath } from "@skyfox/server/contract";
import type { GetPlain } from "./plain-calls.ts";

/** A month of the calendar, 1 for January. */
export type Month = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** Which bookings, by booking time in the cinema's zone; a month without a year is that month of every year. */
export interface BookingsCsvOptions {
  month?: Month | undefined;
  /** Four digits. */
  year?: number | undefined;
  /** Ends the request, and the stream while it is being read. */
  signal?: AbortSignal | undefined;
}

/** A file that is still on its way. */
export interface BookingsCsv {
  /** Such as `bookings_April_2025.csv`. */
  filename: string;
  /** UTF-8 with a byte order mark. Read it to its end or cancel it; it fails when the transfer breaks off. */
  stream: ReadableStream<Uint8Array>;
}

/** The files that SkyFox gives out. */
export interface Exports {
  /**
   * The bookings that count as revenue, newest first, for staff and admins. Rejects as a call does: with a `SkyfoxError`, or with one that
   * `isSkyfoxError` does not accept when no answer came. Not repeated by itself; the client's timeout is for the answer's beginning only.
   */
  bookingsCsv(options?: BookingsCsvOptions): Promise<BookingsCsv>;
}

/** The exports of a client. */
export function exportsOf(get: GetPlain): Exports {
  return {
    async bookingsCsv({ month, year, signal } = {}) {
      const search = new URLSearchParams(
        Object.entries({ month, year }).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)]],
        ),
      ).toString();
      const path = `${bookingsCsvPath}${search && `?${search}`}`;
      return await get({ name: "exports.bookingsCsv", path, signal }, ({ headers, body }) => {
        const disposition = headers.get("content-disposition") ?? "";
        const filename = /\bfilename="([^"/\\]+)"/.exec(disposition)?.[1];
        return filename === undefined || body === null ? undefined : { filename, stream: body };
      });
    },
  };
}
