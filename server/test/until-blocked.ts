import type { TestApp } from "./test-app.ts";

const giveUpAfterMs = 5_000;

/** Waits until that many connections to the test's database wait for a lock of another connection; Postgres lets none wait longer than two seconds. */
export async function untilBlocked(app: TestApp, count = 1): Promise<void> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  while (performance.now() < giveUpAt) {
    // Inside a transaction the statistics stand still otherwise.
    await app.sql.query("select pg_stat_clear_snapshot(), pg_sleep(0.005)");
    const [row] = await app.sql.query(
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (Number(row?.["waiting"]) >= count) return;
  }
  throw new Error(`Fewer than ${count} connections wait for a lock.`);
}
