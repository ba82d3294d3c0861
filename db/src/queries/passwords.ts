import type { Db, Tx } from "../connect.ts";

/** A new password's hash, and those of the current one and the one before it that it was compared with. */
export interface PasswordChange {
  newHash: string;
  currentHash: string;
  previousHash: string | null;
}

/** The account's current hash, and those that its history remembers, newest first. */
export async function findPasswords(db: Db, username: string) {
  const row = await db
    .selectFrom("usertable as u")
    .leftJoin("password_history as h", "h.username", "u.username")
    .where("u.username", "=", username)
    .select(["u.password", "h.previous_password_1", "h.previous_password_2", "h.previous_password_3"])
    .executeTakeFirstOrThrow();
  const history = [row.previous_password_1, row.previous_password_2, row.previous_password_3];
  return { currentHash: row.password, history: history.filter((hash) => hash !== null) };
}

/** Sets the password and its history of three; false, and nothing, when the account has another password than the current one given. */
export async function replacePassword(tx: Tx, username: string, change: PasswordChange): Promise<boolean> {
  const { newHash, currentHash, previousHash } = change;
  const { numUpdatedRows } = await tx
    .updateTable("usertable")
    .set({ password: newHash })
    .where("username", "=", username)
    .where("password", "=", currentHash)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return false;
  const history = {
    previous_password_1: newHash,
    previous_password_2: currentHash,
    previous_password_3: previousHash,
  };
  await tx
    .insertInto("password_history")
    .values({ username, ...history })
    .onConflict((conflict) => conflict.column("username").doUpdateSet(history))
    .execute();
  return true;
}

/** Puts a new hash of the same password in place of an old one, in the account and in its history; false when the old one is not there. */
export async function replaceOutdatedPassword(
  tx: Tx,
  username: string,
  oldHash: string,
  newHash: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("usertable")
    .set({ password: newHash })
    .where("username", "=", username)
    .where("password", "=", oldHash)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return false;
  await tx
    .updateTable("password_history")
    .set({ previous_password_1: newHash })
    .where("username", "=", username)
    .where("previous_password_1", "=", oldHash)
    .execute();
  return true;
}
