import { Decimal, type Booking } from "../src/contract/index.ts";
import type { TicketContents } from "../src/ticket/ports.ts";
import { testStart } from "./test-app.ts";

/** A ticket to print: two seats paid by card, but for what the test changes. */
export function ticketOf(change: Partial<Booking> = {}): TicketContents {
  const booking: Booking = {
    bookingId: 1_042,
    showId: 87,
    showDate: "2026-03-10",
    showTime: "16:30",
    startsAt: new Date("2026-03-10T11:00:00Z"),
    movieTitle: "Inception",
    screenName: "screen 1",
    seatNumbers: ["A1", "A2"],
    amountDue: new Decimal("400.00"),
    amountPaid: new Decimal("400.00"),
    paymentType: "Card",
    walletAmount: new Decimal(0),
    cardAmount: new Decimal("400.00"),
    status: "Confirmed",
    bookingTime: testStart,
    expiresAt: null,
    timeRemainingMs: null,
    customerName: "Anna Lee",
    phoneNumber: "9876543210",
    transactionId: "of-the-tests",
    refund: null,
    ...change,
  };
  // As long as a token is.
  const token = `${"e".repeat(131)}.${"y".repeat(68)}.${"A".repeat(86)}`;
  return { booking, token, cinemaName: "SkyFox", cinemaTimeZone: "Asia/Kolkata", currency: "INR" };
}
