import { listBookings } from "@skyfox/db";
import type { BookingPage, ListBookingsInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { readCursor, toPage } from "../rpc/pages.ts";
import { describeBooking } from "./describe-booking.ts";
import type { BookingDeps } from "./ports.ts";

/** The customer's bookings, newest first, a page at a time. */
export async function listOwnBookings(
  deps: BookingDeps,
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
