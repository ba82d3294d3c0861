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
  /** Holds seats of a show for five minutes. */
  initialize: userProcedure
    .input(contract.holdSeatsInput)
    .output(contract.holdSchema)
    .mutation(withUser(holdSeats, holdAsItIs)),

  /** Holds the best adjacent seats of a show for five minutes. */
  initializeBest: userProcedure
    .input(contract.bestSeatsInput)
    .output(contract.holdSchema)
    .mutation(withUser(holdBestSeats, holdAsItIs)),

  /** Gives a hold other seats of its show; its time goes on. */
  changeSeats: userProcedure
    .input(contract.changeSeatsInput)
    .output(contract.holdSchema)
    .mutation(withUser(changeSeats, holdAsItIs)),

  /** Pays a hold by card, by wallet, or by both. */
  pay: userProcedure
    .input(contract.payBookingInput)
    .output(contract.bookingSchema)
    .mutation(withUser(payBooking)),

  /** Gives a hold up. */
  cancel: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.bookingSchema)
    .mutation(withUser(cancelBooking)),

  /** One booking: one's own, or any for staff and admins. */
  byId: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.bookingSchema)
    .query(withUser(getBooking)),

  /** The code that opens the door, as a picture. */
  ticketQr: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.ticketQrSchema)
    .query(withUser(getTicketQr)),

  /** The ticket to print. */
  ticketPdf: userProcedure
    .input(contract.bookingIdInput)
    .output(contract.ticketPdfSchema)
    .query(withUser(getTicketPdf)),

  /** One's own bookings, newest first. */
  list: userProcedure
    .input(contract.listBookingsInput)
    .output(contract.bookingPageSchema)
    .query(withUser(listOwnBookings)),

  /** One's own newest booking, or null. */
  latest: userProcedure
    .input(contract.latestBookingInput)
    .output(contract.latestBookingOutput)
    .query(withUser(findLatestBooking)),
} satisfies TRPCRouterRecord;
