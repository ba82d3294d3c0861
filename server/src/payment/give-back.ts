import {
  addToWallet,
  endRefunded,
  findPaymentOfBooking,
  insertRefund,
  releaseClaims,
  type LockedBooking,
  type Tx,
} from "@skyfox/db";
import { Decimal } from "../contract/index.ts";

/** Who gives a paid booking's money back, where to and why. */
export interface GiveBack {
  /** `source`: the wallet's part to the wallet, the card's part to the card. `wallet`: all of it to the wallet, where there is one. */
  to: "source" | "wallet";
  reason: string;
  refundedBy: string;
  now: Date;
}

/**
 * Ends a locked, paid booking: its seats are free and its money goes back with the same commit, the card's part by an intent that the
 * reconciler sends to the gateway. A sale at the counter is given back there, whatever was asked.
 */
export async function giveBookingBack(
  tx: Tx,
  booking: LockedBooking & { status: "Confirmed" | "CheckedIn" },
  { to, reason, refundedBy, now }: GiveBack,
): Promise<void> {
  const bookingId = booking.id;
  await endRefunded(tx, bookingId, booking.status, now);
  await releaseClaims(tx, bookingId);
  const nothing = new Decimal(0);
  const payment = await findPaymentOfBooking(tx, bookingId);
  const shared = { bookingId, reason, refundedBy, now };
  if (payment === undefined) {
    const counter = { destination: "counter" as const, amount: booking.amountPaid, paymentId: null };
    await insertRefund(tx, { ...shared, ...counter, walletAmount: nothing, cardAmount: nothing });
    return;
  }
  const { amount, username } = payment;
  // A card that paid at the counter belongs to no account with a wallet.
  const destination = username === null ? "source" : to;
  const cardAmount = destination === "wallet" ? nothing : payment.cardAmount;
  const walletAmount = amount.minus(cardAmount);
  const parts = { destination, amount, cardAmount, walletAmount, paymentId: payment.id };
  const refundId = await insertRefund(tx, { ...shared, ...parts });
  if (refundId === undefined) throw new Error(`Payment ${payment.id} has been given back already.`);
  if (walletAmount.isZero() || username === null) return;
  const transactionId = `refund-${refundId}`;
  await addToWallet(tx, { username, amount: walletAmount, bookingId, refundId, transactionId, now });
}
