import { describe, expect, test } from "vitest";
import { createMigrationFolder } from "../test/migration-folder.ts";
import { loadMigrations, migrationDirectory, readMigrationFiles } from "./migration-files.ts";

describe("migration files", () => {
  test("the folder of this repository is in order", async () => {
    const { problems } = await readMigrationFiles(migrationDirectory);
    expect(problems).toEqual([]);
  });

  test("pairs come in ascending order with their text", async () => {
    await using folder = await createMigrationFolder({
      "0002_b.up.sql": "up b",
      "0002_b.down.sql": "down b",
      "0001_a.up.sql": "up a",
      "0001_a.down.sql": "down a",
      "README.md": "not a migration",
    });
    const migrations = await loadMigrations(folder.path);
    expect(migrations.map(({ name, up, down }) => [name, up.text, down.text])).toEqual([
      ["0001_a", "up a", "down a"],
      ["0002_b", "up b", "down b"],
    ]);
  });

  test.each([
    [{ "0001_a.up.sql": "" }, ["0001_a.down.sql is missing."]],
    [{ "0001_a.down.sql": "" }, ["0001_a.up.sql is missing."]],
    [{ ...pair("0001_a"), ...pair("0003_c") }, ["Migration 0002 is missing."]],
    [{ ...pair("0002_b") }, ["Migration 0001 is missing."]],
    [{ ...pair("0000_z"), ...pair("0001_a") }, ["0000_z: numbers start at 0001."]],
    [{ ...pair("0001_a"), ...pair("0001_b") }, ["0001_a and 0001_b share one number."]],
    [
      { ...pair("0001_a"), "2_b.up.sql": "" },
      ["2_b.up.sql is not named NNNN_name.up.sql or NNNN_name.down.sql."],
    ],
    [
      { ...pair("0001_a"), "0002_b.UP.SQL": "" },
      ["0002_b.UP.SQL is not named NNNN_name.up.sql or NNNN_name.down.sql."],
    ],
    [{}, ["There is no migration file at all."]],
  ])("files out of order are described in a sentence: %o", async (files, sentences) => {
    await using folder = await createMigrationFolder(files);
    expect((await readMigrationFiles(folder.path)).problems).toEqual(sentences);
    await expect(loadMigrations(folder.path)).rejects.toThrow(sentences[0]);
  });

  test("a discards line names the rows and the query that counts them", async () => {
    await using folder = await createMigrationFolder({
      "0001_a.up.sql": "",
      "0001_a.down.sql":
        "-- Undoes a.\n-- discards: shows, with: seats: SELECT count(*) FROM show\r\n-- discards: films: select 1\nDROP TABLE a;",
    });
    const [migration] = await loadMigrations(folder.path);
    expect(migration?.down.discards).toEqual([
      { what: "shows, with: seats", countSql: "SELECT count(*) FROM show" },
      { what: "films", countSql: "select 1" },
    ]);
  });

  test.each([
    [
      "0001_a.up.sql",
      "-- compatible-with: next",
      '"-- compatible-with: next" is not "-- compatible-with: previous".',
    ],
    ["0001_a.down.sql", "-- compatible-with: previous", '"-- compatible-with:" belongs into the up file.'],
  ])("%s with %j is a mistake", async (fileName, text, sentence) => {
    await using folder = await createMigrationFolder({ ...pair("0001_a"), [fileName]: text });
    await expect(loadMigrations(folder.path)).rejects.toThrow(`${fileName}: ${sentence}`);
  });

  test("a discards line without a query is a mistake, not a comment", async () => {
    await using folder = await createMigrationFolder({
      "0001_a.up.sql": "",
      "0001_a.down.sql": "-- discards: all shows",
    });
    await expect(loadMigrations(folder.path)).rejects.toThrow(
      '0001_a.down.sql: "-- discards: all shows" is not',
    );
  });
});

function pair(name: string): Record<string, string> {
  return { [`${name}.up.sql`]: "", [`${name}.down.sql`]: "" };
}
