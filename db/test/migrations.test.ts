import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import type { Connection } from "../src/connect.ts";
import { listMigrations, migrateDown, migrateToLatest } from "../src/migrate.ts";
import { loadMigrations, migrationDirectory } from "../src/migration-files.ts";
import { readCatalogue } from "./catalogue.ts";
import { createMigrationFolder } from "./migration-folder.ts";
import { openConnection } from "./open-connection.ts";

const cinemaTimeZone = "Asia/Kolkata";
const migrations = await loadMigrations(migrationDirectory);

describe.each(["an empty", "a filled"])("on %s database", (state) => {
  test("every down restores the catalogue that its up found, and every up the one that its down found", async () => {
    const { url } = await createEmptyDatabase();
    await using connection = await openConnection(url);
    const undone = [await readCatalogue(connection)];
    for (const count of migrations.keys()) {
      await migrateFirst(url, count + 1);
      if (count === 0 && state === "a filled") await fill(connection);
      undone.push(await readCatalogue(connection));
    }
    for (const count of migrations.keys().toArray().toReversed()) {
      await migrateDown(url, { cinemaTimeZone, discard: true });
      expect(await readCatalogue(connection), `${migrations[count]?.down.fileName}`).toEqual(undone[count]);
      await migrateFirst(url, count + 1);
      expect(await readCatalogue(connection), `${migrations[count]?.up.fileName} again`).toEqual(
        undone[count + 1],
      );
      await migrateDown(url, { cinemaTimeZone, discard: true });
    }
  });
});

test("a filled baseline, committed before the rest is migrated, is accepted and keeps its rows, and can go all the way down", async () => {
  const { url } = await createEmptyDatabase();
  await using connection = await openConnection(url);
  const empty = await readCatalogue(connection);
  await migrateFirst(url, 1);
  await fill(connection);
  const before = await countRows(connection);
  await migrateToLatest(url, { cinemaTimeZone });
  expect((await listMigrations(url)).pending).toEqual([]);
  expect(await countRows(connection)).toMatchObject(before);
  await expect(migrateDown(url, { cinemaTimeZone, steps: "all", discard: false })).rejects.toThrow(
    "--discard",
  );
  expect(await countRows(connection)).toMatchObject(before);
  await migrateDown(url, { cinemaTimeZone, steps: "all", discard: true });
  expect(await readCatalogue(connection)).toEqual(empty);
});

/** Migrates up to the given number of migrations, as a version that had no more of them would. */
async function migrateFirst(url: string, count: number): Promise<void> {
  const files = migrations.slice(0, count).flatMap(({ up, down }) => [up, down]);
  await using folder = await createMigrationFolder(
    Object.fromEntries(files.map((file) => [file.fileName, file.text])),
  );
  await migrateToLatest(url, { cinemaTimeZone, directory: folder.path });
}

async function fill(connection: Connection): Promise<void> {
  await connection.query(await readFile(join(import.meta.dirname, "filled-baseline.sql"), "utf8"));
}

/** Rows of the tables that hold what people did; how seats are claimed and holds expire is the later schema's own affair. */
async function countRows(connection: Connection): Promise<Record<string, unknown>> {
  const tables = [
    "usertable",
    "customertable",
    "stafftable",
    "show",
    "booking",
    "payment_transaction",
    "wallet_transaction",
  ];
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  const [row] = await connection.query(`SELECT ${counts.join(", ")}`);
  return row ?? {};
}
