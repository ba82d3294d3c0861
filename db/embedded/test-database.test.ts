import { expect, it } from "vitest";

import { connectOnce } from "../src/connect.ts";
import { createEmptyDatabase, createTestDatabase } from "./test-database.ts";

it("gives every caller a migrated database of its own", async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  expect(one.url).not.toBe(two.url);
  expect(await countTables(one.url)).toBeGreaterThan(10);
  expect(await countTables(two.url)).toBe(await countTables(one.url));
});

it("gives an empty database to tests of the migrations", async () => {
  const { url } = await createEmptyDatabase();
  expect(await countTables(url)).toBe(0);
});

async function countTables(url: string): Promise<unknown> {
  const connection = await connectOnce(url);
  const [row] = await connection.query("select count(*) as count from pg_tables where schemaname = 'public'");
  await connection.end();
  return row?.["count"];
}
