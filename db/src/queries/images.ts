import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

/** Announces an object that is about to be uploaded; unless a customer has it by then, it is removed after that moment. */
export async function announceImage(db: Db, key: string, removeAfter: Date): Promise<void> {
  await db.insertInto("profile_image").values({ key, remove_after: removeAfter }).execute();
}

/**
 * Makes an announced object the customer's image, and the one before it to be removed at once. Answers the older one's key, null when there
 * was none; or why nothing was done.
 */
export async function giveImage(
  tx: Tx,
  image: { username: string; key: string; now: Date },
): Promise<{ replacedKey: string | null } | "no such customer" | "being removed"> {
  const { username, key, now } = image;
  const customer = await tx
    .selectFrom("customertable")
    .where("username", "=", username)
    .select("profile_img as key")
    .forUpdate()
    .executeTakeFirst();
  if (customer === undefined) return "no such customer";
  // Both rows are locked before anything is asked of them: two customers may share an older image, and replace it at once.
  await tx
    .selectFrom("profile_image")
    .where("key", "in", customer.key === null ? [key] : [key, customer.key])
    .select("key")
    .orderBy("key")
    .forUpdate()
    .execute();
  const { numUpdatedRows } = await tx
    .updateTable("profile_image")
    .set({ remove_after: null })
    .where("key", "=", key)
    .where("remove_after", "is not", null)
    .where("attempts", "=", 0)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return "being removed";
  await tx.updateTable("customertable").set({ profile_img: key }).where("username", "=", username).execute();
  if (customer.key === null) return { replacedKey: null };
  await tx
    .updateTable("profile_image")
    .set({ remove_after: now })
    .where("key", "=", customer.key)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom("customertable").where("profile_img", "=", customer.key).select("username"))),
    )
    .execute();
  return { replacedKey: customer.key };
}

/** The key of the customer's image; null without one. */
export async function findImageKey(db: Db, username: string): Promise<string | null> {
  const customer = await db
    .selectFrom("customertable")
    .where("username", "=", username)
    .select("profile_img as key")
    .executeTakeFirst();
  return customer?.key ?? null;
}

// A second server, or this one after a failure, comes to it later: after a minute, then twice as long each time, up to an hour.
const nextTry = (now: Date) =>
  sql<Date>`${now}::timestamptz + least(interval '1 hour', interval '1 minute' * power(2, least(attempts, 10)))`;

/** Takes an object without an owner for removal, also before that is due; false when a customer has it or its row is gone. */
export async function claimImage(db: Db, key: string, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("profile_image")
    .set((eb) => ({ attempts: eb("attempts", "+", 1), remove_after: nextTry(now) }))
    .where("key", "=", key)
    .where("remove_after", "is not", null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Takes objects without an owner that are due for removal, the longest due first; another server skips them. */
export async function claimDueImages(db: Db, limit: number, now: Date): Promise<string[]> {
  const rows = await db
    .updateTable("profile_image")
    .set((eb) => ({ attempts: eb("attempts", "+", 1), remove_after: nextTry(now) }))
    .where("key", "in", (eb) =>
      eb
        .selectFrom("profile_image")
        .where("remove_after", "<=", now)
        .select("key")
        .orderBy("remove_after")
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .where("remove_after", "<=", now)
    .returning("key")
    .execute();
  return rows.map(({ key }) => key);
}

/** Forgets an object that is no longer in the store; the database keeps a row that a customer names. */
export async function deleteImage(db: Db, key: string): Promise<void> {
  await db.deleteFrom("profile_image").where("key", "=", key).where("remove_after", "is not", null).execute();
}
