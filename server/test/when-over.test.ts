import { expect, test } from "vitest";
import { createTestApp } from "./test-app.ts";
import { whenOver } from "./when-over.ts";

const ended: string[] = [];
let isFileOver = false;
whenOver(() => (isFileOver = true));

test("what a test has started ends with it, the last first", () => {
  whenOver(() => ended.push("earlier"));
  whenOver(() => ended.push("later"));
  expect(ended).toEqual([]);
});

test("and before the next one; what the file has started is still there", () => {
  expect(ended).toEqual(["later", "earlier"]);
  expect(isFileOver).toBe(false);
});

const app = await createTestApp();
const before: unknown[] = [];
const connections = "select count(*)::int as count from pg_stat_activity where datname = current_database()";

test("a server that a test makes leaves no connection", async () => {
  const counted: unknown[] = await app.sql.query(connections);
  before.push(...counted);
  await createTestApp({ beside: app });
  expect(await app.sql.query(connections)).not.toEqual(counted);
});

test("to the tests after it", async () => {
  await expect.poll(() => app.sql.query(connections), { timeout: 10_000 }).toEqual(before);
});
