import type { TRPCRouterRecord } from "@trpc/server";
import * as contract from "../contract/index.ts";
import { keyed } from "../idempotency/keyed.ts";
import { customerProcedure, signedInProcedure } from "../rpc/procedures.ts";
import { cancelBooking } from "../booking/cancel-booking.ts";
import { findLatestBooking, getBooking } from "../booking/get-booking.ts";
import { getTicketPdf, getTicketQr } from "../booking/get-ticket.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { listOwnBookings } from "../booking/list-own-bookings.ts";
import { payBooking } from "../booking/pay-booking.ts";

export const bookingRouter = {
  /** Holds seats of a show for five minutes. */
  initialize: customerProcedure
    .input(contract.holdSeatsInput)
    .output(contract.holdSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => holdSeats(ctx.deps, ctx.user, input, intent)),
    ),

  /** Pays a hold by card, by wallet, or by both. */
  pay: customerProcedure
    .input(contract.payBookingInput)
    .output(contract.bookingSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => payBooking(ctx.deps, ctx.user, input, intent)),
    ),

  /** Gives a hold up. */
  cancel: customerProcedure
    .input(contract.bookingIdInput)
    .output(contract.bookingSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => cancelBooking(ctx.deps, ctx.user, input, intent)),
    ),

  /** One booking: one's own, or any for staff and admins. */
  byId: signedInProcedure
    .input(contract.bookingIdInput)
    .output(contract.bookingSchema)
    .query(({ ctx, input }) => getBooking(ctx.deps, ctx.user, input)),

  /** The code that opens the door, as a picture. */
  ticketQr: signedInProcedure
    .input(contract.bookingIdInput)
    .output(contract.ticketQrSchema)
    .query(({ ctx, input }) => getTicketQr(ctx.deps, ctx.user, input)),

  /** The ticket to print. */
  ticketPdf: signedInProcedure
    .input(contract.bookingIdInput)
    .output(contract.ticketPdfSchema)
    .query(({ ctx, input }) => getTicketPdf(ctx.deps, ctx.user, input)),

  /** One's own bookings, newest first. */
  list: customerProcedure
    .input(contract.listBookingsInput)
    .output(contract.bookingPageSchema)
    .query(({ ctx, input }) => listOwnBookings(ctx.deps, ctx.user, input)),

  /** One's own newest booking, or null. */
  latest: customerProcedure
    .input(contract.latestBookingInput)
    .output(contract.latestBookingOutput)
    .query(({ ctx }) => findLatestBooking(ctx.deps, ctx.user)),
} satisfies TRPCRouterRecord;
