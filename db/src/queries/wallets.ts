import type { Decimal } from "decimal.js";
import type { Db, Tx } from "../connect.ts";
import { databaseNow } from "./clock.ts";

/** The customer's one wallet, empty. */
export async function insertWallet(tx: Tx, username: string, createdAt: Date): Promise<void> {
  await tx
    .insertInto("customer_wallet")
    .values({ username, created_at: createdAt, updated_at: createdAt })
    .execute();
}

/** What a wallet has, and how much of it is promised to payments under way. */
export interface Wallet {
  id: number;
  balance: Decimal;
  reserved: Decimal;
  updatedAt: Date;
}

function readWallet(db: Db, username: string) {
  return db
    .selectFrom("customer_wallet")
    .where("username", "=", username)
    .select(["id", "balance", "reserved", "updated_at as updatedAt"]);
}

/** The customer's wallet; throws when there is no such customer. */
export async function getWallet(db: Db, username: string): Promise<Wallet> {
  return await readWallet(db, username).executeTakeFirstOrThrow();
}

/** Locks the customer's wallet, which comes after bookings and claims and before payments; `lockedAt` is the database's time then. */
export async function lockWallet(tx: Tx, username: string): Promise<Wallet & { lockedAt: Date }> {
  return await tx
    .with("locked", () => readWallet(tx, username).forUpdate())
    .selectFrom("locked")
    .selectAll()
    .select(databaseNow.as("lockedAt"))
    .executeTakeFirstOrThrow();
}

/** Gives a promised part back to the wallet, because its payment did not happen. */
export async function release(tx: Tx, username: string, amount: Decimal): Promise<void> {
  if (amount.isZero()) return;
  await tx
    .updateTable("customer_wallet")
    .set((eb) => ({ reserved: eb("reserved", "-", amount) }))
    .where("username", "=", username)
    .executeTakeFirstOrThrow();
}

/** Money that a wallet gets otherwise than by a payment; a refund gives it once. */
export interface WalletChange {
  username: string;
  amount: Decimal;
  /** The gateway's reference where a card was charged, otherwise one of our own. */
  transactionId: string;
  bookingId: number | null;
  refundId?: number;
  /** Money that was there before any payment of ours, as in an adopted wallet: the books ask no payment for it. */
  adopted?: boolean;
  now: Date;
}

/** Adds to the balance, and writes the transaction that says so. */
export async function addToWallet(tx: Tx, change: WalletChange): Promise<void> {
  const wallet = await tx
    .updateTable("customer_wallet")
    .set((eb) => ({ balance: eb("balance", "+", change.amount), updated_at: change.now }))
    .where("username", "=", change.username)
    .returning(["id", "balance"])
    .executeTakeFirstOrThrow();
  await tx
    .insertInto("wallet_transaction")
    .values({
      wallet_id: wallet.id,
      username: change.username,
      booking_id: change.bookingId,
      refund_id: change.refundId ?? null,
      adopted: change.adopted ?? false,
      transaction_id: change.transactionId,
      transaction_type: "ADD",
      amount: change.amount,
      balance_after: wallet.balance,
      timestamp: change.now,
    })
    .execute();
}

/** A customer's wallet transactions, newest first; `beforeId` excludes that one and all newer ones. */
export async function listWalletTransactions(
  db: Db,
  page: { username: string; beforeId: number | undefined; limit: number },
) {
  let query = db
    .selectFrom("wallet_transaction")
    .where("wallet_id", "=", (eb) =>
      eb.selectFrom("customer_wallet").where("username", "=", page.username).select("id"),
    )
    .select([
      "id",
      "transaction_type as type",
      "amount",
      "balance_after as balanceAfter",
      "booking_id as bookingId",
      "transaction_id as transactionId",
      "timestamp",
    ]);
  if (page.beforeId !== undefined) query = query.where("id", "<", page.beforeId);
  return await query.orderBy("id", "desc").limit(page.limit).execute();
}
