import type { Decimal } from "decimal.js";
import { sql } from "kysely";
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

/** Promises a part of the balance to a payment; false, and nothing, when that much is not available. */
export async function reserve(tx: Tx, username: string, amount: Decimal): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("customer_wallet")
    .set((eb) => ({ reserved: eb("reserved", "+", amount) }))
    .where("username", "=", username)
    .where((eb) => eb(eb("balance", "-", eb.ref("reserved")), ">=", amount))
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
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

/** One change of a wallet; what it came from is a payment or a refund, which changes it once in each direction. */
export interface WalletChange {
  username: string;
  amount: Decimal;
  /** The gateway's reference where a card was charged, otherwise one of our own. */
  transactionId: string;
  bookingId: number | null;
  paymentId?: number;
  refundId?: number;
  /** Money that was there before any payment of ours, as in an adopted wallet: the books ask no payment for it. */
  adopted?: boolean;
  now: Date;
}

/** Adds to the balance, and writes the transaction that says so; answers the wallet as it is then. */
export async function addToWallet(tx: Tx, change: WalletChange): Promise<Wallet> {
  const wallet = await tx
    .updateTable("customer_wallet")
    .set((eb) => ({ balance: eb("balance", "+", change.amount), updated_at: change.now }))
    .where("username", "=", change.username)
    .returning(["id", "balance", "reserved", "updated_at as updatedAt"])
    .executeTakeFirstOrThrow();
  await insertTransaction(tx, "ADD", wallet, change);
  return wallet;
}

/** Takes from the balance what is not promised elsewhere and writes the transaction; throws, and changes nothing, when that is too little. */
export async function deductFromWallet(
  tx: Tx,
  change: WalletChange & { /** How much of it was promised to this payment. */ reserved: Decimal },
): Promise<Wallet> {
  const { amount, reserved } = change;
  const wallet = await tx
    .updateTable("customer_wallet")
    .set((eb) => ({
      balance: eb("balance", "-", amount),
      reserved: eb("reserved", "-", reserved),
      updated_at: change.now,
    }))
    .where("username", "=", change.username)
    .where(sql<boolean>`balance - reserved + ${reserved}::numeric >= ${amount}::numeric`)
    .returning(["id", "balance", "reserved", "updated_at as updatedAt"])
    .executeTakeFirst();
  if (wallet === undefined) throw new Error(`The wallet of ${change.username} has not enough.`);
  await insertTransaction(tx, "DEDUCT", wallet, change);
  return wallet;
}

async function insertTransaction(
  tx: Tx,
  type: "ADD" | "DEDUCT",
  wallet: Wallet,
  change: WalletChange,
): Promise<void> {
  await tx
    .insertInto("wallet_transaction")
    .values({
      wallet_id: wallet.id,
      username: change.username,
      booking_id: change.bookingId,
      payment_id: change.paymentId ?? null,
      refund_id: change.refundId ?? null,
      adopted: change.adopted ?? false,
      transaction_id: change.transactionId,
      transaction_type: type,
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
