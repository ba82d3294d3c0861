import { sql as compose } from "kysely";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import { readCatalogue } from "../test/catalogue.ts";
import { booksApplicationName, openDatabase } from "./connect.ts";
import { createMigrationFolder } from "../test/migration-folder.ts";
import { openConnection } from "../test/open-connection.ts";
import { listMigrations, migrateDown, migrateToLatest } from "./migrate.ts";

const cinemaTimeZone = "Asia/Kolkata";

const twoTables = {
  "0001_film.up.sql": "CREATE TABLE film (title text);",
  "0001_film.down.sql": "-- discards: films: SELECT count(*) FROM film\nDROP TABLE film;",
  "0002_star.up.sql": "CREATE TABLE star (name text); INSERT INTO star VALUES ('One'), ('Two');",
  "0002_star.down.sql": "-- discards: stars: SELECT count(*) FROM star\nDROP TABLE star;",
};

describe("migrating up", () => {
  test("five servers that start at once on an empty database migrate it once", async () => {
    const { url } = await createEmptyDatabase();
    const { promise: barrier, resolve: open } = Promise.withResolvers<void>();
    const starting = Array.from({ length: 5 }, async () => {
      await barrier;
      return migrateToLatest(url, { cinemaTimeZone });
    });
    open();
    const outcomes = await Promise.all(starting);
    const { applied, pending } = await listMigrations(url);
    expect(pending).toEqual([]);
    expect(applied.length).toBeGreaterThan(0);
    expect(outcomes.map((outcome) => outcome.applied.length).toSorted((a, b) => a - b)).toEqual([
      0,
      0,
      0,
      0,
      applied.length,
    ]);
  });

  test("a file holds several statements, functions and blocks, and reads the cinema's zone", async () => {
    await using folder = await createMigrationFolder({
      "0001_zone.up.sql": `
        CREATE TABLE zone (name text);
        CREATE FUNCTION zone_name() RETURNS text LANGUAGE sql AS $body$ SELECT current_setting('skyfox.cinema_time_zone'); $body$;
        DO $$ BEGIN INSERT INTO zone SELECT zone_name() WHERE '$1' = '$1'; END $$;`,
      "0001_zone.down.sql": "DROP FUNCTION zone_name; DROP TABLE zone;",
    });
    const { url } = await createEmptyDatabase();
    await migrateToLatest(url, { cinemaTimeZone: "America/New_York", directory: folder.path });
    expect(await query(url, "SELECT name FROM zone")).toEqual([{ name: "America/New_York" }]);
  });

  test.each(["Asia/Nowhere", "FOO+5", "asia/kolkata", ""])(
    "the zone %j is refused before anything runs",
    async (zone) => {
      const { url } = await createEmptyDatabase();
      await expect(migrateToLatest(url, { cinemaTimeZone: zone })).rejects.toThrow(
        "Set CINEMA_TIME_ZONE to an IANA name",
      );
      expect(await listTables(url)).toEqual([]);
    },
  );

  test("a failing migration leaves nothing changed and is named with Postgres' message, detail and hint", async () => {
    await using folder = await createMigrationFolder({
      ...twoTables,
      "0003_stop.up.sql": `DO $$ BEGIN
        RAISE EXCEPTION 'two rows break a rule' USING DETAIL = E'show 1 seat A1\\nshow 2 seat B2', HINT = 'Mend them.';
      END $$;`,
      "0003_stop.down.sql": "SELECT 1;",
    });
    const { url } = await createEmptyDatabase();
    await expect(migrateToLatest(url, { cinemaTimeZone, directory: folder.path })).rejects.toThrow(
      "0003_stop.up.sql failed, nothing was changed: two rows break a rule\n" +
        "DETAIL: show 1 seat A1\nshow 2 seat B2\nHINT: Mend them.",
    );
    expect(await listTables(url)).toEqual([]);
  });

  test("a violation of a deferred constraint is reported with the migration that made it", async () => {
    await using folder = await createMigrationFolder({
      "0001_pair.up.sql": `CREATE TABLE pair (id int PRIMARY KEY, other int REFERENCES pair DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO pair VALUES (1, 2);`,
      "0001_pair.down.sql": "DROP TABLE pair;",
      "0002_fine.up.sql": "SELECT 1;",
      "0002_fine.down.sql": "SELECT 1;",
    });
    const { url } = await createEmptyDatabase();
    await expect(migrateToLatest(url, { cinemaTimeZone, directory: folder.path })).rejects.toThrow(
      /^0001_pair\.up\.sql failed, nothing was changed: .*violates foreign key constraint/,
    );
  });

  test("a connection that dies is an error of its migration, and nothing was changed", async () => {
    await using folder = await createMigrationFolder({
      ...twoTables,
      "0003_death.up.sql": "SELECT pg_terminate_backend(pg_backend_pid());",
      "0003_death.down.sql": "SELECT 1;",
    });
    const { url } = await createEmptyDatabase();
    await expect(migrateToLatest(url, { cinemaTimeZone, directory: folder.path })).rejects.toThrow(
      /^0003_death\.up\.sql failed, nothing was changed: /,
    );
    expect(await listTables(url)).toEqual([]);
  });

  test("a database that a newer version migrated is refused, up and down", async () => {
    await using newer = await createMigrationFolder(twoTables);
    await using older = await createMigrationFolder({
      "0001_film.up.sql": twoTables["0001_film.up.sql"],
      "0001_film.down.sql": twoTables["0001_film.down.sql"],
    });
    const { url } = await createEmptyDatabase();
    await migrateToLatest(url, { cinemaTimeZone, directory: newer.path });
    const refusal = "The database was migrated by a newer SkyFox: this version does not know 0002_star.";
    await expect(migrateToLatest(url, { cinemaTimeZone, directory: older.path })).rejects.toThrow(refusal);
    await expect(migrateDown(url, { cinemaTimeZone, directory: older.path, discard: true })).rejects.toThrow(
      refusal,
    );
    expect(await listMigrations(url, older.path)).toEqual({
      applied: ["0001_film", "0002_star"],
      pending: [],
      unknown: ["0002_star"],
    });
  });
});

describe("a newer version's migration that says `-- compatible-with: previous`", () => {
  const compatible = {
    ...twoTables,
    "0003_poster.up.sql":
      "-- Posters.\n-- compatible-with: previous\nALTER TABLE film ADD COLUMN poster text;",
    "0003_poster.down.sql": "ALTER TABLE film DROP COLUMN poster;",
    "0004_prize.up.sql": "-- compatible-with: previous\nALTER TABLE star ADD COLUMN prize text;",
    "0004_prize.down.sql": "ALTER TABLE star DROP COLUMN prize;",
  };
  const upTo = (number: string) =>
    createMigrationFolder(
      Object.fromEntries(Object.entries(compatible).filter(([name]) => name <= `${number}_z`)),
    );
  const migrate = async (url: string, number: string) => {
    await using folder = await upTo(number);
    const said: string[] = [];
    const { applied } = await migrateToLatest(url, {
      cinemaTimeZone,
      directory: folder.path,
      say: (line) => said.push(line),
    });
    return { applied, said };
  };

  test.each([
    ["a database that has the release before", ["0002", "0003"]],
    ["a new database", ["0003"]],
    ["a database of which one release makes two such steps", ["0002", "0004"]],
  ])("lets the version before start, and warn, on %s", async (_name, releases) => {
    const { url } = await createEmptyDatabase();
    for (const release of releases) await migrate(url, release);
    const { applied, said } = await migrate(url, "0002");
    expect(applied).toEqual([]);
    expect(said).toEqual([
      expect.stringMatching(
        /^The database was migrated by a newer SkyFox \(0003_poster.*Update this version soon\.$/,
      ),
    ]);
  });

  test("does not let the version before that one start", async () => {
    const { url } = await createEmptyDatabase();
    for (const release of ["0002", "0003", "0004"]) await migrate(url, release);
    expect((await migrate(url, "0003")).said).toHaveLength(1);
    await expect(migrate(url, "0002")).rejects.toThrow("does not know 0003_poster, 0004_prize.");
  });

  test("lets no version start that misses a migration before it", async () => {
    const { url } = await createEmptyDatabase();
    await migrate(url, "0003");
    await expect(migrate(url, "0001")).rejects.toThrow("does not know 0002_star, 0003_poster.");
  });

  test("is forgotten when it is rolled back, and is not rolled back by the version before", async () => {
    const { url } = await createEmptyDatabase();
    await migrate(url, "0002");
    await migrate(url, "0003");
    await using older = await upTo("0002");
    await using newer = await upTo("0003");
    const down = (directory: string) => migrateDown(url, { cinemaTimeZone, directory, discard: true });
    await expect(down(older.path)).rejects.toThrow("migrated by a newer SkyFox");
    await down(newer.path);
    expect((await migrate(url, "0002")).said).toEqual([]);
  });
});

describe("a lock that another transaction holds", () => {
  const poster = {
    ...twoTables,
    "0003_poster.up.sql": "INSERT INTO star VALUES ('Three'); ALTER TABLE film ADD COLUMN poster text;",
    "0003_poster.down.sql": "ALTER TABLE film DROP COLUMN poster;",
  };
  const given = async () => {
    const { url } = await createEmptyDatabase();
    await using before = await createMigrationFolder(twoTables);
    await migrateToLatest(url, { cinemaTimeZone, directory: before.path });
    return url;
  };

  test("stops other calls no longer than two seconds, is named, and the migration succeeds once it is free", async () => {
    const url = await given();
    await using folder = await createMigrationFolder(poster);
    await using reader = await openConnection(url);
    await using caller = await openConnection(url);
    const [{ pid } = {}] = await reader
      .query("SET application_name = 'report'; BEGIN; TABLE film")
      .then(() => reader.query("SELECT pg_backend_pid() AS pid"));
    const firstLine = Promise.withResolvers<string>();
    const migrating = migrateToLatest(url, {
      cinemaTimeZone,
      directory: folder.path,
      say: firstLine.resolve,
    });
    await expect
      .poll(
        () =>
          caller.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'skyfox-migrate' AND wait_event_type = 'Lock'",
          ),
        { timeout: 20_000 },
      )
      .toHaveLength(1);
    // A call that comes after the migration; without a lock timeout it would wait for the report.
    await caller.query("SET statement_timeout = '4s'");
    expect(await caller.query("TABLE film")).toEqual([]);
    const line = await firstLine.promise;
    expect(line).toContain(
      `0003_poster.up.sql waited for a lock on film, held by process ${String(pid)} (report, idle in transaction, transaction `,
    );
    expect(line).toMatch(
      / s old, query \d+ s old\)\. Nothing was changed\. Trying again in 0\.5 s \(try 1 of 10\)\.$/,
    );
    await reader.query("COMMIT");
    expect((await migrating).applied).toEqual(["0003_poster"]);
    // The tries before left nothing.
    expect(await query(url, "SELECT count(*) FROM star")).toEqual([{ count: 3 }]);
  });

  test("keeps no start waiting that has been stopped", async () => {
    const url = await given();
    await using folder = await createMigrationFolder(poster);
    await using reader = await openConnection(url);
    await reader.query("BEGIN; TABLE film");
    const stop = new AbortController();
    const migrating = migrateToLatest(url, {
      cinemaTimeZone,
      directory: folder.path,
      say: () => stop.abort(new Error("Stopped.")),
      signal: stop.signal,
    });
    await expect(migrating).rejects.toThrow("Stopped.");
    expect((await listMigrations(url, folder.path)).pending).toEqual(["0003_poster"]);
  });

  test("is not waited for when it is our own reading of the books, which is ended", async () => {
    const url = await given();
    await using folder = await createMigrationFolder(poster);
    await using other = await openConnection(url);
    const books = openDatabase(url, {
      maxConnections: 1,
      statementMs: 600_000,
      applicationName: booksApplicationName,
    });
    const reading = compose`SELECT pg_sleep(600) FROM (SELECT count(*) FROM film) AS f`.execute(books);
    const ended = reading.then(
      () => undefined,
      (error: unknown) => error,
    );
    await expect
      .poll(() => other.query("SELECT FROM pg_locks WHERE relation = 'film'::regclass AND granted"), {
        timeout: 20_000,
      })
      .toHaveLength(1);
    const said: string[] = [];
    const outcome = await migrateToLatest(url, {
      cinemaTimeZone,
      directory: folder.path,
      say: (line) => said.push(line),
    });
    expect(outcome.applied).toEqual(["0003_poster"]);
    expect(said).toEqual([]);
    expect(await ended).toMatchObject({ code: "57014" });
    await books.destroy();
  });
});

test("a history with a hole is refused, up and down", async () => {
  await using folder = await createMigrationFolder(twoTables);
  const options = { cinemaTimeZone, directory: folder.path };
  const { url } = await createEmptyDatabase();
  await migrateToLatest(url, options);
  await query(url, "DELETE FROM kysely_migration WHERE name = '0001_film'");
  await expect(migrateToLatest(url, options)).rejects.toThrow("corrupted migrations");
  await expect(migrateDown(url, { ...options, discard: true })).rejects.toThrow("corrupted migrations");
});

describe("listing", () => {
  test("an empty database has everything pending and stays empty", async () => {
    await using folder = await createMigrationFolder(twoTables);
    const { url } = await createEmptyDatabase();
    expect(await listMigrations(url, folder.path)).toEqual({
      applied: [],
      pending: ["0001_film", "0002_star"],
      unknown: [],
    });
    expect(await listTables(url)).toEqual([]);
  });
});

describe("migrating down", () => {
  test("goes one step back by default", async () => {
    await using folder = await createMigrationFolder(twoTables);
    const options = { cinemaTimeZone, directory: folder.path };
    const { url } = await createEmptyDatabase();
    await migrateToLatest(url, options);
    expect((await migrateDown(url, { ...options, discard: true })).rolledBack).toEqual(["0002_star"]);
    expect(await listMigrations(url, folder.path)).toMatchObject({
      applied: ["0001_film"],
      pending: ["0002_star"],
    });
    expect((await migrateDown(url, { ...options, discard: false })).rolledBack).toEqual(["0001_film"]);
    expect((await migrateDown(url, { ...options, discard: false })).rolledBack).toEqual([]);
  });

  test.each([2, 5, "all"] as const)(
    "goes %s steps back, no further than to the beginning, and up again",
    async (steps) => {
      await using folder = await createMigrationFolder(twoTables);
      const options = { cinemaTimeZone, directory: folder.path };
      const { url } = await createEmptyDatabase();
      await migrateToLatest(url, options);
      expect((await migrateDown(url, { ...options, steps, discard: true })).rolledBack).toEqual([
        "0002_star",
        "0001_film",
      ]);
      expect((await migrateToLatest(url, options)).applied).toEqual(["0001_film", "0002_star"]);
    },
  );

  test("refuses to lose rows, with the counts of every step, unless they may be discarded", async () => {
    await using folder = await createMigrationFolder(twoTables);
    const options = { cinemaTimeZone, directory: folder.path, steps: "all" } as const;
    const { url } = await createEmptyDatabase();
    await migrateToLatest(url, options);
    await query(url, "INSERT INTO film VALUES ('One')");
    await expect(migrateDown(url, { ...options, discard: false })).rejects.toThrow(
      "run it again with --discard if they may go.\n  0002_star: 2 × stars\n  0001_film: 1 × films",
    );
    expect(await query(url, "SELECT count(*) FROM star")).toEqual([{ count: 2 }]);
    expect((await migrateDown(url, { ...options, discard: true })).discarded).toEqual([
      { migration: "0002_star", what: "stars", count: 2 },
      { migration: "0001_film", what: "films", count: 1 },
    ]);
  });

  test("a count that counts nothing stops the rollback", async () => {
    await using folder = await createMigrationFolder({
      "0001_film.up.sql": "CREATE TABLE film (title text);",
      "0001_film.down.sql": "-- discards: films: SELECT title FROM film\nDROP TABLE film;",
    });
    const options = { cinemaTimeZone, directory: folder.path };
    const { url } = await createEmptyDatabase();
    await migrateToLatest(url, options);
    await expect(migrateDown(url, { ...options, discard: true })).rejects.toThrow("does not count rows");
  });

  test("a failing rollback leaves nothing changed", async () => {
    await using folder = await createMigrationFolder({
      ...twoTables,
      "0001_film.down.sql": "DROP TABLE film; DROP TABLE film;",
    });
    const options = { cinemaTimeZone, directory: folder.path };
    const { url } = await createEmptyDatabase();
    await migrateToLatest(url, options);
    await using connection = await openConnection(url);
    const before = await readCatalogue(connection);
    await expect(migrateDown(url, { ...options, steps: "all", discard: true })).rejects.toThrow(
      '0001_film.down.sql failed, nothing was changed: table "film" does not exist',
    );
    expect(await readCatalogue(connection)).toEqual(before);
    expect((await listMigrations(url, folder.path)).pending).toEqual([]);
  });
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  await using connection = await openConnection(url);
  return await connection.query(sql);
}

async function listTables(url: string): Promise<unknown[]> {
  const rows = await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  return rows.map((row) => row.tablename);
}
