import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import { readCatalogue } from "../test/catalogue.ts";
import { openConnection } from "../test/open-connection.ts";
import type { Connection } from "./connect.ts";
import { listMigrations, migrateDown, migrateToLatest } from "./migrate.ts";
import { migrationDirectory } from "./migration-files.ts";

const options = { cinemaTimeZone: "Asia/Kolkata" };
const baseline = "0001_skyfox_baseline";
const schemaMigrations =
  "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);";

describe("adopting an existing SkyFox database", () => {
  test("at version 21 the baseline is recorded, not run, and two servers at once do it once", async () => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    await loadSkyfox(connection, "(21, false)");
    const outcomes = await Promise.all([migrateToLatest(url, options), migrateToLatest(url, options)]);
    expect(outcomes.map((outcome) => outcome.adopted).filter((name) => name !== undefined)).toEqual([
      baseline,
    ]);
    const { applied, pending } = await listMigrations(url);
    expect(pending).toEqual([]);
    expect(outcomes.flatMap((outcome) => outcome.applied)).toEqual(applied.slice(1));
    expect(await connection.query("SELECT count(*) FROM usertable")).toEqual([{ count: 7 }]);
  });

  test("an adopted database has the schema of a new one", async () => {
    const [adopted, fresh] = [await createEmptyDatabase(), await createEmptyDatabase()];
    await using inAdopted = await openConnection(adopted.url);
    await using inFresh = await openConnection(fresh.url);
    await loadSkyfox(inAdopted, "(21, false)");
    await migrateToLatest(adopted.url, options);
    await migrateToLatest(fresh.url, options);
    await inAdopted.query("DROP TABLE schema_migrations");
    expect(await readCatalogue(inAdopted)).toEqual(await readCatalogue(inFresh));
  });

  test.each([
    ["(20, false)", "version 20, clean"],
    ["(22, false)", "version 22, clean"],
    ["(21, true)", "version 21, dirty"],
    ["(20, false), (21, false)", "more than one version"],
    [undefined, "no version"],
  ])("schema_migrations with %s is refused and left as it was", async (versions, found) => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    await loadSkyfox(connection, versions);
    const before = await readCatalogue(connection);
    await expect(migrateToLatest(url, options)).rejects.toThrow(
      `The table schema_migrations says: ${found}. Only a SkyFox database at version 21, clean, can be adopted`,
    );
    expect(await readCatalogue(connection)).toEqual(before);
    expect((await listMigrations(url)).applied).toEqual([]);
  });

  test("the history of another tool is refused", async () => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    await connection.query(
      "CREATE TABLE schema_migrations (version text); INSERT INTO schema_migrations VALUES ('21')",
    );
    await expect(migrateToLatest(url, options)).rejects.toThrow(
      "The table schema_migrations says: version 21, dirty.",
    );
  });

  test("version 21 without SkyFox's tables is refused", async () => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    await connection.query(`${schemaMigrations} INSERT INTO schema_migrations VALUES (21, false)`);
    await expect(migrateToLatest(url, options)).rejects.toThrow(
      "there is no usertable: this is not a SkyFox database",
    );
  });

  test("tables without any history are refused by name", async () => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    await connection.query("CREATE TABLE parcel (id int); CREATE TABLE address (id int)");
    await expect(migrateToLatest(url, options)).rejects.toThrow(
      "The database has tables (address, parcel) but no migration history.",
    );
  });

  test("an adopted database rolled back to the beginning is migrated from the beginning, not adopted again", async () => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    await loadSkyfox(connection, "(21, false)");
    await migrateToLatest(url, options);
    await migrateDown(url, { ...options, steps: "all", discard: true });
    const outcome = await migrateToLatest(url, options);
    expect(outcome.adopted).toBeUndefined();
    expect(outcome.applied[0]).toBe(baseline);
  });
});

async function loadSkyfox(connection: Connection, versions: string | undefined): Promise<void> {
  await connection.query(await readFile(join(migrationDirectory, `${baseline}.up.sql`), "utf8"));
  await connection.query(
    await readFile(join(import.meta.dirname, "..", "test", "filled-baseline.sql"), "utf8"),
  );
  await connection.query(schemaMigrations);
  if (versions !== undefined) await connection.query(`INSERT INTO schema_migrations VALUES ${versions}`);
}
