import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import { migrateToLatest } from "../src/migrate.ts";
import { migrationDirectory } from "../src/migration-files.ts";
import { openConnection } from "./open-connection.ts";

// Twice what it takes beside another drill. A step that reads a table once for each of its rows would take hours.
const withinSeconds = 240;

/** The database of an older system with 300,000 bookings of two seats. */
async function fill(): Promise<{ url: string }> {
  const database = await createEmptyDatabase();
  await using connection = await openConnection(database.url);
  await connection.query(await readFile(join(migrationDirectory, "0001_skyfox_baseline.up.sql"), "utf8"));
  await connection.query(await readFile(join(import.meta.dirname, "big-baseline.sql"), "utf8"));
  await connection.query(
    "CREATE TABLE schema_migrations (version bigint NOT NULL, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (21, false)",
  );
  return database;
}

test(
  "a database of 300,000 bookings is adopted, and each step that takes long is reported",
  { timeout: 600_000 },
  async () => {
    const { url } = await fill();
    await using connection = await openConnection(url);
    // Free space in its pages, as in every database that ever deleted an expired booking.
    await connection.query("UPDATE booking_seat_mapping SET seat_number = seat_number WHERE id % 10 = 0");
    await connection.query("VACUUM booking_seat_mapping");

    const said: string[] = [];
    const startedAt = performance.now();
    const { adopted } = await migrateToLatest(url, {
      cinemaTimeZone: "Asia/Kolkata",
      say: (line) => said.push(line),
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    process.stdout.write(
      `Adoption of 300,000 bookings: ${seconds.toFixed(1)} s.\n${said.map((line) => `  ${line}\n`).join("")}`,
    );
    expect(adopted).toBe("0001_skyfox_baseline");
    expect(await connection.query("SELECT count(*) FROM seat_claim")).toEqual([{ count: 600_000 }]);
    expect(seconds).toBeLessThan(withinSeconds);
  },
);
