import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db } from "../connect.ts";
import type { NewKey } from "./keys.ts";
import { byKey, type NewTry, type WindowEnd } from "./limits.ts";
import type { OpenPayment } from "./payments.ts";

// The steps of a payment by card, each one statement. Their rules are in the functions of migrations 0023 and 0026.

/** What a statement that begins a payment needs besides what is paid. */
export interface Beginning {
  /** Undefined for a call without one. */
  key: NewKey | undefined;
  /** The time to go by; undefined for the database's own, once what is paid is locked. */
  time: Date | undefined;
  /** How long after its beginning a payment is asked about, should its server not learn the outcome. */
  askAfterMs: number;
  /** What the card counts in as one that fails, until it turned out not to have failed; undefined without a card. */
  tried: NewTry | undefined;
}

/** Who pays for which hold, and how. */
export interface BookingPaymentOrder {
  bookingId: number;
  username: string;
  method: "Card" | "Wallet";
  /** Whether a card is there to pay what the wallet lacks. */
  hasCard: boolean;
  payingSeconds: number;
}

/** A hold whose payment has begun, with what its answer will say. */
export interface BegunBookingPayment extends Begun {
  /** The reference of a payment that the wallet has made alone, and which is completed. */
  transactionId: string | null;
  booking: {
    bookingId: number;
    username: string;
    showId: number;
    showDate: string;
    startsAt: Date;
    movieTitle: string;
    screenName: string;
    seatNumbers: string[];
    amountDue: Decimal;
    bookingTime: Date;
    expiresAt: Date;
    customerName: string | null;
    phoneNumber: string | null;
  };
}

interface Begun {
  payment: OpenPayment;
  /** The time by which it was decided. */
  at: Date;
  /** The windows that the card was counted in, with their ends in milliseconds since 1970; none where it was not counted. */
  counted: WindowEnd[];
}

/** Why a payment did not begin; nothing has changed. */
export type PaymentRefusal =
  | { refusal: "KEY_TAKEN" }
  | LimitedCard
  | {
      refusal: "BOOKING_NOT_FOUND" | "PAYMENT_OUTCOME_UNKNOWN" | "PAYMENT_IN_PROGRESS" | "BOOKING_EXPIRED";
    }
  | { refusal: "SHOW_CANCELLED"; cancelReason: string }
  | { refusal: "INVALID_BOOKING_STATUS"; status: BegunRow["status"] }
  | { refusal: "INSUFFICIENT_BALANCE"; required: Decimal; available: Decimal };

/** Too many cards have failed, until then in milliseconds since 1970. */
export interface LimitedCard {
  refusal: "RATE_LIMITED";
  until: number;
}

interface BegunRow {
  refusal: PaymentRefusal["refusal"] | null;
  cancel_reason: string;
  available: Decimal;
  moment: Date;
  payment_id: number;
  gateway_key: string;
  wallet_amount: Decimal;
  card_amount: Decimal;
  transaction_id: string | null;
  show_id: number;
  show_date: string;
  starts_at: Date;
  movie_title: string;
  screen_name: string;
  seat_numbers: string[];
  status: "Confirmed" | "CheckedIn" | "Cancelled" | "Refunded";
  amount_due: Decimal;
  booking_time: Date;
  expires_at: Date;
  customer_name: string | null;
  phone_number: string | null;
  limited_until?: number | null;
  counted_until?: number[] | null;
}

/**
 * Begins the payment of a hold and takes the call's key. With a wallet that has enough it is paid already. A refusal changes nothing. Throws an error
 * by which `isKeyLocked` knows that another call kept the key locked.
 */
export async function beginBookingPayment(
  db: Db,
  order: BookingPaymentOrder,
  { key, time, askAfterMs, tried }: Beginning,
): Promise<BegunBookingPayment | PaymentRefusal> {
  const { bookingId, username, method } = order;
  const { rows } = await sql<BegunRow>`
    select * from begin_payment(
      ${bookingId}, ${username}, ${method}, ${order.hasCard}, ${time ?? null}, ${order.payingSeconds}, ${askAfterMs}, ${valuesOf(key)}
      ${countedAs(tried)}
    )`.execute(db);
  const row = rows[0]!;
  if (row.refusal !== null) return refusalOf(row.refusal, row);
  return {
    payment: {
      ...openPaymentOf(row),
      bookingId,
      username,
      method,
      walletAmount: row.wallet_amount,
      cardAmount: row.card_amount,
    },
    at: row.moment,
    counted: countedOf(tried, row.counted_until),
    transactionId: row.transaction_id,
    booking: {
      bookingId,
      username,
      showId: row.show_id,
      showDate: row.show_date,
      startsAt: row.starts_at,
      movieTitle: row.movie_title,
      screenName: row.screen_name,
      seatNumbers: row.seat_numbers,
      amountDue: row.amount_due,
      bookingTime: row.booking_time,
      expiresAt: row.expires_at,
      customerName: row.customer_name,
      phoneNumber: row.phone_number,
    },
  };
}

function refusalOf(refusal: PaymentRefusal["refusal"], row: BegunRow): PaymentRefusal {
  switch (refusal) {
    case "RATE_LIMITED":
      return { refusal, until: row.limited_until! };
    case "SHOW_CANCELLED":
      return { refusal, cancelReason: row.cancel_reason };
    case "INVALID_BOOKING_STATUS":
      return { refusal, status: row.status };
    case "INSUFFICIENT_BALANCE":
      return { refusal, required: row.amount_due, available: row.available };
    default:
      return { refusal };
  }
}

/** A top-up that has begun, with the wallet as it is then. */
export interface BegunTopUp extends Begun {
  balance: Decimal;
  available: Decimal;
}

/** Begins a top-up and takes the call's key. A refusal changes nothing: `room` is what the wallet can still take. Throws as `beginBookingPayment`. */
export async function beginTopUp(
  db: Db,
  { username, amount, maxBalance }: { username: string; amount: Decimal; maxBalance: Decimal },
  { key, time, askAfterMs, tried }: Beginning,
): Promise<
  BegunTopUp | LimitedCard | { refusal: "KEY_TAKEN" } | { refusal: "AMOUNT_TOO_LARGE"; room: Decimal }
> {
  const { rows } = await sql<{
    refusal: "KEY_TAKEN" | "RATE_LIMITED" | "AMOUNT_TOO_LARGE" | null;
    room: Decimal;
    moment: Date;
    payment_id: number;
    gateway_key: string;
    balance: Decimal;
    available: Decimal;
    limited_until?: number | null;
    counted_until?: number[] | null;
  }>`
    select * from begin_top_up(
      ${username}, ${amount}, ${maxBalance}, ${time ?? null}, ${askAfterMs}, ${valuesOf(key)}
      ${countedAs(tried)}
    )`.execute(db);
  const row = rows[0]!;
  if (row.refusal === "AMOUNT_TOO_LARGE") return { refusal: row.refusal, room: row.room };
  if (row.refusal === "RATE_LIMITED") return { refusal: row.refusal, until: row.limited_until! };
  if (row.refusal !== null) return { refusal: row.refusal };
  const parts = { walletAmount: amount.minus(amount), cardAmount: amount };
  return {
    payment: { ...openPaymentOf(row), bookingId: null, username, method: "Card", ...parts },
    at: row.moment,
    counted: countedOf(tried, row.counted_until),
    balance: row.balance,
    available: row.available,
  };
}

function openPaymentOf(row: Pick<BegunRow, "payment_id" | "gateway_key" | "moment">) {
  return { id: row.payment_id, gatewayKey: row.gateway_key, startedAt: row.moment, attempts: 0 };
}

// Without a card, the function that counts nothing.
function countedAs(tried: NewTry | undefined) {
  if (tried === undefined) return sql``;
  const windows = byKey(tried.windows);
  const keys = windows.map(({ key }) => key);
  const most = windows.map(({ max }) => max);
  return sql`, ${keys}, ${most}, ${windows.map(({ expire }) => expire)}, ${tried.nowMs}`;
}

function countedOf(tried: NewTry | undefined, ends: number[] | null | undefined) {
  if (tried === undefined || !ends) return [];
  return byKey(tried.windows).map(({ key }, index) => ({ key, expire: ends[index]! }));
}

function valuesOf(key: NewKey | undefined) {
  return sql.join([
    key?.procedure ?? null,
    key?.key ?? null,
    key?.fingerprint ?? null,
    key?.now ?? null,
    key?.expiresAt ?? null,
  ]);
}

/** A charge that is to be used, with the answer that is kept for the call that began the payment. */
export interface AcceptedCharge {
  paymentId: number;
  transactionId: string;
  now: Date;
  /** Undefined where the caller keeps it in the same transaction, or the call has no key. */
  kept: { answer: string; expiresAt: Date } | undefined;
}

/** Confirms the booking that this charge has paid; false, and nothing changed, where it does not wait for it any more. */
export async function acceptPayment(db: Db, charge: AcceptedCharge): Promise<boolean> {
  const { paymentId, transactionId, now, kept } = charge;
  const { rows } = await sql<{ accepted: boolean }>`
    select accepted from accept_payment(
      ${paymentId}, ${transactionId}, ${now}, ${kept?.answer ?? null}, ${kept?.expiresAt ?? null}
    ) as accepted`.execute(db);
  return rows[0]!.accepted;
}

/** Adds the funds that this charge has paid; false, and nothing changed, where the payment is not open, or the wallet would not be as `said`. */
export async function acceptTopUp(
  db: Db,
  charge: AcceptedCharge,
  said?: { balance: Decimal; available: Decimal },
): Promise<boolean> {
  const { paymentId, transactionId, now, kept } = charge;
  const { rows } = await sql<{ accepted: boolean }>`
    select accepted from accept_top_up(
      ${paymentId}, ${transactionId}, ${now}, ${kept?.answer ?? null}, ${kept?.expiresAt ?? null},
      ${said?.balance ?? null}, ${said?.available ?? null}
    ) as accepted`.execute(db);
  return rows[0]!.accepted;
}
