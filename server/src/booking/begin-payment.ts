import {
  beginBookingPayment,
  type BegunBookingPayment,
  type BookingRow,
  type Db,
  type NewKey,
  type PaymentRefusal,
} from "@skyfox/db";
import type { Booking, PayBookingInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { KeyTaken, type Begun } from "../idempotency/call.ts";
import type { PlannedTry } from "../limits/ports.ts";
import { askAfterMs, assertNotOutOfDate } from "../payment/charge-card.ts";
import { describeBooking } from "./describe-booking.ts";
import type { BookingDeps } from "./ports.ts";

/**
 * Begins the payment of a hold by one statement, committed before the gateway is called: its key is taken, its expiry frozen, the wallet's part
 * reserved, and the payment's row there. Where the wallet has enough, it is paid already. Throws what `payBooking` throws before a card is
 * charged, and `KeyTaken`.
 */
export async function beginPayment(
  db: Db,
  deps: BookingDeps,
  user: User,
  input: PayBookingInput,
  { key, tried }: { key: NewKey | undefined; tried: PlannedTry | undefined },
): Promise<Begun<Booking>> {
  const { bookingId, method, card } = input;
  const { payingSeconds } = deps.settings;
  const order = { bookingId, username: user.username, method, hasCard: card !== undefined, payingSeconds };
  const begun = await beginBookingPayment(db, order, {
    key,
    time: deps.clock.standsAt,
    askAfterMs,
    tried: tried?.counted,
  });
  if ("refusal" in begun) throw errorOf(begun, tried);
  deps.clock.nowFrom(begun.at);
  if (begun.transactionId !== null) return { paid: describePaid(deps, begun, begun.transactionId) };
  // By wallet only a card that is needed is looked at. A refusal takes back the transaction of what has begun.
  if (method === "Wallet" && card !== undefined) assertNotOutOfDate(deps, card);
  return {
    payment: begun.payment,
    counted: begun.counted,
    foretell: ({ transactionId }) => describePaid(deps, begun, transactionId),
  };
}

function errorOf(refused: PaymentRefusal, tried: PlannedTry | undefined): Error {
  switch (refused.refusal) {
    case "KEY_TAKEN":
      return new KeyTaken();
    case "RATE_LIMITED":
      // Only a try that is counted can be one too many.
      return tried!.refusal(refused.until);
    case "SHOW_CANCELLED":
      return new DomainError({ code: "SHOW_CANCELLED", details: { reason: refused.cancelReason } });
    case "INVALID_BOOKING_STATUS":
      return new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status: refused.status } });
    case "INSUFFICIENT_BALANCE": {
      const { required, available } = refused;
      return new DomainError({ code: "INSUFFICIENT_BALANCE", details: { required, available } });
    }
    default:
      return new DomainError({ code: refused.refusal });
  }
}

// What a paid booking says is known when its payment begins; from then on only the outcome is open.
function describePaid(
  deps: BookingDeps,
  { booking, payment }: BegunBookingPayment,
  transactionId: string,
): Booking {
  const { method, walletAmount, cardAmount } = payment;
  const paid: BookingRow = {
    ...booking,
    status: "Confirmed",
    paymentType: method,
    amountPaid: booking.amountDue,
    walletAmount,
    cardAmount,
    transactionId,
    refundAmount: null,
    refundTo: null,
    refundState: null,
    refundAt: null,
  };
  return describeBooking(deps, paid);
}
