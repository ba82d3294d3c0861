import { listDoorBookings } from "@skyfox/db";
import { describeBooking } from "../booking/describe-booking.ts";
import type { BookingPage, DoorListInput } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { notACursor, toPage } from "../rpc/pages.ts";
import { cinemaToday } from "../show/window.ts";

/**
 * Who may come in, and who has come already, on a day or to a show: by the start of the show, then by show and booking, a page at a time.
 * It has no bookings of cancelled shows. Throws `VALIDATION_ERROR` for a cursor of another list.
 */
export async function listDoor(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  { date, showId, cursor, limit }: DoorListInput,
): Promise<BookingPage> {
  const rows = await listDoorBookings(deps.db, {
    date: date ?? (showId === undefined ? cinemaToday(deps) : undefined),
    showId,
    after: readDoorCursor(cursor),
    limit: limit + 1,
  });
  const bookings = rows.map((row) => describeBooking(deps, row));
  return toPage(bookings, limit, (booking) => `${booking.showId}-${booking.bookingId}`);
}

function readDoorCursor(cursor: DoorListInput["cursor"]): { showId: number; bookingId: number } | undefined {
  if (cursor === undefined || cursor === null) return undefined;
  const [, showId, bookingId] = /^([1-9]\d{0,14})-([1-9]\d{0,14})$/.exec(cursor) ?? [];
  if (showId === undefined || bookingId === undefined) throw notACursor();
  return { showId: Number(showId), bookingId: Number(bookingId) };
}
