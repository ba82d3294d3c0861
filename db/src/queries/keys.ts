import { sql, type RawBuilder } from "kysely";
import type { Db, Tx } from "../connect.ts";
import type { PaymentStatus } from "../schema.ts";
import { sqlState } from "../transaction.ts";

/** One intent of one account: the key that its caller made for it, and a digest of what was asked. */
export interface KeyedCall {
  username: string;
  procedure: string;
  key: string;
  fingerprint: Buffer;
}

/** A call's key, to be taken by the statement that has the call's effect. */
export interface NewKey extends KeyedCall {
  now: Date;
  expiresAt: Date;
}

/** A key with the answer that is kept if the call succeeds. */
export interface AnsweredKey extends NewKey {
  answer: string;
}

/** What is known of a key: `answer` is null while its payment is under way, whose status is there then. */
export interface KnownKey {
  fingerprint: Buffer;
  answer: string | null;
  paymentStatus: PaymentStatus | null;
}

/** What an earlier call left under this key. */
export async function findKey(db: Db, call: KeyedCall): Promise<KnownKey | undefined> {
  return await db
    .selectFrom("idempotency_key as k")
    .leftJoin("payment_transaction as p", "p.id", "k.payment_id")
    .where("k.username", "=", call.username)
    .where("k.procedure", "=", call.procedure)
    .where("k.key", "=", call.key)
    .select(["k.fingerprint", "k.answer", "p.status as paymentStatus"])
    .executeTakeFirst();
}

/** Takes a key, waiting for a call that is just taking it; false when it is taken. */
export async function insertKey(
  tx: Tx,
  call: KeyedCall,
  times: { now: Date; expiresAt: Date },
): Promise<boolean> {
  const inserted = await tx
    .insertInto("idempotency_key")
    .values({ ...call, created_at: times.now, expires_at: times.expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/**
 * Takes a key inside the statement of its call, by two parts of it: `taken`, which comes first, has one row that says whether the key was free;
 * `freed` gives the key back where `isRefused` holds, a condition on the other parts. What throws takes the key back with it. Without a key
 * there is nothing to take, and the call may go on.
 */
export function keyInStatement(
  key: AnsweredKey | undefined,
  isRefused: RawBuilder<unknown>,
): { taken: RawBuilder<unknown>; freed: RawBuilder<unknown> } {
  if (key === undefined)
    return { taken: sql`taken as (select true as "isFree")`, freed: sql`freed as (select)` };
  const { username, procedure, key: name } = key;
  return {
    taken: sql`taken as materialized (
      select claim_key(${username}, ${procedure}, ${name}, ${key.fingerprint}, ${key.answer}, ${key.now}, ${key.expiresAt}) as "isFree"
    )`,
    freed: sql`freed as materialized (
      select free_key(${username}, ${procedure}, ${name}) from taken where "isFree" and ${isRefused}
    )`,
  };
}

/** Whether a key was not taken because another call has kept it locked for as long as a lock is waited for. */
export function isKeyLocked(error: unknown): boolean {
  const isLocked = sqlState(error) === "55P03" && error instanceof Error && "where" in error;
  // The words around the name are in the language of the database's messages.
  return isLocked && String(error.where).includes("claim_key(");
}

/** Keeps the answer to a call; false when it has one already, which stays. */
export async function storeAnswer(tx: Tx, call: KeyedCall, answer: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("idempotency_key")
    .set({ answer })
    .where("username", "=", call.username)
    .where("procedure", "=", call.procedure)
    .where("key", "=", call.key)
    .where("answer", "is", null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Keeps the answer of the call that began this payment, if it had a key, at least until then. */
export async function storePaymentAnswer(
  tx: Tx,
  paymentId: number,
  { answer, expiresAt }: { answer: string; expiresAt: Date },
): Promise<void> {
  await tx
    .updateTable("idempotency_key")
    .set((eb) => ({ answer, expires_at: eb.fn<Date>("greatest", ["expires_at", eb.val(expiresAt)]) }))
    .where("payment_id", "=", paymentId)
    .execute();
}

/** Frees the key of the call that began this payment, unless it has been answered: what became of it is no answer to keep. */
export async function freePaymentKey(tx: Tx, paymentId: number): Promise<void> {
  await tx
    .deleteFrom("idempotency_key")
    .where("payment_id", "=", paymentId)
    .where("answer", "is", null)
    .execute();
}
