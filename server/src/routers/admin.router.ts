import type { TRPCRouterRecord } from "@trpc/server";
import { uncommonPasswordSchema } from "../auth/common-passwords.ts";
import * as contract from "../contract/index.ts";
import { cancelShow, getShowCancellation } from "../booking/cancel-show.ts";
import { userHashingProcedure, userProcedure } from "../rpc/procedures.ts";
import { withInput, withUser } from "../rpc/resolve.ts";
import { checkInTicket } from "../door/check-in-ticket.ts";
import { checkIn } from "../door/check-in.ts";
import { listStaff } from "../staff/list-staff.ts";
import { createStaff } from "../staff/create-staff.ts";
import { listDoor } from "../door/list-door.ts";
import { reportIntegrity } from "../payment/check-books.ts";
import { listDoubts, resolvePayment } from "../payment/payments-in-doubt.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { sellAtCounter } from "../booking/sell-at-counter.ts";
import { settlePayment } from "../payment/settle-payment.ts";
import { settleRefund } from "../payment/settle-refund.ts";
import { createScreen } from "../schedule/create-screen.ts";
import { listScreens } from "../schedule/list-screens.ts";
import { listMovies } from "../schedule/list-movies.ts";
import { listAllSlots, listFreeSlots } from "../schedule/list-slots.ts";
import { scheduleShow } from "../schedule/schedule-show.ts";
import { reportRevenue } from "../takings/report-revenue.ts";
import { unlockAccount } from "../staff/unlock-account.ts";
import { updateStaff } from "../staff/update-staff.ts";

export const adminRouter = {
  /** The films that can be shown. */
  movies: userProcedure
    .input(contract.moviesInput)
    .output(contract.moviesOutput)
    .query(withInput(listMovies)),

  /** The slots of a day and a screen that are still free. */
  slots: userProcedure
    .input(contract.freeSlotsInput)
    .output(contract.slotsOutput)
    .query(withInput(listFreeSlots)),

  /** All slots of a day. */
  allSlots: userProcedure
    .input(contract.allSlotsInput)
    .output(contract.slotsOutput)
    .query(withInput(listAllSlots)),

  /** Schedules a show. */
  createShow: userProcedure
    .input(contract.createShowInput)
    .output(contract.scheduledShowSchema)
    .mutation(withUser(scheduleShow)),

  /** Every screen with its capacity. */
  screens: userProcedure
    .input(contract.screensInput)
    .output(contract.screensOutput)
    .query(withInput(listScreens)),

  /** Adds a screen with a layout of its own. */
  createScreen: userProcedure
    .input(contract.createScreenInput)
    .output(contract.screenSchema)
    .mutation(withUser(createScreen)),

  /** All staff and admins, disabled ones too. */
  staff: userProcedure.input(contract.staffInput).output(contract.staffOutput).query(withInput(listStaff)),

  /** Employs a person. */
  createStaff: userHashingProcedure
    .input(contract.createStaffInput.extend({ password: uncommonPasswordSchema }))
    .output(contract.staffMemberSchema)
    .mutation(withUser(createStaff)),

  /** Changes role, counter or password, disables or enables; the person's sessions end. */
  updateStaff: userHashingProcedure
    .input(contract.updateStaffInput.extend({ password: uncommonPasswordSchema.optional() }))
    .output(contract.staffMemberSchema)
    .mutation(withUser(updateStaff)),

  /** Forgets the guesses that were counted on an account, so that its owner can log in and recover it again. */
  unlockAccount: userProcedure
    .input(contract.unlockAccountInput)
    .output(contract.unlockAccountOutput)
    .mutation(withUser(unlockAccount)),

  /** Sells seats to a walk-in customer for cash. */
  createBooking: userProcedure
    .input(contract.sellAtCounterInput)
    .output(contract.bookingSchema)
    .mutation(withUser(sellAtCounter)),

  /** Who may come in, or is in already, on a day or to a show. */
  doorList: userProcedure
    .input(contract.doorListInput)
    .output(contract.bookingPageSchema)
    .query(withInput(listDoor)),

  /** Lets the people of many bookings in. */
  checkIn: userProcedure
    .input(contract.checkInInput)
    .output(contract.checkInOutput)
    .mutation(withUser(checkIn)),

  /** Lets the people of a ticket in. */
  checkInTicket: userProcedure
    .input(contract.checkInTicketInput)
    .output(contract.checkInTicketOutput)
    .mutation(withUser(checkInTicket)),
  /** What bookings have brought, all together and in groups. */
  revenue: userProcedure
    .input(contract.revenueInput)
    .output(contract.revenueOutput)
    .query(withInput(reportRevenue)),

  /** Gives a confirmed booking's money back. */
  refundBooking: userProcedure
    .input(contract.refundBookingInput)
    .output(contract.bookingSchema)
    .mutation(withUser(refundBooking)),

  /** Cancels a show and gives all money for it back. */
  cancelShow: userProcedure
    .input(contract.cancelShowInput)
    .output(contract.showCancellationSchema)
    .mutation(withUser(cancelShow)),

  /** How far the cancellation of a show is. */
  showCancellation: userProcedure
    .input(contract.showIdInput)
    .output(contract.showCancellationSchema)
    .query(withInput(getShowCancellation)),

  /** Payments whose outcome is not known, and refunds that are not done. */
  paymentsInDoubt: userProcedure
    .input(contract.paymentsInDoubtInput)
    .output(contract.paymentsInDoubtPageSchema)
    .query(withInput(listDoubts)),

  /** Asks the gateway about a payment now. */
  resolvePayment: userProcedure
    .input(contract.resolvePaymentInput)
    .output(contract.resolvePaymentOutput)
    .mutation(withUser(resolvePayment)),

  /** Records what the gateway's own books say of a payment in doubt. */
  settlePayment: userProcedure
    .input(contract.settlePaymentInput)
    .output(contract.resolvePaymentOutput)
    .mutation(withUser(settlePayment)),

  /** Records that the gateway's own books have a refund that is owed. */
  settleRefund: userProcedure
    .input(contract.settleRefundInput)
    .output(contract.resolvePaymentOutput)
    .mutation(withUser(settleRefund)),

  /** Whatever of the books does not add up. */
  integrity: userProcedure
    .input(contract.integrityInput)
    .output(contract.integrityOutput)
    .query(withInput(reportIntegrity)),
} satisfies TRPCRouterRecord;
