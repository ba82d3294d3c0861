import { sql } from "kysely";
import type { Db } from "../connect.ts";

/**
 * The database's own time at the moment when a statement evaluates it. In a statement that locks it belongs around the lock, in a query
 * that selects from the locking one: beside the lock it is read before the wait.
 */
export const databaseNow = sql<Date>`clock_timestamp()`;

/** The database's own time, of this very moment. */
export async function databaseTime(db: Db): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`select ${databaseNow} as time`.execute(db);
  return rows[0]!.time;
}

/** Whether the database takes no changes: a standby, or a primary that is set to read-only. */
export async function isReadOnly(db: Db): Promise<boolean> {
  const { rows } = await sql<{ readOnly: boolean }>`
    select current_setting('transaction_read_only')::boolean as "readOnly"`.execute(db);
  return rows[0]?.readOnly ?? false;
}
