import type { Db, Tx } from "../connect.ts";

/** The channel on which each transaction that may end sessions, or changes profiles, announces the username, by triggers of the tables. */
export const sessionChannel = "skyfox_sessions";

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

/**
 * The account of a session that has neither ended nor run out, with the role and the details it has now, and the instant at which the session runs
 * out. Details of a customer are null for staff and admins, and the other way round.
 */
export async function findLiveSession(db: Db, id: string, now: Date) {
  return await db
    .selectFrom("session as s")
    .innerJoin("usertable as u", "u.username", "s.username")
    .leftJoin("customertable as c", "c.username", "u.username")
    .leftJoin("stafftable as w", "w.username", "u.username")
    .where("s.id", "=", id)
    .where("s.ended_at", "is", null)
    .where("s.expires_at", ">", now)
    .where("u.disabled_at", "is", null)
    .select(["u.username", "u.role", "u.created_at as createdAt", "s.expires_at as expiresAt"])
    .select(["c.name as customerName", "c.email", "c.number as phoneNumber"])
    .select(["w.name as staffName", "w.counter_no as counterNo"])
    .executeTakeFirst();
}

/**
 * Opens a session only while the account has that password and is not disabled; false if it does not. The account stays as it is until the
 * transaction ends, so that a change of it finds the session and ends it.
 */
export async function insertSessionOf(tx: Tx, session: NewSession, passwordHash: string): Promise<boolean> {
  const account = await tx
    .selectFrom("usertable")
    .select("username")
    .where("username", "=", session.username)
    .where("password", "=", passwordHash)
    .where("disabled_at", "is", null)
    .forShare()
    .executeTakeFirst();
  if (account === undefined) return false;
  await insertSession(tx, session);
  return true;
}

/** Ends one session, all live ones of the account, or all but one, and tells how many that were. */
export async function endSessions(
  db: Db,
  which: { username: string; sessionId?: string; exceptSessionId?: string },
  now: Date,
): Promise<number> {
  let query = db
    .updateTable("session")
    .set({ ended_at: now })
    .where("username", "=", which.username)
    .where("ended_at", "is", null)
    .where("expires_at", ">", now);
  if (which.sessionId !== undefined) query = query.where("id", "=", which.sessionId);
  if (which.exceptSessionId !== undefined) query = query.where("id", "<>", which.exceptSessionId);
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}
