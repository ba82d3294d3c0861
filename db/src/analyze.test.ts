import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import { readCatalogue } from "../test/catalogue.ts";
import { createMigrationFolder } from "../test/migration-folder.ts";
import { openConnection } from "../test/open-connection.ts";
import { analyzeMigrations } from "./analyze.ts";
import { listMigrations, migrateDown, migrateToLatest } from "./migrate.ts";
import { loadMigrations, migrationDirectory } from "./migration-files.ts";

const options = { cinemaTimeZone: "Asia/Kolkata" };

describe("the migration analyser", () => {
  test("writes each migration once under its header, up ascending and down descending, with a summary", async () => {
    await using target = await createTarget();
    const { written, warnings } = await analyzeMigrations(migrationDirectory, target.path);
    const names = (await loadMigrations(migrationDirectory)).map((migration) => migration.name);
    const up = await readMega(target.path, "up");
    const down = await readMega(target.path, "down");
    expect(warnings).toEqual([]);
    expect(written.map(({ migrations }) => migrations)).toEqual([names.length, names.length]);
    expect(listHeaders(up)).toEqual(names.map((name) => `${name}.up.sql`));
    expect(listHeaders(down)).toEqual(names.toReversed().map((name) => `${name}.down.sql`));
    for (const text of [up, down]) expect(text).toContain(`-- Migrations: ${names.length}\n`);
  });

  test("the up file makes, in an empty database, what the migrator makes, and the migrator goes on from there", async () => {
    await using target = await createTarget();
    await analyzeMigrations(migrationDirectory, target.path);
    const { url: byFile } = await createEmptyDatabase();
    const { url: byMigrator } = await createEmptyDatabase();
    await migrateToLatest(byMigrator, options);
    await run(byFile, await readMega(target.path, "up"));
    expect(await read(byFile)).toEqual(await read(byMigrator));
    expect(await listMigrations(byFile)).toEqual(await listMigrations(byMigrator));
    expect((await migrateToLatest(byFile, options)).applied).toEqual([]);
    expect((await migrateDown(byFile, { ...options, discard: true })).rolledBack).toHaveLength(1);
  });

  test("the up file records which migrations the release before may run on, as the migrator does", async () => {
    await using source = await createMigrationFolder({
      "0001_film.up.sql": "CREATE TABLE film (title text);",
      "0001_film.down.sql": "DROP TABLE film;",
      "0002_star.up.sql": "-- compatible-with: previous\nCREATE TABLE star (name text);",
      "0002_star.down.sql": "DROP TABLE star;",
    });
    await using target = await createTarget();
    await analyzeMigrations(source.path, target.path);
    const { url: byFile } = await createEmptyDatabase();
    const { url: byMigrator } = await createEmptyDatabase();
    await migrateToLatest(byMigrator, { ...options, directory: source.path });
    await run(byFile, await readMega(target.path, "up"));
    for (const url of [byFile, byMigrator]) {
      await using connection = await openConnection(url);
      expect(
        await connection.query("SELECT name, compatible_with FROM kysely_migration ORDER BY name"),
      ).toEqual([
        { name: "0001_film", compatible_with: null },
        { name: "0002_star", compatible_with: "0001_film" },
      ]);
    }
  });

  test("both files set the cinema's zone where the session has none", async () => {
    const remember = "SELECT current_setting('skyfox.cinema_time_zone') AS name";
    await using source = await createMigrationFolder({
      "0001_zone.up.sql": `CREATE TABLE zone AS ${remember};`,
      "0001_zone.down.sql": `ALTER TABLE zone RENAME TO left_over; INSERT INTO left_over ${remember};`,
    });
    await using target = await createTarget();
    await analyzeMigrations(source.path, target.path);
    const { url } = await createEmptyDatabase();
    await run(url, `SET skyfox.cinema_time_zone = 'Europe/Oslo'; ${await readMega(target.path, "up")}`);
    await run(url, await readMega(target.path, "down"));
    await using connection = await openConnection(url);
    expect(await connection.query("SELECT name FROM left_over")).toEqual([
      { name: "Europe/Oslo" },
      { name: "Asia/Kolkata" },
    ]);
  });

  test("the down file empties a migrated database with data in it, so that it can be migrated again", async () => {
    await using target = await createTarget();
    await analyzeMigrations(migrationDirectory, target.path);
    const { url } = await createEmptyDatabase();
    const empty = await read(url);
    await run(url, await readFile(join(migrationDirectory, "0001_skyfox_baseline.up.sql"), "utf8"));
    await run(url, await readFile(join(import.meta.dirname, "..", "test", "filled-baseline.sql"), "utf8"));
    await run(
      url,
      "CREATE TABLE schema_migrations (version bigint, dirty boolean); INSERT INTO schema_migrations VALUES (21, false)",
    );
    await migrateToLatest(url, options);
    await run(url, "DROP TABLE schema_migrations");
    await run(url, await readMega(target.path, "down"));
    expect(await read(url)).toEqual(empty);
    expect((await migrateToLatest(url, options)).applied[0]).toBe("0001_skyfox_baseline");
  });

  test("files out of order are warned of, in the answer and in the files", async () => {
    await using source = await createMigrationFolder({
      "0001_a.up.sql": "SELECT 1;",
      "0001_a.down.sql": "SELECT 1;",
      "0003_c.up.sql": "SELECT 3;",
      "four.up.sql": "SELECT 4;",
    });
    await using target = await createTarget();
    const { warnings } = await analyzeMigrations(source.path, target.path);
    expect(warnings).toEqual([
      "four.up.sql is not named NNNN_name.up.sql or NNNN_name.down.sql.",
      "0003_c.down.sql is missing.",
      "Migration 0002 is missing.",
    ]);
    expect(await readMega(target.path, "up")).toContain("-- WARNING: Migration 0002 is missing.");
  });
});

function createTarget() {
  return mkdtempDisposable(join(tmpdir(), "skyfox-analysis-"));
}

function readMega(folder: string, direction: "up" | "down"): Promise<string> {
  return readFile(join(folder, `mega_${direction}_migration.sql`), "utf8");
}

function listHeaders(text: string): (string | undefined)[] {
  return Array.from(text.matchAll(/^-- Migration \d{4}: (.+)$/gm), (match) => match[1]);
}

async function run(url: string, sql: string): Promise<void> {
  await using connection = await openConnection(url);
  await connection.query(sql);
}

async function read(url: string): Promise<string[]> {
  await using connection = await openConnection(url);
  return await readCatalogue(connection);
}
