import { findBooking, type BookingRow, type Db } from "@skyfox/db";
import type { Booking } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { statusAt } from "./status-at.ts";

/** A booking as it is in this transaction, which has just changed it. */
export async function describeBookingIn(
  tx: Db,
  deps: Pick<Deps, "clock" | "settings">,
  bookingId: number,
): Promise<Booking> {
  const row = await findBooking(tx, bookingId);
  if (row === undefined) throw new Error(`There is no booking ${bookingId}.`);
  return describeBooking(deps, row);
}

/** A booking as the contract publishes it; a hold whose time is over reads as Expired, whether or not that is written yet. */
export function describeBooking(deps: Pick<Deps, "clock" | "settings">, row: BookingRow): Booking {
  const now = deps.clock.now();
  const status = statusAt(row, now);
  const expiresAt = status === "Pending" || status === "Paying" ? row.expiresAt : null;
  const start = row.startsAt.toTemporalInstant().toZonedDateTimeISO(deps.settings.cinemaTimeZone);
  return {
    bookingId: row.bookingId,
    showId: row.showId,
    showDate: row.showDate,
    showTime: start.toPlainTime().toString({ smallestUnit: "minute" }),
    startsAt: row.startsAt,
    movieTitle: row.movieTitle,
    screenName: row.screenName,
    seatNumbers: row.seatNumbers,
    amountDue: row.amountDue,
    amountPaid: row.amountPaid,
    paymentType: row.paymentType,
    walletAmount: row.walletAmount,
    cardAmount: row.cardAmount,
    status,
    bookingTime: row.bookingTime,
    expiresAt,
    timeRemainingMs: expiresAt && Math.max(0, expiresAt.getTime() - now.getTime()),
    customerName: row.customerName ?? "",
    phoneNumber: row.phoneNumber ?? "",
    transactionId: row.transactionId,
    refund: describeRefund(row),
  };
}

function describeRefund(row: BookingRow): Booking["refund"] {
  const { refundAmount: amount, refundTo: to, refundState: state, refundAt: at } = row;
  return amount === null || to === null || state === null || at === null ? null : { amount, to, state, at };
}
