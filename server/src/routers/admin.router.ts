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
  /** The films that can be shown, as the movie service has them. May take seconds; the SDK asks it in a request of its own. */
  movies: userProcedure
    .input(contract.moviesInput)
    .output(contract.moviesOutput)
    .query(withInput(listMovies)),

  /** The slots of a day and a screen that are still free and not past, by start. */
  slots: userProcedure
    .input(contract.freeSlotsInput)
    .output(contract.slotsOutput)
    .query(withInput(listFreeSlots)),

  /** All slots of a day, by start. */
  allSlots: userProcedure
    .input(contract.allSlotsInput)
    .output(contract.slotsOutput)
    .query(withInput(listAllSlots)),

  /**
   * Schedules a show and copies its film. What may be wrong but is for the cinema to decide is in `warnings`. Repeat it with the same
   * idempotency key and there is one show.
   */
  createShow: userProcedure
    .input(contract.createShowInput)
    .output(contract.scheduledShowSchema)
    .mutation(withUser(scheduleShow)),

  /** Every screen with its capacity, the oldest first. */
  screens: userProcedure
    .input(contract.screensInput)
    .output(contract.screensOutput)
    .query(withInput(listScreens)),

  /** Adds a screen with a layout of its own. Repeat it with the same idempotency key and there is one screen. */
  createScreen: userProcedure
    .input(contract.createScreenInput)
    .output(contract.screenSchema)
    .mutation(withUser(createScreen)),

  /** All staff and admins by username, disabled ones too. */
  staff: userProcedure.input(contract.staffInput).output(contract.staffOutput).query(withInput(listStaff)),

  /** Employs a person, who can log in at once. Repeat it with the same idempotency key and there is one account. */
  createStaff: userHashingProcedure
    .input(contract.createStaffInput.extend({ password: uncommonPasswordSchema }))
    .output(contract.staffMemberSchema)
    .mutation(withUser(createStaff)),

  /**
   * Changes role, counter or password, disables or enables; any of these ends the person's sessions. `LAST_ADMIN` when no active admin would be
   * left. Repeat it with the same idempotency key.
   */
  updateStaff: userHashingProcedure
    .input(contract.updateStaffInput.extend({ password: uncommonPasswordSchema.optional() }))
    .output(contract.staffMemberSchema)
    .mutation(withUser(updateStaff)),

  /**
   * Forgets the guesses that were counted on an account, so that its owner can log in and recover it again. It is audited. Repeat it with the
   * same idempotency key.
   */
  unlockAccount: userProcedure
    .input(contract.unlockAccountInput)
    .output(contract.unlockAccountOutput)
    .mutation(withUser(unlockAccount)),

  /**
   * Sells seats to a walk-in customer for cash; the booking is confirmed at once. `INVALID_AMOUNT` tells the price when another amount is sent.
   * Repeat it with the same idempotency key and the seats are sold once.
   */
  createBooking: userProcedure
    .input(contract.sellAtCounterInput)
    .output(contract.bookingSchema)
    .mutation(withUser(sellAtCounter)),

  /** Who may come in, or is in already, on a day or to a show, by start and show, a page at a time. Bookings of cancelled shows are left out. */
  doorList: userProcedure
    .input(contract.doorListInput)
    .output(contract.bookingPageSchema)
    .query(withInput(listDoor)),

  /**
   * Lets the people of 1 to 200 bookings in. Doors are open from 60 minutes before the start to the end of the show. Repeating it is harmless:
   * what was let in before is in `alreadyDone`.
   */
  checkIn: userProcedure
    .input(contract.checkInInput)
    .output(contract.checkInOutput)
    .mutation(withUser(checkIn)),

  /**
   * Lets the people of a ticket in; a used, forged or wrong ticket is an `outcome`, not an error. Repeating it is harmless: the second time it
   * is `alreadyDone`.
   */
  checkInTicket: userProcedure
    .input(contract.checkInTicketInput)
    .output(contract.checkInTicketOutput)
    .mutation(withUser(checkInTicket)),
  /** What bookings have brought, all together and in groups. May take seconds; the SDK asks it in a request of its own. */
  revenue: userProcedure
    .input(contract.revenueInput)
    .output(contract.revenueOutput)
    .query(withInput(reportRevenue)),

  /**
   * Gives a confirmed booking's money back: it is `Refunded`, its seats are free and its ticket is good no more, at once; what goes to a card
   * follows. Repeat it with the same idempotency key and the money goes back once.
   */
  refundBooking: userProcedure
    .input(contract.refundBookingInput)
    .output(contract.bookingSchema)
    .mutation(withUser(refundBooking)),

  /**
   * Cancels a show and gives all money for it back where it came from; `admin.showCancellation` tells how far that is. It goes on by itself. A
   * cancelled show keeps its first reason, and each booking is refunded once, however often this is called.
   */
  cancelShow: userProcedure
    .input(contract.cancelShowInput)
    .output(contract.showCancellationSchema)
    .mutation(withUser(cancelShow)),

  /** How far the cancellation of a show is. `SHOW_NOT_FOUND` also for a show that is not cancelled. */
  showCancellation: userProcedure
    .input(contract.showIdInput)
    .output(contract.showCancellationSchema)
    .query(withInput(getShowCancellation)),

  /** Payments whose outcome is not known, and refunds that are not done, newest first, a page at a time. */
  paymentsInDoubt: userProcedure
    .input(contract.paymentsInDoubtInput)
    .output(contract.paymentsInDoubtPageSchema)
    .query(withInput(listDoubts)),

  /**
   * Asks the gateway about a payment now, and sends its refund if one is owed. A settled payment is answered as it is. Repeat it with the same
   * idempotency key and it is audited once.
   */
  resolvePayment: userProcedure
    .input(contract.resolvePaymentInput)
    .output(contract.resolvePaymentOutput)
    .mutation(withUser(resolvePayment)),

  /**
   * Records what the gateway's own books say of a payment in doubt. `PAYMENT_IN_PROGRESS` until our call is twenty seconds old,
   * `PAYMENT_NOT_IN_DOUBT` once settled. It is audited. Repeat it with the same idempotency key.
   */
  settlePayment: userProcedure
    .input(contract.settlePaymentInput)
    .output(contract.resolvePaymentOutput)
    .mutation(withUser(settlePayment)),

  /**
   * Records that the gateway's own books have a refund that is owed. `PAYMENT_NOT_IN_DOUBT` when none is. It is audited. Repeat it with the same
   * idempotency key.
   */
  settleRefund: userProcedure
    .input(contract.settleRefundInput)
    .output(contract.resolvePaymentOutput)
    .mutation(withUser(settleRefund)),

  /** Whatever of the books does not add up. May take minutes in a cinema of many years; the SDK asks it in a request of its own. */
  integrity: userProcedure
    .input(contract.integrityInput)
    .output(contract.integrityOutput)
    .query(withInput(reportIntegrity)),
} satisfies TRPCRouterRecord;
