import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { generate, PostgresDialect } from "kysely-codegen";
import { migrateToLatest, openMigrationDatabase } from "@skyfox/db";
import { startTestCluster } from "@skyfox/db/embedded";

/** Where the types of the tables live; a test compares it with a migrated database. */
export const schemaFile = fileURLToPath(new URL("../db/src/schema.ts", import.meta.url));

/** The TypeScript types of every table and view of a migrated database, as db/src/connect.ts parses their values. */
export async function generateSchema(url: string): Promise<string> {
  const db = openMigrationDatabase(url);
  try {
    const source = await generate({
      db,
      dialect: new PostgresDialect({ dateParser: "string" }),
      excludePattern: "kysely_*",
      typeMapping: { numeric: "Decimal", int8: "number", bytea: "Buffer" },
      outFile: null,
      print: false,
    });
    return source.replace("import type", 'import type { Decimal } from "decimal.js";\nimport type');
  } finally {
    await db.destroy();
  }
}

if (import.meta.main) {
  const cluster = await startTestCluster();
  try {
    const url = await cluster.createDatabase("template0");
    await migrateToLatest(url, { cinemaTimeZone: "Asia/Kolkata" });
    await writeFile(schemaFile, await generateSchema(url));
    console.log("db/src/schema.ts holds the types of the migrated database.");
  } finally {
    await cluster.stop();
  }
}
