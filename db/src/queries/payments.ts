import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";
import type { PaymentStatus } from "../schema.ts";

/** A payment whose outcome is to be learnt; `attempts` counts the times that the gateway was asked afterwards. */
export interface OpenPayment {
  id: number;
  bookingId: number;
  /** The gateway charges once for it, however often it is sent. */
  gatewayKey: string;
  amount: Decimal;
  startedAt: Date;
  attempts: number;
}

const openPaymentColumns = [
  "id",
  "booking_id as bookingId",
  "gateway_key as gatewayKey",
  "amount",
  "started_at as startedAt",
  "attempts",
] as const;

/** The row that is there before the gateway is called. */
export async function insertPayment(
  tx: Tx,
  payment: { bookingId: number; amount: Decimal; startedAt: Date; askAfter: Date },
): Promise<OpenPayment> {
  return await tx
    .insertInto("payment_transaction")
    .values({
      booking_id: payment.bookingId,
      payment_method: "Card",
      amount: payment.amount,
      status: "Started",
      started_at: payment.startedAt,
      next_attempt_at: payment.askAfter,
    })
    .returning(openPaymentColumns)
    .executeTakeFirstOrThrow();
}

/** The status of the booking's open payment, if it has one. */
export async function findOpenPaymentStatus(db: Db, bookingId: number): Promise<PaymentStatus | undefined> {
  const row = await db
    .selectFrom("payment_transaction")
    .where("booking_id", "=", bookingId)
    .where("status", "in", ["Started", "Unknown"])
    .select("status")
    .executeTakeFirst();
  return row?.status;
}

/** The status as this transaction sees it; throws when there is no such payment. */
export async function getPaymentStatus(db: Db, paymentId: number): Promise<PaymentStatus> {
  const row = await db
    .selectFrom("payment_transaction")
    .where("id", "=", paymentId)
    .select("status")
    .executeTakeFirstOrThrow();
  return row.status;
}

/** What the gateway did in the end; `transactionId` is there when it charged, `error` when it did not. */
export interface FinalOutcome {
  status: "Completed" | "Declined" | "Rejected" | "Failed";
  transactionId?: string;
  error?: string;
  now: Date;
  /** Where the gateway is to be asked once more. */
  onceMoreAt?: Date;
}

/** Writes a final outcome over one of the states that the caller saw under the booking's lock. */
export async function finishPayment(
  tx: Tx,
  paymentId: number,
  from: readonly PaymentStatus[],
  outcome: FinalOutcome,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable("payment_transaction")
    .set({
      status: outcome.status,
      transaction_id: outcome.transactionId ?? null,
      last_error: outcome.error ?? null,
      processed_at: outcome.now,
      next_attempt_at: outcome.onceMoreAt ?? null,
    })
    .where("id", "=", paymentId)
    .where("status", "in", from)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new Error(`Payment ${paymentId} was changed outside its booking's lock.`);
}

/** The gateway was called and nobody knows what it did; `askAfter` moves the next time it is asked. */
export async function markPaymentUnknown(
  db: Db,
  paymentId: number,
  unknown: { error: string; askAfter?: Date },
): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({
      status: "Unknown",
      last_error: unknown.error,
      ...(unknown.askAfter && { next_attempt_at: unknown.askAfter }),
    })
    .where("id", "=", paymentId)
    .where("status", "in", ["Started", "Unknown"])
    .execute();
}

/** Moves the next time that an open payment is asked about. */
export async function askAgainAt(db: Db, paymentId: number, at: Date): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: at })
    .where("id", "=", paymentId)
    .where("status", "in", ["Started", "Unknown"])
    .execute();
}

/** Nothing more to learn: the payment is not asked about again. */
export async function stopAsking(db: Db, paymentId: number): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: null })
    .where("id", "=", paymentId)
    .where("status", "=", "Failed")
    .execute();
}

/** A payment whose turn it is, with the status it has now. */
export interface DuePayment extends OpenPayment {
  status: PaymentStatus;
}

/**
 * Takes payments whose turn to be asked about has come and puts their next turn off, so that no other server takes them too.
 * The delay grows with the payment's age: a fortieth of it, from five seconds to ten minutes.
 */
export async function takeDuePayments(db: Db, turn: Turn): Promise<DuePayment[]> {
  const { rows } = await sql<DuePayment>`
    with due as (
      select id from payment_transaction where next_attempt_at <= ${turn.now}
      order by next_attempt_at limit ${turn.limit} for update skip locked
    )
    update payment_transaction p
    set attempts = p.attempts + 1, next_attempt_at = ${nextTurn(turn.now, sql.ref("p.started_at"))}
    from due where p.id = due.id
    returning p.id, p.booking_id as "bookingId", p.gateway_key as "gatewayKey", p.amount,
      p.started_at as "startedAt", p.attempts, p.status`.execute(db);
  return rows;
}

/** Makes it the turn of every open payment and pending refund, as after a start: whatever kept them waiting may be over. */
export async function hurryPaymentsAndRefunds(db: Db, now: Date): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: now })
    .where("status", "=", "Unknown")
    .where("next_attempt_at", ">", now)
    .execute();
  await db
    .updateTable("payment_refund")
    .set({ next_attempt_at: now })
    .where("state", "=", "pending")
    .where("next_attempt_at", ">", now)
    .execute();
}

/** The intent to give a payment back in full, once however often it is asked for. */
export async function insertRefund(
  tx: Tx,
  refund: { paymentId: number; amount: Decimal; reason: string; now: Date },
): Promise<void> {
  await tx
    .insertInto("payment_refund")
    .values({
      payment_id: refund.paymentId,
      amount: refund.amount,
      reason: refund.reason,
      created_at: refund.now,
      next_attempt_at: refund.now,
    })
    .onConflict((conflict) => conflict.column("payment_id").doNothing())
    .execute();
}

/** Whether this payment is given back, or going to be. */
export async function hasRefund(db: Db, paymentId: number): Promise<boolean> {
  const row = await db
    .selectFrom("payment_refund")
    .where("payment_id", "=", paymentId)
    .select("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** A refund to send to the gateway, with the reference of the charge that it gives back and how often it was tried, this time counted. */
export interface DueRefund {
  id: number;
  paymentId: number;
  gatewayKey: string;
  transactionId: string;
  amount: Decimal;
  attempts: number;
}

/** Like `takeDuePayments`, for refunds that are not done. */
export async function takeDueRefunds(db: Db, turn: Turn): Promise<DueRefund[]> {
  const { rows } = await sql<DueRefund>`
    with due as (
      select id from payment_refund where state = 'pending' and next_attempt_at <= ${turn.now}
      order by next_attempt_at limit ${turn.limit} for update skip locked
    )
    update payment_refund p
    set attempts = p.attempts + 1, next_attempt_at = ${nextTurn(turn.now, sql.ref("p.created_at"))}
    from due, payment_transaction paid
    where p.id = due.id and paid.id = p.payment_id
    returning p.id, p.payment_id as "paymentId", p.gateway_key as "gatewayKey", paid.transaction_id as "transactionId",
      p.amount, p.attempts`.execute(db);
  return rows;
}

/** Up to `limit` rows are taken, of those due at `now`. */
export interface Turn {
  now: Date;
  limit: number;
}

function nextTurn(now: Date, since: ReturnType<typeof sql.ref>) {
  return sql`${now}::timestamptz
    + least(interval '10 minutes', greatest(interval '5 seconds', (${now}::timestamptz - ${since}) / 40))`;
}

/** Marks a pending refund as done at `now`, so that it is not sent again; one that is done already stays as it is. */
export async function finishRefund(db: Db, refundId: number, now: Date): Promise<void> {
  await db
    .updateTable("payment_refund")
    .set({ state: "done", done_at: now, next_attempt_at: null, last_error: null })
    .where("id", "=", refundId)
    .where("state", "=", "pending")
    .execute();
}

/** Keeps the latest reason for which a refund was not done; its next turn stays as it is. */
export async function noteRefundFailure(db: Db, refundId: number, error: string): Promise<void> {
  await db.updateTable("payment_refund").set({ last_error: error }).where("id", "=", refundId).execute();
}
