import { expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import { createMigrationFolder } from "./migration-folder.ts";
import { openConnection } from "./open-connection.ts";
import { migrateToLatest } from "../src/migrate.ts";

const cinemaTimeZone = "Asia/Kolkata";

test(
  "a step that takes over five seconds is reported by name while it runs",
  { timeout: 60_000 },
  async () => {
    await using folder = await createMigrationFolder({
      "0001_long.up.sql": "SELECT pg_sleep(6);",
      "0001_long.down.sql": "SELECT 1;",
    });
    const { url } = await createEmptyDatabase();
    const said: string[] = [];
    await migrateToLatest(url, { cinemaTimeZone, directory: folder.path, say: (line) => said.push(line) });
    expect(said).toEqual([expect.stringMatching(/^0001_long\.up\.sql has taken [56] s so far\.$/)]);
  },
);

test(
  "a server that waits for the migration of another says so every five seconds",
  { timeout: 60_000 },
  async () => {
    await using folder = await createMigrationFolder({
      "0001_film.up.sql": "CREATE TABLE film (title text);",
      "0001_film.down.sql": "DROP TABLE film;",
    });
    const { url } = await createEmptyDatabase();
    await using other = await openConnection(url);
    await other.query("SET application_name = 'skyfox-migrate'; BEGIN");
    await other.query("SELECT pg_advisory_xact_lock(hashtextextended('skyfox.migrations', 0))");
    const said: string[] = [];
    const twice = Promise.withResolvers<void>();
    const migrating = migrateToLatest(url, {
      cinemaTimeZone,
      directory: folder.path,
      say(line) {
        if (said.push(line) === 2) twice.resolve();
      },
    });
    await twice.promise;
    await other.query("COMMIT");
    expect((await migrating).applied).toEqual(["0001_film"]);
    const pattern =
      /^Waiting for another migration of this database for (?:5|6|10|11) s: process \d+ \(skyfox-migrate, idle in transaction, /;
    expect(said).toEqual([expect.stringMatching(pattern), expect.stringMatching(pattern)]);
  },
);
