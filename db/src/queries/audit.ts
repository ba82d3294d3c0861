import type { Db } from "../connect.ts";

/** One entry of the audit: who (`actor`, null when nobody was signed in) did what to whose account (`subject`), when and from where. */
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
