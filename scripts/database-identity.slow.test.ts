import { connectOnce, openDatabase, writeHeartbeat } from "@skyfox/db";
import { createEmptyDatabase, createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test } from "vitest";
import { withCustomer } from "../server/test/customer-sql.ts";
import { runScript } from "./test/run-script.ts";

async function run(name: string, url: string, args: string[] = []) {
  const script = runScript(name, { DATABASE_URL: url }, { args });
  return { code: await script.ended, output: script.output() };
}

async function connectTo(url: string) {
  const sql = await connectOnce(url);
  onTestFinished(() => sql.end());
  return sql;
}

describe("npm run db:identity", () => {
  test("says what a database is, and makes it the living one or a copy, also before its first start", async () => {
    const { url } = await createEmptyDatabase();
    const place = `"${new URL(url).pathname.slice(1)}" \\(number \\d+\\) in the cluster \\d+`;
    const identify = async (...args: string[]) => {
      const { code, output } = await run("database-identity.ts", url, args);
      expect(output).toMatch(new RegExp(`^This database is ${place}\\.\n`));
      return [code, output.split("\n")[1]];
    };
    const copy = expect.stringMatching(
      new RegExp(`^${place} is a copy: start with BACKGROUND=off\\.$`),
    ) as string;
    const living = expect.stringMatching(new RegExp(`^${place} is the living database\\.$`)) as string;
    expect(await identify()).toEqual([
      0,
      "Nothing is written down of it: its first server makes it the living one.",
    ]);
    const sql = await connectTo(url);
    // Looking has migrated nothing.
    expect(await sql.query("select to_regclass('booking')::text as booking")).toEqual([{ booking: null }]);
    expect(await identify("copy")).toEqual([0, copy]);
    expect(await identify()).toEqual([0, copy]);
    expect(await identify("live")).toEqual([0, living]);
    expect(
      await sql.query(
        `select is_copy, database_name = current_database() as name,
           system_identifier = (select system_identifier::text from pg_control_system()) as cluster from database_identity`,
      ),
    ).toEqual([{ is_copy: false, name: true, cluster: true }]);
  });

  test("says how it is called", async () => {
    const { url } = await createTestDatabase();
    for (const args of [["alive"], ["live", "copy"], ["--live"]]) {
      const { code, output } = await run("database-identity.ts", url, args);
      expect([code, output]).toEqual([2, expect.stringContaining("npm run db:identity -- copy")]);
    }
  });
});

describe("npm run payments:resume", () => {
  test("says that no refunds wait where none do", async () => {
    const { url } = await createTestDatabase();
    expect(await run("resume-payments.ts", url)).toEqual({ code: 0, output: "No refunds wait.\n" });
  });

  test("lets refunds go, once, and is in the audit", async () => {
    const { url } = await createTestDatabase();
    const db = openDatabase(url, { maxConnections: 1 });
    onTestFinished(() => db.destroy());
    const first = new Date("2026-03-10T06:30:00Z");
    for (const now of [first, new Date(first.getTime() + 601_000)])
      await writeHeartbeat(db, { now, longestGapSeconds: 600 });
    const sql = await connectTo(url);
    await sql.query(lateTopUp);
    expect(await run("resume-payments.ts", url)).toEqual({
      code: 0,
      output: "Refunds go to the card gateway again: 1 of 80.00 in all, within seconds.\n",
    });
    expect(await sql.query("select refunds_wait_since from server_heartbeat")).toEqual([
      { refunds_wait_since: null },
    ]);
    expect(await sql.query("select action, actor, details from audit_entry")).toEqual([
      { action: "refunds-resumed", actor: null, details: { refunds: 1, amount: "80.00" } },
    ]);
    expect((await run("resume-payments.ts", url)).output).toBe("No refunds wait.\n");
  });
});

// Funds that were charged too late, which go back to the card.
const lateTopUp = `${withCustomer}, payment as (
    insert into payment_transaction (username, transaction_id, payment_method, amount, card_amount, status, started_at, processed_at)
    select username, 'card-1', 'Card', 80, 80, 'Completed', now(), now() from wallet returning id
  )
  insert into payment_refund (payment_id, destination, amount, card_amount, state, reason, next_attempt_at, created_at)
  select id, 'source', 80, 80, 'pending', 'Charged when the payment was Failed', now(), now() from payment`;
