import { findBooking, listBookings } from "@skyfox/db";
import type { Booking, BookingIdInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { describeBooking } from "./describe-booking.ts";
import type { BookingDeps } from "./ports.ts";

/** A booking of one's own, or any for staff and admins. Throws `BOOKING_NOT_FOUND`, alike for another customer's and for none. */
export async function getBooking(
  deps: BookingDeps,
  user: User,
  { bookingId }: BookingIdInput,
): Promise<Booking> {
  const row = await findBooking(deps.db, bookingId);
  if (row === undefined || (user.role === "customer" && row.username !== user.username)) {
    throw new DomainError({ code: "BOOKING_NOT_FOUND" });
  }
  return describeBooking(deps, row);
}

/** The customer's newest booking, in whatever state. */
export async function findLatestBooking(deps: BookingDeps, user: User): Promise<Booking | null> {
  const [row] = await listBookings(deps.db, { username: user.username, limit: 1, now: deps.clock.now() });
  return row === undefined ? null : describeBooking(deps, row);
}
