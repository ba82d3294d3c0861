import { readFile } from "node:fs/promises";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect, test } from "vitest";
import { generateSchema, schemaFile } from "./generate-schema.ts";

test("db/src/schema.ts is what a migrated database has; if not, run npm run db:types", async () => {
  const { url } = await createTestDatabase();
  expect(await generateSchema(url)).toBe(await readFile(schemaFile, "utf8"));
});
