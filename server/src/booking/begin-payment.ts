import {
  beginPaying,
  confirmPaying,
  deductFromWallet,
  findCancelReason,
  findOpenPaymentStatus,
  insertPayment,
  insertWalletPayment,
  lockBooking,
  lockWallet,
  reserve,
  updateClaims,
  type LockedBooking,
  type Tx,
} from "@skyfox/db";
import { Decimal, type Booking, type PayBookingInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Begun } from "../idempotency/call.ts";
import { askAfter, assertNotOutOfDate } from "../payment/charge-card.ts";
import { describeBookingIn } from "./describe-booking.ts";
import type { BookingDeps } from "./ports.ts";
import { statusAt } from "./status-at.ts";

/**
 * Begins the payment of a hold, in one commit before the gateway is called: its expiry is frozen, the wallet's part reserved, and the payment's
 * row there. Where the wallet has enough, it is paid already. Throws what `payBooking` throws before a card is charged.
 */
export async function beginPayment(
  tx: Tx,
  deps: BookingDeps,
  user: User,
  input: PayBookingInput,
): Promise<Begun<Booking>> {
  const { booking, now } = await lockPayable(deps, tx, user, input.bookingId);
  await beginPaying(tx, booking.id, new Date(now.getTime() + deps.settings.payingSeconds * 1_000));
  await updateClaims(tx, booking.id, null);
  const { walletAmount, cardAmount } = await splitAmount(deps, tx, user, booking, input);
  const { username } = user;
  const payment = {
    bookingId: booking.id,
    username,
    method: input.method,
    walletAmount,
    cardAmount,
    startedAt: now,
  };
  if (cardAmount.isZero()) {
    const transactionId = `wallet-${crypto.randomUUID()}`;
    const paymentId = await insertWalletPayment(tx, { ...payment, transactionId });
    const change = { username, amount: walletAmount, reserved: new Decimal(0), bookingId: booking.id };
    await deductFromWallet(tx, { ...change, paymentId, transactionId, now });
    await confirmPaying(tx, booking.id, payment);
    return { paid: await describeBookingIn(tx, deps, booking.id) };
  }
  if (!walletAmount.isZero() && !(await reserve(tx, username, walletAmount)))
    throw new Error(`The wallet of ${username} has changed under its lock.`);
  return { payment: await insertPayment(tx, { ...payment, askAfter: askAfter(now) }) };
}

async function lockPayable(
  deps: BookingDeps,
  tx: Tx,
  user: User,
  bookingId: number,
): Promise<{ booking: LockedBooking; now: Date }> {
  const booking = await lockBooking(tx, bookingId);
  if (booking === undefined || booking.username !== user.username)
    throw new DomainError({ code: "BOOKING_NOT_FOUND" });
  // Read after the lock: the wait for it may have been longer than the hold had left.
  const now = deps.clock.nowFrom(booking.lockedAt);
  if (booking.status === "Paying") {
    const isUnknown = (await findOpenPaymentStatus(tx, bookingId)) === "Unknown";
    throw new DomainError({ code: isUnknown ? "PAYMENT_OUTCOME_UNKNOWN" : "PAYMENT_IN_PROGRESS" });
  }
  const status = statusAt(booking, now);
  if (status === "Expired") throw new DomainError({ code: "BOOKING_EXPIRED" });
  const reason = await findCancelReason(tx, booking.showId);
  // A hold that was cancelled with its show says so.
  if (reason !== undefined && (status === "Pending" || status === "Cancelled"))
    throw new DomainError({ code: "SHOW_CANCELLED", details: { reason } });
  if (status !== "Pending") throw new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
  return { booking, now };
}

// By wallet, the card pays exactly what the wallet lacks.
async function splitAmount(
  deps: BookingDeps,
  tx: Tx,
  user: User,
  booking: LockedBooking,
  input: PayBookingInput,
): Promise<{ walletAmount: Decimal; cardAmount: Decimal }> {
  const required = booking.amountDue;
  if (input.method === "Card") return { walletAmount: new Decimal(0), cardAmount: required };
  const wallet = await lockWallet(tx, user.username);
  const available = wallet.balance.minus(wallet.reserved);
  const walletAmount = Decimal.min(available, required);
  const cardAmount = required.minus(walletAmount);
  if (cardAmount.isZero()) return { walletAmount, cardAmount };
  if (input.card === undefined)
    throw new DomainError({ code: "INSUFFICIENT_BALANCE", details: { required, available } });
  // Only a card that is needed is looked at.
  assertNotOutOfDate(deps, input.card);
  return { walletAmount, cardAmount };
}
