import { findBooking, inTransaction, type BookingRow, type Tx } from "@skyfox/db";
import { describeBooking, describeBookingIn } from "../booking/describe-booking.ts";
import type { CheckInTicketInput, CheckInTicketOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import type { Ticket } from "../contract/index.ts";
import { letIn } from "./check-in.ts";

/**
 * Lets the people of a ticket in, as `checkIn` does those of a booking, if the ticket is one of ours and says what its booking says; a
 * forged one tells of no booking. With a `showId` it must be a ticket for that show.
 */
export async function checkInTicket(
  deps: Pick<Deps, "clock" | "db" | "settings" | "tickets">,
  user: User,
  { ticket: token, showId }: CheckInTicketInput,
): Promise<CheckInTicketOutput> {
  const ticket = await deps.tickets.verify(token);
  if (ticket === undefined) return { outcome: "invalid", reason: "FORGED" };
  return await inTransaction(deps.db, (tx) => letTicketIn(tx, deps, user, ticket, showId));
}

async function letTicketIn(
  tx: Tx,
  deps: Pick<Deps, "clock" | "settings">,
  user: User,
  ticket: Ticket,
  showId: number | undefined,
): Promise<CheckInTicketOutput> {
  const { bookingId } = ticket;
  // The show of a booking never changes, and its seats only while it is a hold, which is not let in: both may be read before it is locked.
  const booking = await findBooking(tx, bookingId);
  if (booking === undefined) return { outcome: "invalid", reason: "NOT_FOUND" };
  if (!isTicketOf(booking, ticket)) return { outcome: "invalid", reason: "FORGED" };
  if (showId !== undefined && showId !== ticket.showId)
    return { outcome: "invalid", reason: "WRONG_SHOW", booking: describeBooking(deps, booking) };
  const [verdict] = await letIn(tx, deps, user, [bookingId]);
  if (verdict === undefined) throw new Error(`There is no verdict on booking ${bookingId}.`);
  const { bookingId: _, ...answer } = verdict;
  return { ...answer, booking: await describeBookingIn(tx, deps, bookingId) };
}

function isTicketOf(booking: BookingRow, ticket: Ticket): boolean {
  const [booked, printed] = [booking.seatNumbers.toSorted(), ticket.seatNumbers.toSorted()];
  return booking.showId === ticket.showId && booked.join() === printed.join();
}
