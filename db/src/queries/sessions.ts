import type { Db } from "../connect.ts";

/** A login that counts from `createdAt` until just before `expiresAt`, unless it is ended sooner. */
export interface NewSession {
  id: string;
  username: string;
  createdAt: Date;
  expiresAt: Date;
}

/** Opens a session, beside any others that the account has. */
export async function insertSession(db: Db, session: NewSession): Promise<void> {
  await db
    .insertInto("session")
    .values({
      id: session.id,
      username: session.username,
      created_at: session.createdAt,
      expires_at: session.expiresAt,
    })
    .execute();
}

/** The account of a session that has neither ended nor run out, with the role it has now. */
export async function findLiveSession(db: Db, id: string, now: Date) {
  return await db
    .selectFrom("session as s")
    .innerJoin("usertable as u", "u.username", "s.username")
    .where("s.id", "=", id)
    .where("s.ended_at", "is", null)
    .where("s.expires_at", ">", now)
    .select(["u.username", "u.role"])
    .executeTakeFirst();
}

/** Ends one session, or all live ones of the account, and tells how many that were. */
export async function endSessions(
  db: Db,
  which: { username: string; sessionId?: string },
  now: Date,
): Promise<number> {
  let query = db
    .updateTable("session")
    .set({ ended_at: now })
    .where("username", "=", which.username)
    .where("ended_at", "is", null)
    .where("expires_at", ">", now);
  if (which.sessionId !== undefined) query = query.where("id", "=", which.sessionId);
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}
