import type { Decimal } from "decimal.js";
import { sql, type UpdateObject } from "kysely";
import type { Db, Tx } from "../connect.ts";
import type { DB as Database, PaymentStatus, RefundDestination } from "../schema.ts";
import { openPaymentStates } from "../states.ts";

/** A payment whose outcome is to be learnt; `attempts` counts the times that the gateway was asked afterwards. */
export interface OpenPayment {
  id: number;
  /** Null where it adds funds to the wallet. */
  bookingId: number | null;
  username: string;
  method: "Card" | "Wallet";
  /** The gateway charges once for it, however often it is sent. */
  gatewayKey: string;
  /** What the wallet gives, reserved until the outcome is known. */
  walletAmount: Decimal;
  /** What the card is charged. */
  cardAmount: Decimal;
  startedAt: Date;
  attempts: number;
}

/** When a payment's call began, by a clock that may have been set back since. */
export function begunAt(payment: "payment_transaction" | "p") {
  return sql<Date>`least(${sql.ref(`${payment}.started_at`)}, ${sql.ref(`${payment}.begun_by`)})`;
}

/** What a payment has added to its customer's wallet, as the wallet is now; throws when it has added nothing. */
export async function getTopUp(db: Db, paymentId: number) {
  return await db
    .selectFrom("wallet_transaction as t")
    .innerJoin("customer_wallet as w", "w.id", "t.wallet_id")
    .where("t.payment_id", "=", paymentId)
    .select(["w.balance", "w.reserved", "w.updated_at as updatedAt", "t.transaction_id as transactionId"])
    .executeTakeFirstOrThrow();
}

/** A payment's status, and what it still has reserved. */
export interface PaymentState {
  status: PaymentStatus;
  reserved: Decimal;
}

/** The state of a payment, as this transaction sees it; throws when there is no such payment. */
export async function getPaymentState(db: Db, paymentId: number): Promise<PaymentState> {
  return await db
    .selectFrom("payment_transaction")
    .where("id", "=", paymentId)
    .select(["status", "reserved"])
    .executeTakeFirstOrThrow();
}

// Each is called under the lock of the booking, or of the wallet without one.

/** Completes a payment that was charged and not used, with its card's part alone. It may have counted as not charged. */
export async function completeTooLate(
  tx: Tx,
  paymentId: number,
  { transactionId, now }: { transactionId: string; now: Date },
): Promise<void> {
  await finish(tx, paymentId, [...openPaymentStates, "Failed", "Declined", "Rejected"], {
    status: "Completed",
    transaction_id: transactionId,
    processed_at: now,
    amount: sql<Decimal>`card_amount`,
    wallet_amount: sql<Decimal>`0`,
  });
}

/** Ends an open payment as not charged; at `askAgainAt` the gateway is asked again, in case it has charged after all. */
export async function failPayment(
  tx: Tx,
  paymentId: number,
  failure: { status: "Declined" | "Rejected" | "Failed"; error: string; now: Date; askAgainAt: Date | null },
): Promise<void> {
  await finish(tx, paymentId, openPaymentStates, {
    status: failure.status,
    last_error: failure.error,
    processed_at: failure.now,
    next_attempt_at: failure.askAgainAt,
  });
}

// Writes a final outcome over one of the states that the caller saw under its lock.
async function finish(
  tx: Tx,
  paymentId: number,
  from: readonly PaymentStatus[],
  values: UpdateObject<Database, "payment_transaction">,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable("payment_transaction")
    .set({
      transaction_id: null,
      last_error: null,
      next_attempt_at: null,
      contested: false,
      reserved: sql<Decimal>`0`,
      ...values,
    })
    .where("id", "=", paymentId)
    .where("status", "in", from)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n)
    throw new Error(`Payment ${paymentId} was changed outside the lock that guards it.`);
}

/** The gateway was called and its answer is not known; `askAfter` moves the next time it is asked. */
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
    .where("status", "in", openPaymentStates)
    .execute();
}

/** Moves the next time that an open payment is asked about. */
export async function askAgainAt(db: Db, paymentId: number, at: Date): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: at })
    .where("id", "=", paymentId)
    .where("status", "in", openPaymentStates)
    .execute();
}

/** A payment that counts as not charged is not contested, or no longer; null when the gateway is not asked about it again. */
export async function confirmFailed(db: Db, paymentId: number, nextAt: Date | null): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ contested: false, next_attempt_at: nextAt })
    .where("id", "=", paymentId)
    .where("status", "=", "Failed")
    .execute();
}

/** Sets when the gateway is asked again about a payment that counts as not charged; a contested one keeps its turn. */
export async function putOffFailed(db: Db, paymentId: number, nextAt: Date | null): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: nextAt })
    .where("id", "=", paymentId)
    .where("status", "=", "Failed")
    .where("contested", "=", false)
    .execute();
}

/**
 * The gateway, asked about a payment that counts as not charged, does not agree, or what it said may not be recorded: it is in doubt, and asked
 * about until it is settled, as soon as an open payment of its age.
 */
export async function contestFailed(
  db: Db,
  paymentId: number,
  { error, now }: { error: string; now: Date },
): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({
      contested: true,
      last_error: error,
      // Its next question may be a day away, where a commit has set that and its answer was lost.
      next_attempt_at: sql<Date>`least(coalesce(next_attempt_at, ${now}), ${nextTurn(now, sql.ref("started_at"))})`,
    })
    .where("id", "=", paymentId)
    .where("status", "=", "Failed")
    .execute();
}

/** Makes it the turn of one payment that is not charged for certain, and of its refund if that is pending. */
export async function hurryPayment(db: Db, paymentId: number, now: Date): Promise<void> {
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: now })
    .where("id", "=", paymentId)
    .where("status", "in", [...openPaymentStates, "Failed"])
    .execute();
  await db
    .updateTable("payment_refund")
    .set({ next_attempt_at: now })
    .where("payment_id", "=", paymentId)
    .where("state", "=", "pending")
    .execute();
}

/** A payment whose turn it is, with the status it has now. */
export interface DuePayment extends OpenPayment {
  status: PaymentStatus;
  /** When its outcome was recorded; null while it is open. */
  processedAt: Date | null;
}

/**
 * Takes payments whose turn to be asked about has come and puts their next turn off, so that no other server takes them too.
 * The delay grows with the payment's age: a fortieth of it, from five seconds to ten minutes.
 */
export async function takeDuePayments(db: Db, turn: Turn): Promise<DuePayment[]> {
  const { rows } = await sql<DuePayment>`
    with due as (
      select id from payment_transaction where next_attempt_at <= ${turn.now}
      order by next_attempt_at limit ${sql.lit(turn.limit)} for no key update skip locked
    )
    update payment_transaction p
    set attempts = p.attempts + 1, next_attempt_at = ${nextTurn(turn.now, sql.ref("p.started_at"))},
      begun_by = case when ${turn.now} < ${begunAt("p")} then ${turn.now} else p.begun_by end
    from due where p.id = due.id
    returning p.id, p.booking_id as "bookingId", p.username, p.payment_method as method, p.gateway_key as "gatewayKey",
      p.wallet_amount as "walletAmount", p.card_amount as "cardAmount", ${begunAt("p")} as "startedAt", p.attempts,
      p.status, p.processed_at as "processedAt"`.execute(db);
  return rows;
}

/**
 * Makes it the turn of every payment in doubt and pending refund, as after a start: whatever kept them waiting may be over. Of those that
 * have only begun, the ones that wait beyond `latestFirstTurn` too, as when the clock has been set back since.
 */
export async function hurryPaymentsAndRefunds(
  db: Db,
  { now, latestFirstTurn }: { now: Date; latestFirstTurn: Date },
): Promise<void> {
  // By id, so that servers which start side by side never wait for each other in a circle.
  const payments = db
    .selectFrom("payment_transaction")
    .where("next_attempt_at", ">", now)
    .where((payment) =>
      payment.or([
        payment("status", "=", "Unknown"),
        payment("contested", "=", true),
        payment("status", "=", "Started").and("next_attempt_at", ">", latestFirstTurn),
      ]),
    )
    .select("id")
    .orderBy("id")
    .forNoKeyUpdate();
  await db
    .updateTable("payment_transaction")
    .set({ next_attempt_at: now })
    .where(sql<boolean>`id = any(array(${payments}))`)
    .execute();
  const refunds = db
    .selectFrom("payment_refund")
    // In the text, so that a plan for any values uses the partial index.
    .where("state", "=", sql.lit("pending"))
    .where("next_attempt_at", ">", now)
    .select("id")
    .orderBy("id")
    .forNoKeyUpdate();
  await db
    .updateTable("payment_refund")
    .set({ next_attempt_at: now })
    .where(sql<boolean>`id = any(array(${refunds}))`)
    .execute();
}

/** What is given back of what: by the gateway to the card, to the wallet in the same transaction, or at the counter. */
export interface NewRefund {
  /** Null for funds that were charged too late. */
  bookingId: number | null;
  /** Null for a sale at the counter. */
  paymentId: number | null;
  destination: RefundDestination;
  walletAmount: Decimal;
  cardAmount: Decimal;
  /** What a sale at the counter took; otherwise the sum of both parts. */
  amount: Decimal;
  reason: string;
  refundedBy: string | null;
  now: Date;
}

/** The intent to give money back, once for each payment and each sale at the counter; undefined when it is there already. */
export async function insertRefund(tx: Tx, refund: NewRefund): Promise<number | undefined> {
  const isDone = refund.cardAmount.isZero();
  const row = await tx
    .insertInto("payment_refund")
    .values({
      booking_id: refund.bookingId,
      payment_id: refund.paymentId,
      destination: refund.destination,
      amount: refund.amount,
      wallet_amount: refund.walletAmount,
      card_amount: refund.cardAmount,
      reason: refund.reason,
      refunded_by: refund.refundedBy,
      created_at: refund.now,
      state: isDone ? "done" : "pending",
      done_at: isDone ? refund.now : null,
      next_attempt_at: isDone ? null : refund.now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  return row?.id;
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

/** The payment that a paid booking was paid by; undefined for a sale at the counter. */
export async function findPaymentOfBooking(db: Db, bookingId: number) {
  return await db
    .selectFrom("payment_transaction as p")
    .where("p.booking_id", "=", bookingId)
    .where("p.status", "=", "Completed")
    // An adopted sale for cash can have a row too.
    .where("p.payment_method", "<>", "Cash")
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom("payment_refund as r").whereRef("r.payment_id", "=", "p.id").select("r.id"))),
    )
    .select([
      "p.id",
      "p.username",
      "p.wallet_amount as walletAmount",
      "p.card_amount as cardAmount",
      "p.amount",
    ])
    .executeTakeFirst();
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
      order by next_attempt_at limit ${sql.lit(turn.limit)} for update skip locked
    )
    update payment_refund p
    set attempts = p.attempts + 1, next_attempt_at = ${nextTurn(turn.now, sql.ref("p.created_at"))}
    from due, payment_transaction paid
    where p.id = due.id and paid.id = p.payment_id
    returning p.id, p.payment_id as "paymentId", p.gateway_key as "gatewayKey", paid.transaction_id as "transactionId",
      p.card_amount as amount, p.attempts`.execute(db);
  return rows;
}

/** Up to `limit` rows are taken, of those due at `now`. The limit is in the text: a plan for any limit would sort all rows. */
export interface Turn {
  now: Date;
  limit: number;
}

function nextTurn(now: Date, since: ReturnType<typeof sql.ref>) {
  return sql`${now}::timestamptz
    + least(interval '10 minutes', greatest(interval '5 seconds', (${now}::timestamptz - ${since}) / 40))`;
}

/** Marks a pending refund as done at `now`, so that it is not sent again; false for one that is done already, which stays as it is. */
export async function finishRefund(db: Db, refundId: number, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("payment_refund")
    .set({ state: "done", done_at: now, next_attempt_at: null, last_error: null })
    .where("id", "=", refundId)
    .where("state", "=", "pending")
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Keeps the latest reason for which a pending refund was not done; its next turn stays as it is. */
export async function noteRefundFailure(db: Db, refundId: number, error: string): Promise<void> {
  await db
    .updateTable("payment_refund")
    .set({ last_error: error })
    .where("id", "=", refundId)
    .where("state", "=", "pending")
    .execute();
}
