import type { Db, Tx } from "../connect.ts";

/** What recovery needs to know of the customer with this e-mail address, which comes in lower case. */
export async function findSecurityQuestion(db: Db, email: string) {
  return await db
    .selectFrom("customertable")
    .where("email", "=", email)
    .select(["username", "security_question_id as questionId", "security_answer_hash as securityAnswerHash"])
    .executeTakeFirst();
}

/** A customer's stored answer. */
export async function findCustomerAnswer(db: Db, username: string) {
  return await db
    .selectFrom("customertable")
    .where("username", "=", username)
    .select(["username", "security_answer_hash as securityAnswerHash"])
    .executeTakeFirst();
}

/** Puts a new hash of the same answer in place of an old one. */
export async function replaceSecurityAnswer(
  db: Db,
  username: string,
  oldHash: string,
  newHash: string,
): Promise<void> {
  await db
    .updateTable("customertable")
    .set({ security_answer_hash: newHash })
    .where("username", "=", username)
    .where("security_answer_hash", "=", oldHash)
    .execute();
}

/** The one reset token of an account, as a hash of 32 bytes. */
export interface NewResetToken {
  username: string;
  tokenHash: Buffer;
  createdAt: Date;
  expiresAt: Date;
}

/** Keeps the token instead of any older one of the account. */
export async function saveResetToken(tx: Tx, token: NewResetToken): Promise<void> {
  const values = { token_hash: token.tokenHash, created_at: token.createdAt, expires_at: token.expiresAt };
  await tx
    .insertInto("password_reset_tokens")
    .values({ username: token.username, ...values })
    .onConflict((conflict) => conflict.column("username").doUpdateSet(values))
    .execute();
}

/** The account of a live token, if this e-mail address has it. */
export async function findResetToken(db: Db, token: { email: string; tokenHash: Buffer; now: Date }) {
  return await db
    .selectFrom("password_reset_tokens as t")
    .innerJoin("customertable as c", "c.username", "t.username")
    .where("c.email", "=", token.email)
    .where("t.token_hash", "=", token.tokenHash)
    .where("t.expires_at", ">", token.now)
    .select("t.username")
    .executeTakeFirst();
}

/** Uses a live token up; false when it is gone, replaced or over. */
export async function takeResetToken(
  tx: Tx,
  token: { username: string; tokenHash: Buffer; now: Date },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom("password_reset_tokens")
    .where("username", "=", token.username)
    .where("token_hash", "=", token.tokenHash)
    .where("expires_at", ">", token.now)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
