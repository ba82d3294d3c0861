import type { Connection } from "@skyfox/db";

/** Asks a hundred times a second until the question has a row for an answer; the test's own timeout is the bound. */
export async function until(sql: Connection, question: string, values: unknown[] = []): Promise<void> {
  // Inside a transaction the statistics stand still unless they are cleared.
  while ((await sql.query(question, values)).length === 0)
    await sql.query("select pg_stat_clear_snapshot(), pg_sleep(0.01)");
}

/** Waits until some connection to this database stands before a lock. */
export async function untilLockWait(sql: Connection): Promise<void> {
  await until(
    sql,
    "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()",
  );
}
