import { listScreens, listStaff } from "@skyfox/db";
import type { TRPCRouterRecord } from "@trpc/server";
import { uncommonPasswordSchema } from "../auth/common-passwords.ts";
import * as contract from "../contract/index.ts";
import { keyed } from "../idempotency/keyed.ts";
import { cancelShow, getShowCancellation } from "../booking/cancel-show.ts";
import { adminHashingProcedure, adminProcedure, staffProcedure } from "../rpc/procedures.ts";
import { checkInTicket } from "../door/check-in-ticket.ts";
import { checkIn } from "../door/check-in.ts";
import { createStaff } from "../staff/create-staff.ts";
import { listDoor } from "../door/list-door.ts";
import { listDoubts, resolvePayment } from "../payment/payments-in-doubt.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { sellAtCounter } from "../booking/sell-at-counter.ts";
import { settlePayment } from "../payment/settle-payment.ts";
import { settleRefund } from "../payment/settle-refund.ts";
import { createScreen } from "../schedule/create-screen.ts";
import { listMovies } from "../schedule/list-movies.ts";
import { listAllSlots, listFreeSlots } from "../schedule/list-slots.ts";
import { scheduleShow } from "../schedule/schedule-show.ts";
import { reportRevenue } from "../takings/report-revenue.ts";
import { unlockAccount } from "../staff/unlock-account.ts";
import { updateStaff } from "../staff/update-staff.ts";

export const adminRouter = {
  /** The films that can be shown. */
  movies: adminProcedure
    .input(contract.moviesInput)
    .output(contract.moviesOutput)
    .query(({ ctx }) => listMovies(ctx.deps)),

  /** The slots of a day and a screen that are still free. */
  slots: adminProcedure
    .input(contract.freeSlotsInput)
    .output(contract.slotsOutput)
    .query(({ ctx, input }) => listFreeSlots(ctx.deps, input)),

  /** All slots of a day. */
  allSlots: adminProcedure
    .input(contract.allSlotsInput)
    .output(contract.slotsOutput)
    .query(({ ctx }) => listAllSlots(ctx.deps)),

  /** Schedules a show. */
  createShow: adminProcedure
    .input(contract.createShowInput)
    .output(contract.scheduledShowSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => scheduleShow(ctx.deps, ctx.user, input, intent)),
    ),

  /** Every screen with its capacity. */
  screens: adminProcedure
    .input(contract.screensInput)
    .output(contract.screensOutput)
    .query(({ ctx }) => listScreens(ctx.deps.db)),

  /** Adds a screen with a layout of its own. */
  createScreen: adminProcedure
    .input(contract.createScreenInput)
    .output(contract.screenSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => createScreen(ctx.deps, ctx.user, input, intent)),
    ),

  /** All staff and admins, disabled ones too. */
  staff: adminProcedure
    .input(contract.staffInput)
    .output(contract.staffOutput)
    .query(({ ctx }) => listStaff(ctx.deps.db)),

  /** Employs a person. */
  createStaff: adminHashingProcedure
    .input(contract.createStaffInput.extend({ password: uncommonPasswordSchema }))
    .output(contract.staffMemberSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => createStaff(ctx.deps, ctx.user, input, intent)),
    ),

  /** Changes role, counter or password, disables or enables; the person's sessions end. */
  updateStaff: adminHashingProcedure
    .input(contract.updateStaffInput.extend({ password: uncommonPasswordSchema.optional() }))
    .output(contract.staffMemberSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => updateStaff(ctx.deps, ctx.user, input, intent)),
    ),

  /** Forgets the guesses that were counted on an account, so that its owner can log in and recover it again. */
  unlockAccount: adminProcedure
    .input(contract.unlockAccountInput)
    .output(contract.unlockAccountOutput)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => unlockAccount(ctx.deps, ctx.user, input, intent)),
    ),

  /** Sells seats to a walk-in customer for cash. */
  createBooking: adminProcedure
    .input(contract.sellAtCounterInput)
    .output(contract.bookingSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => sellAtCounter(ctx.deps, ctx.user, input, intent)),
    ),

  /** Who may come in, or is in already, on a day or to a show. */
  doorList: staffProcedure
    .input(contract.doorListInput)
    .output(contract.bookingPageSchema)
    .query(({ ctx, input }) => listDoor(ctx.deps, input)),

  /** Lets the people of many bookings in. */
  checkIn: staffProcedure
    .input(contract.checkInInput)
    .output(contract.checkInOutput)
    .mutation(({ ctx, input }) => checkIn(ctx.deps, ctx.user, input)),

  /** Lets the people of a ticket in. */
  checkInTicket: staffProcedure
    .input(contract.checkInTicketInput)
    .output(contract.checkInTicketOutput)
    .mutation(({ ctx, input }) => checkInTicket(ctx.deps, ctx.user, input)),
  /** What bookings have brought, all together and in groups. */
  revenue: adminProcedure
    .input(contract.revenueInput)
    .output(contract.revenueOutput)
    .query(({ ctx, input }) => reportRevenue(ctx.deps, input)),

  /** Gives a confirmed booking's money back. */
  refundBooking: adminProcedure
    .input(contract.refundBookingInput)
    .output(contract.bookingSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => refundBooking(ctx.deps, ctx.user, input, intent)),
    ),

  /** Cancels a show and gives everybody's money back. */
  cancelShow: adminProcedure
    .input(contract.cancelShowInput)
    .output(contract.showCancellationSchema)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => cancelShow(ctx.deps, ctx.user, input, intent)),
    ),

  /** How far the cancellation of a show is. */
  showCancellation: adminProcedure
    .input(contract.showIdInput)
    .output(contract.showCancellationSchema)
    .query(({ ctx, input }) => getShowCancellation(ctx.deps, input)),

  /** Payments that nobody knows the outcome of, and refunds that are not done. */
  paymentsInDoubt: adminProcedure
    .input(contract.paymentsInDoubtInput)
    .output(contract.paymentsInDoubtPageSchema)
    .query(({ ctx, input }) => listDoubts(ctx.deps, input)),

  /** Asks the gateway about a payment now. */
  resolvePayment: adminProcedure
    .input(contract.resolvePaymentInput)
    .output(contract.resolvePaymentOutput)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => resolvePayment(ctx.deps, ctx.user, input, intent)),
    ),

  /** Records what the gateway's own books say of a payment in doubt. */
  settlePayment: adminProcedure
    .input(contract.settlePaymentInput)
    .output(contract.resolvePaymentOutput)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => settlePayment(ctx.deps, ctx.user, input, intent)),
    ),

  /** Records that the gateway's own books have a refund that is owed. */
  settleRefund: adminProcedure
    .input(contract.settleRefundInput)
    .output(contract.resolvePaymentOutput)
    .mutation(({ ctx, input, path }) =>
      keyed(ctx, path, input, (intent) => settleRefund(ctx.deps, ctx.user, input, intent)),
    ),

  /** Whatever of the books does not add up. */
  integrity: adminProcedure
    .input(contract.integrityInput)
    .output(contract.integrityOutput)
    .query(async ({ ctx }) => ({ violations: await ctx.deps.books.listViolations() })),
} satisfies TRPCRouterRecord;
