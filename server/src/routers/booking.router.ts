import type { TRPCRouterRecord } from "@trpc/server";
import * as contract from "../contract/index.ts";
import { userProcedure } from "../rpc/procedures.ts";
import { withUser } from "../rpc/resolve.ts";
import { cancelBooking } from "../booking/cancel-booking.ts";
import { changeSeats } from "../booking/change-seats.ts";
import { findLatestBooking, getBooking } from "../booking/get-booking.ts";
import { getTicketPdf, getTicketQr } from "../booking/get-ticket.ts";
import { holdBestSeats } from "../booking/hold-best-seats.ts";
import { holdAsItIs, holdSeats } from "../booking/hold-seats.ts";
import { listOwnBookings } from "../booking/list-own-bookings.ts";
import { payBooking } from "../booking/pay-booking.ts";

export const bookingRouter = {
  /**
   * Holds seats of a show for five minutes, all of them or none. `SEATS_UNAVAILABLE` names those that are taken. Repeat it with the same
   * idempotency key and there is one hold, with the time that is left now. A customer has five unpaid holds at most (`TOO_MANY_HOLDS`) and makes
   * 120 calls for seats a minute.
   */
  initialize: userProcedure
    .input(contract.holdSeatsInput)
    .output(contract.holdSchema)
    .mutation(withUser(holdSeats, holdAsItIs)),

  /**
   * Holds the best adjacent seats of a show for five minutes, and the next best ones when another buyer was faster. `NO_ADJACENT_SEATS` tells
   * how many are left side by side. Repeat it with the same idempotency key and there is one hold. Limits as of `booking.initialize`.
   */
  initializeBest: userProcedure
    .input(contract.bestSeatsInput)
    .output(contract.holdSchema)
    .mutation(withUser(holdBestSeats, holdAsItIs)),

  /**
   * Gives a hold other seats of its show, all of them or none; its time goes on. When it is refused, the hold keeps the seats it has. Repeat it
   * with the same idempotency key. Counts as a call of `booking.initialize`.
   */
  changeSeats: userProcedure
    .input(contract.changeSeatsInput)
    .output(contract.holdSchema)
    .mutation(withUser(changeSeats, holdAsItIs)),

  /**
   * Pays a hold by card, by wallet, or by both; nothing is charged twice. After `PAYMENT_DECLINED` another card is another intent with a new
   * idempotency key, until `retryUntil`. `PAYMENT_OUTCOME_UNKNOWN` means that the gateway has not answered: repeat it with the same key, or look
   * at the booking, and never pay under a new one. 20 failed cards in 15 minutes are followed by `RATE_LIMITED`.
   */
  pay: userProcedure
    .input(contract.payBookingInput)
    .output(contract.bookingSchema)
    .mutation(withUser(payBooking)),

  /**
   * Gives a hold up; its seats are free at once. A paid booking is `INVALID_BOOKING_STATUS`: admins refund those. Repeat it with the same
   * idempotency key.
   */
  cancel: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.bookingSchema)
    .mutation(withUser(cancelBooking)),

  /** One booking: one's own, or any for staff and admins. Another customer's is `BOOKING_NOT_FOUND`. */
  byId: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.bookingSchema)
    .query(withUser(getBooking)),

  /**
   * The code that opens the door, as a PNG of 256 by 256 pixels. `TICKET_NOT_AVAILABLE` before payment and after a refund. At most 60 tickets a
   * minute.
   */
  ticketQr: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.ticketQrSchema)
    .query(withUser(getTicketQr)),

  /** The ticket to print: one A4 page with the same code. `TICKET_NOT_AVAILABLE` before payment and after a refund. At most 60 tickets a minute. */
  ticketPdf: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.ticketPdfSchema)
    .query(withUser(getTicketPdf)),

  /** One's own bookings, newest first, a page at a time; a page has 20 unless asked otherwise, and 100 at most. */
  list: userProcedure
    .input(contract.listBookingsInput)
    .output(contract.bookingPageSchema)
    .query(withUser(listOwnBookings)),

  /** One's own newest booking in whatever state, or null before the first one. */
  latest: userProcedure
    .input(contract.latestBookingInput)
    .output(contract.latestBookingOutput)
    .query(withUser(findLatestBooking)),
} satisfies TRPCRouterRecord;
