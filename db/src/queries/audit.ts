import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

/** One entry of the audit: who (`actor`, null without a session) did what to whose account (`subject`), when and from where. */
export interface AuditEntry {
  at: Date;
  action: string;
  actor: string | null;
  subject: string | null;
  address: string;
  requestId: string;
  /** Facts that are no secrets, such as which fields changed. */
  details: Record<string, boolean | number | string | string[] | null>;
}

/** Writes an entry; the database refuses to change or delete it. */
export async function insertAuditEntry(db: Db, entry: AuditEntry): Promise<void> {
  await db
    .insertInto("audit_entry")
    .values({
      at: entry.at,
      action: entry.action,
      actor: entry.actor,
      subject: entry.subject,
      address: entry.address.slice(0, 100),
      request_id: entry.requestId,
      details: JSON.stringify(entry.details),
    })
    .execute();
}

/** Something that happened to an account, as the audit calls it. */
export interface AccountEvent {
  at: Date;
  action: string;
}

/**
 * What an owner should hear of their account, newest first: changes of the password, locks, and wrong security answers by callers who were not
 * signed in; all since the last login, or ever where there was none.
 */
export async function listEventsSinceLogin(tx: Tx, username: string, limit: number): Promise<AccountEvent[]> {
  // Written out as in the index audit_entry_notices, which they are to be found by.
  return await tx
    .selectFrom("audit_entry")
    .select(["at", "action"])
    .where("subject", "=", username)
    .where(
      sql<boolean>`action IN (
        'password-changed', 'password-reset', 'staff-changed', 'security-answer-failed', 'security-answer-locked', 'login-locked'
      )
      AND (action <> 'security-answer-failed' OR actor IS NULL)
      AND (action <> 'staff-changed' OR details -> 'changed' ? 'password')`,
    )
    .where(
      "id",
      ">",
      sql<number>`coalesce((SELECT max(id) FROM audit_entry WHERE subject = ${username} AND action = 'logged-in'), 0)`,
    )
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
}
