import { listBookings } from "@skyfox/db";
import type { BookingPage, ListBookingsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { readCursor, toPage } from "../rpc/pages.ts";
import { describeBooking } from "./describe-booking.ts";

/** The customer's bookings, newest first, a page at a time. */
export async function listOwnBookings(
  deps: Deps,
  user: User,
  { status, cursor, limit }: ListBookingsInput,
): Promise<BookingPage> {
  const rows = await listBookings(deps.db, {
    username: user.username,
    status,
    beforeId: readCursor(cursor),
    limit: limit + 1,
    now: deps.clock.now(),
  });
  const bookings = rows.map((row) => describeBooking(deps, row));
  return toPage(bookings, limit, ({ bookingId }) => bookingId);
}
