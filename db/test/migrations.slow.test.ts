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

// Every step meets every migration before it.
const slow = { timeout: 120_000 };
const cinemaTimeZone = "Asia/Kolkata";
const migrations = await loadMigrations(migrationDirectory);

describe.each(["an empty", "a filled"])("on %s database", (state) => {
  test(
    "every down restores the catalogue that its up found, and every up the one that its down found",
    slow,
    async () => {
      const { url } = await createEmptyDatabase();
      await using connection = await openConnection(url);
      const undone = [await readCatalogue(connection)];
      for (const count of migrations.keys()) {
        await migrateFirst(url, count + 1);
        if (count === 0 && state === "a filled") await fill(connection, "filled-baseline.sql");
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
    },
  );
});

test("a filled baseline, committed before the rest is migrated, is accepted and keeps its rows, and can go all the way down", async () => {
  const { url } = await createEmptyDatabase();
  await using connection = await openConnection(url);
  const empty = await readCatalogue(connection);
  await migrateFirst(url, 1);
  await fill(connection, "filled-baseline.sql");
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

test(
  "0004 as it first landed and as it is now leave one catalogue, which goes down all the way",
  slow,
  async () => {
    const [before, now] = [await createEmptyDatabase(), await createEmptyDatabase()];
    await using inBefore = await openConnection(before.url);
    await using inNow = await openConnection(now.url);
    const empty = await readCatalogue(inBefore);
    const firstLanded = await readFile(join(import.meta.dirname, "0004_as_first_landed.up.sql"), "utf8");
    const files = migrations.flatMap(({ up, down }) => [up, down]);
    const texts = files.map(
      ({ fileName, text }) =>
        [fileName, fileName === "0004_bookings_and_claims.up.sql" ? firstLanded : text] as const,
    );
    await using folder = await createMigrationFolder(Object.fromEntries(texts));
    await migrateToLatest(before.url, { cinemaTimeZone, directory: folder.path });
    await migrateToLatest(now.url, { cinemaTimeZone });
    expect(await readCatalogue(inBefore)).toEqual(await readCatalogue(inNow));
    await migrateDown(before.url, { cinemaTimeZone, steps: "all", discard: true });
    expect(await readCatalogue(inBefore)).toEqual(empty);
  },
);

describe("a database that holds what only the newest schema knows", () => {
  // What goes, in the order of the steps; below them the whole schema goes.
  const lost: [migration: string, what: string, count: number][] = [
    ["0017_identity_and_heartbeat", "that this database is a copy", 1],
    ["0017_identity_and_heartbeat", "that refunds wait for payments:resume", 1],
    ["0015_hold_limits", "networks that holds came from", 1],
    ["0013_contradictions", "funds that were charged late and given back", 1],
    ["0012_check_in", "when and by whom bookings were checked in", 1],
    ["0010_money", "funds that were added by card", 1],
    ["0009_profile_images", "images that are still to be removed from the store", 1],
    ["0008_accounts", "audit entries", 1],
    ["0008_accounts", "reset tokens", 1],
    ["0006_idempotency_keys", "stored answers", 1],
    ["0005_payments_and_wallets", "refunds", 2],
    ["0005_payments_and_wallets", "payments without a gateway reference", 1],
    ["0005_payments_and_wallets", "payments that are not final", 1],
    ["0004_bookings_and_claims", "cancelled, expired and refunded bookings", 7],
    ["0004_bookings_and_claims", "payments of bookings that have ended or are being paid", 2],
    ["0004_bookings_and_claims", "bookings being paid", 1],
    ["0003_screens_and_shows", "cancelled shows, with their bookings", 1],
    ["0003_screens_and_shows", "shows of further screens, with their bookings", 1],
    ["0003_screens_and_shows", "payments of those bookings", 1],
    ["0003_screens_and_shows", "titles and details of films", 4],
    ["0003_screens_and_shows", "further screens", 1],
    ["0002_people", "sessions", 1],
  ];
  const remaining: typeof lost = [
    ["0001_skyfox_baseline", "seats (seat)", 100],
    ["0001_skyfox_baseline", "shows (show)", 7],
    ["0001_skyfox_baseline", "bookings (booking)", 7],
    ["0001_skyfox_baseline", "booked seats (booking_seat_mapping)", 15],
    ["0001_skyfox_baseline", "payments (payment_transaction)", 6],
    ["0001_skyfox_baseline", "hold expiries (pending_booking_tracker)", 1],
    ["0001_skyfox_baseline", "wallet transactions (wallet_transaction)", 8],
  ];

  test("is not rolled back unless what it would lose may go, and says what that is", async () => {
    const { url, connection } = await givenFilledLatest();
    await using _ = connection;
    const before = await readRows(connection);
    const refusal: unknown = await migrateDown(url, { cinemaTimeZone, steps: "all", discard: false }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const lines = String(refusal).split("\n").slice(1);
    expect(String(refusal)).toContain("Nothing was changed");
    expect(lines.filter((line) => !line.includes("0001_skyfox_baseline"))).toEqual(lost.map(lineOf));
    expect(lines).toEqual(expect.arrayContaining(remaining.map(lineOf)));
    expect(await readRows(connection)).toEqual(before);
  });

  test("goes down step by step when it may, and each step can be taken up again", slow, async () => {
    const { url, connection, catalogues } = await givenFilledLatest();
    await using _ = connection;
    const discarded = [];
    for (const count of migrations.keys().toArray().toReversed()) {
      const outcome = await migrateDown(url, { cinemaTimeZone, discard: true });
      discarded.push(...outcome.discarded);
      expect(await readCatalogue(connection), `${migrations[count]?.down.fileName}`).toEqual(
        catalogues[count],
      );
      await migrateFirst(url, count + 1);
      if (count === migrations.length - 1) expect(await listViolations(connection)).toEqual([]);
      expect(await readCatalogue(connection)).toEqual(catalogues[count + 1]);
      await migrateDown(url, { cinemaTimeZone, discard: true });
    }
    const entries = discarded.map(({ migration, what, count }) => [migration, what, count]);
    expect(entries.filter(([migration]) => migration !== "0001_skyfox_baseline")).toEqual(lost);
    expect(entries).toEqual(expect.arrayContaining(remaining));
    await migrateToLatest(url, { cinemaTimeZone });
    expect(await readCatalogue(connection)).toEqual(catalogues.at(-1));
    expect(await listViolations(connection)).toEqual([]);
  });

  function lineOf([migration, what, count]: (typeof lost)[number]): string {
    return `  ${migration}: ${count} × ${what}`;
  }
});

/** Migrates up to the given number of migrations, as a version that had no more of them would. */
async function migrateFirst(url: string, count: number): Promise<void> {
  const files = migrations.slice(0, count).flatMap(({ up, down }) => [up, down]);
  await using folder = await createMigrationFolder(
    Object.fromEntries(files.map((file) => [file.fileName, file.text])),
  );
  await migrateToLatest(url, { cinemaTimeZone, directory: folder.path });
}

async function fill(connection: Connection, fileName: string): Promise<void> {
  await connection.query(await readFile(join(import.meta.dirname, fileName), "utf8"));
}

/** A database at the newest schema that holds what no older one can, and the catalogues on the way there. */
async function givenFilledLatest() {
  const { url } = await createEmptyDatabase();
  const connection = await openConnection(url);
  const catalogues = [await readCatalogue(connection)];
  for (const count of migrations.keys()) {
    await migrateFirst(url, count + 1);
    if (count === 0) await fill(connection, "filled-baseline.sql");
    catalogues.push(await readCatalogue(connection));
  }
  await fill(connection, "filled-latest.sql");
  expect(await listViolations(connection)).toEqual([]);
  return { url, connection, catalogues };
}

async function listViolations(connection: Connection) {
  return await connection.query("SELECT rule, subject, details FROM integrity_violation");
}

/** Every row of every table as text. */
async function readRows(connection: Connection): Promise<Record<string, unknown>> {
  const tables = await connection.query(
    "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  const rows: Record<string, unknown> = {};
  for (const table of tables) {
    const name = String(table["name"]);
    rows[name] = await connection.query(`SELECT "${name}"::text AS row FROM "${name}" ORDER BY 1`);
  }
  return rows;
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
