import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";
import { begunAt, type DuePayment, type DueRefund } from "./payments.ts";

/** A payment of unknown outcome, one that the gateway contests, or one whose refund the gateway has not made. */
export interface DoubtRow {
  paymentId: number;
  bookingId: number | null;
  username: string;
  amount: Decimal;
  since: Date;
  attempts: number;
  lastError: string | null;
}

/** Payments in doubt, newest first; `beforeId` excludes that one and all newer ones. */
export async function listPaymentsInDoubt(
  db: Db,
  page: { beforeId: number | undefined; limit: number },
): Promise<DoubtRow[]> {
  const before = page.beforeId ?? Number.MAX_SAFE_INTEGER;
  // Each kind by its own partial index: one condition over both tables would read every payment ever made.
  const { rows } = await sql<DoubtRow>`
    with doubt as (
      (select id from payment_transaction where (status = 'Unknown' or contested) and id < ${before}
        order by id desc limit ${page.limit})
      union
      (select payment_id from payment_refund where state = 'pending' and last_error is not null and payment_id < ${before}
        order by payment_id desc limit ${page.limit})
    )
    select p.id as "paymentId", p.booking_id as "bookingId", coalesce(p.username, '') as username,
      coalesce(r.card_amount, p.card_amount) as amount, coalesce(r.created_at, p.started_at) as since,
      coalesce(r.attempts, p.attempts) as attempts, coalesce(r.last_error, p.last_error) as "lastError"
    from payment_transaction p
    left join payment_refund r on r.payment_id = p.id and r.state = 'pending' and r.last_error is not null
    where p.id = any(array(select id from doubt order by id desc limit ${page.limit}))
    order by p.id desc`.execute(db);
  return rows;
}

/** How many payments are in doubt. */
export async function countPaymentsInDoubt(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from payment_transaction where status = 'Unknown' or contested)
      + (select count(*) from payment_refund where state = 'pending' and last_error is not null) as count`.execute(
    db,
  );
  return rows[0]?.count ?? 0;
}

/** A payment as it is asked about, with the state that it is in, and whether the gateway contests that. */
export async function findPayment(
  db: Db,
  paymentId: number,
): Promise<(DuePayment & { contested: boolean }) | undefined> {
  return await db
    .selectFrom("payment_transaction")
    .where("id", "=", paymentId)
    .select([
      "id",
      "booking_id as bookingId",
      sql<string>`coalesce(username, '')`.as("username"),
      sql<"Card" | "Wallet">`payment_method`.as("method"),
      "gateway_key as gatewayKey",
      "wallet_amount as walletAmount",
      "card_amount as cardAmount",
      begunAt("payment_transaction").as("startedAt"),
      "attempts",
      "status",
      "processed_at as processedAt",
      "contested",
    ])
    .executeTakeFirst();
}

/** The refund of a payment to its card, with its state. */
export async function findCardRefund(
  db: Db,
  paymentId: number,
): Promise<(DueRefund & { state: "pending" | "done"; createdAt: Date }) | undefined> {
  return await db
    .selectFrom("payment_refund as r")
    .innerJoin("payment_transaction as p", "p.id", "r.payment_id")
    .where("r.payment_id", "=", paymentId)
    .select([
      "r.id",
      "p.id as paymentId",
      "r.gateway_key as gatewayKey",
      sql<string>`p.transaction_id`.as("transactionId"),
      "r.card_amount as amount",
      "r.attempts",
      "r.state",
      "r.created_at as createdAt",
    ])
    .executeTakeFirst();
}

/** Whether a charge of some payment has this reference. Another transaction that asks for the same one waits until this one is over. */
export async function hasReference(tx: Tx, reference: string): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`reference ${reference}`}, 0))`.execute(tx);
  const row = await tx
    .selectFrom("payment_transaction")
    .where("transaction_id", "=", reference)
    // In the text, so that a plan for any values uses the partial index.
    .where("status", "=", sql.lit("Completed"))
    .select("id")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** What is broken, by rule and subject; empty when all is well. */
export async function listViolations(db: Db) {
  const rows = await db.selectFrom("integrity_violation").select(["rule", "subject", "details"]).execute();
  return rows.map(({ rule, subject, details }) => ({
    rule: rule ?? "",
    subject: subject ?? "",
    details: details ?? "",
  }));
}
