import { isPaidBooking } from "@skyfox/db";
import type { Booking, BookingIdInput, TicketPdf, TicketQr } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { renderQr } from "../ticket/ticket-qr.ts";
import { getBooking } from "./get-booking.ts";
import type { BookingDeps } from "./ports.ts";

/**
 * The code that opens the door, as a picture: of one's own booking, or of any for staff and admins. Throws `BOOKING_NOT_FOUND`, alike for another
 * customer's and for none, `TICKET_NOT_AVAILABLE` with the status unless the booking is Confirmed or CheckedIn, and `RATE_LIMITED` after too many
 * within a minute.
 */
export async function getTicketQr(
  deps: BookingDeps & Pick<Deps, "limits" | "tickets">,
  user: User,
  input: BookingIdInput,
): Promise<TicketQr> {
  const { token } = await getTicket(deps, user, input);
  return { mimeType: "image/png", encoding: "base64", data: (await renderQr(token)).toString("base64") };
}

/** The ticket to print, with the same code. Throws what `getTicketQr` throws, `RATE_LIMITED` also when too many wait to be printed. */
export async function getTicketPdf(
  deps: BookingDeps & Pick<Deps, "limits" | "tickets" | "printer">,
  user: User,
  input: BookingIdInput,
): Promise<TicketPdf> {
  const ticket = await getTicket(deps, user, input);
  const pdf = await deps.printer.print({ ...ticket, ...deps.settings });
  return { mimeType: "application/pdf", encoding: "base64", data: pdf.toString("base64") };
}

async function getTicket(
  deps: BookingDeps & Pick<Deps, "limits" | "tickets">,
  user: User,
  input: BookingIdInput,
): Promise<{ booking: Booking; token: string }> {
  const booking = await getBooking(deps, user, input);
  const { status } = booking;
  if (!isPaidBooking(status)) throw new DomainError({ code: "TICKET_NOT_AVAILABLE", details: { status } });
  await deps.limits.count("tickets", { account: user.username, address: user.address });
  return { booking, token: await deps.tickets.sign(booking) };
}
