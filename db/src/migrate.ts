import { type Kysely, type Transaction, sql } from "kysely";
import { type MigrationResultSet, Migrator, NO_MIGRATIONS } from "kysely/migration";
import { isAdoptable } from "./adopt.ts";
import { openMigrationDatabase } from "./connect.ts";
import {
  checkConstraintsSql,
  loadMigrations,
  type Migration,
  migrationDirectory,
  type MigrationFile,
} from "./migration-files.ts";

type MigrationTx = Transaction<unknown>;

/** What both directions need. */
interface MigrateOptions {
  /** IANA name; reaches the SQL as the setting `skyfox.cinema_time_zone`. */
  cinemaTimeZone: string;
  /** Another folder of numbered pairs, for tests. */
  directory?: string;
}

/** How far back, and whether rows that the older schema cannot hold may be lost. */
interface MigrateDownOptions extends MigrateOptions {
  steps?: number | "all";
  discard: boolean;
}

/** Rows that a rollback removed because the older schema cannot hold them. */
interface DiscardedRows {
  migration: string;
  what: string;
  count: number;
}

/** Names in the order in which they were rolled back, and what was lost. */
interface MigrateDownOutcome {
  rolledBack: string[];
  discarded: DiscardedRows[];
}

/** Names in ascending order; `unknown` ones were applied by a newer version. */
interface MigrationList {
  applied: string[];
  pending: string[];
  unknown: string[];
}

/** `adopted` is the migration that was recorded without being run, because the database came from an existing SkyFox. */
interface MigrateOutcome {
  adopted: string | undefined;
  applied: string[];
}

/**
 * Applies every pending migration in one transaction, or none of them; several servers may call it at once. A SkyFox database
 * at its own migration 21 is adopted first. Throws a sentence naming the migration that failed, with Postgres' details.
 */
export async function migrateToLatest(url: string, options: MigrateOptions): Promise<MigrateOutcome> {
  const migrations = await loadMigrations(options.directory ?? migrationDirectory);
  return inMigration(url, options.cinemaTimeZone, async (tx) => {
    const history = await findHistory(tx);
    assertKnown(history ?? [], migrations);
    const adopted = history === undefined && (await isAdoptable(tx)) ? migrations[0] : undefined;
    const recorded = await runMigrator(tx, migrations, {
      start: (migrator) => migrator.migrateToLatest(),
      run: async (file) => {
        if (file !== adopted?.up) await runFile(tx, file);
      },
    });
    return { adopted: adopted?.name, applied: recorded.filter((name) => name !== adopted?.name) };
  });
}

/**
 * Rolls back the last migrations, one unless told otherwise, in one transaction. Refuses with the counts of the rows that
 * would be lost unless `discard` is set; answers with what was lost.
 */
export async function migrateDown(url: string, options: MigrateDownOptions): Promise<MigrateDownOutcome> {
  const migrations = await loadMigrations(options.directory ?? migrationDirectory);
  return inMigration(url, options.cinemaTimeZone, async (tx) => {
    const history = (await findHistory(tx)) ?? [];
    assertKnown(history, migrations);
    if (history.length === 0) return { rolledBack: [], discarded: [] };
    const steps = options.steps ?? 1;
    const target = steps === "all" ? undefined : history.at(-1 - steps);
    const discarded: DiscardedRows[] = [];
    const rolledBack = await runMigrator(tx, migrations, {
      start: (migrator) => migrator.migrateTo(target ?? NO_MIGRATIONS),
      run: async (file) => {
        discarded.push(...(await countDiscards(tx, file)));
        await runFile(tx, file);
      },
    });
    if (discarded.length > 0 && !options.discard) throw new Error(describeRefusal(discarded));
    return { rolledBack, discarded };
  });
}

/** What the database has and what this version would add; changes nothing. */
export async function listMigrations(
  url: string,
  directory: string = migrationDirectory,
): Promise<MigrationList> {
  const names = (await loadMigrations(directory)).map((migration) => migration.name);
  const db = openMigrationDatabase(url);
  try {
    const applied = (await findHistory(db)) ?? [];
    return {
      applied,
      pending: names.filter((name) => !applied.includes(name)),
      unknown: applied.filter((name) => !names.includes(name)),
    };
  } finally {
    await db.destroy();
  }
}

/** One transaction under one lock, so that a failure leaves nothing behind, not even the history tables. */
async function inMigration<Result>(
  url: string,
  cinemaTimeZone: string,
  migrate: (tx: MigrationTx) => Promise<Result>,
): Promise<Result> {
  const db = openMigrationDatabase(url);
  const failures: unknown[] = [];
  try {
    // Read committed, so that whoever waited for the lock sees what the one before it did.
    return await db
      .transaction()
      .setIsolationLevel("read committed")
      .execute(async (tx) => {
        try {
          await sql`SELECT pg_advisory_xact_lock(hashtextextended('skyfox.migrations', 0))`.execute(tx);
          await setCinemaTimeZone(tx, cinemaTimeZone);
          return await migrate(tx);
        } catch (error) {
          failures.push(error);
          throw error;
        }
      });
  } catch (error) {
    // Rolling back on a connection that died fails too, and its error would hide the first one.
    throw failures[0] ?? error;
  } finally {
    await db.destroy();
  }
}

async function setCinemaTimeZone(tx: MigrationTx, cinemaTimeZone: string): Promise<void> {
  // AT TIME ZONE would also take POSIX rules such as FOO+5; the list holds names only.
  const { rows } = await sql`
    SELECT set_config('skyfox.cinema_time_zone', name, true) FROM pg_timezone_names WHERE name = ${cinemaTimeZone}`.execute(
    tx,
  );
  if (rows.length > 0) return;
  throw new Error(
    `"${cinemaTimeZone}" is not a time zone that this Postgres knows. Set CINEMA_TIME_ZONE to an IANA name such as Asia/Kolkata.`,
  );
}

/** The names that the history records, in ascending order; undefined when the database has no history of ours. */
async function findHistory(db: Kysely<unknown>): Promise<string[] | undefined> {
  const { rows: tables } = await sql<{ table: string | null }>`
    SELECT to_regclass('kysely_migration')::text AS table`.execute(db);
  if (typeof tables[0]?.table !== "string") return undefined;
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration ORDER BY name`.execute(db);
  return rows.map((row) => row.name);
}

function assertKnown(history: string[], migrations: Migration[]): void {
  const unknown = history.filter((name) => !migrations.some((migration) => migration.name === name));
  if (unknown.length === 0) return;
  throw new Error(
    `The database was migrated by a newer SkyFox: this version does not know ${unknown.join(", ")}. ` +
      "Start that version, or roll back with it first.",
  );
}

interface Run {
  start: (migrator: Migrator) => Promise<MigrationResultSet>;
  run: (file: MigrationFile) => Promise<void>;
}

async function runMigrator(tx: MigrationTx, migrations: Migration[], { start, run }: Run): Promise<string[]> {
  // Kysely unlocks after a failure; in an aborted transaction that fails too, and its error hides the first one.
  const failures: Error[] = [];
  const attempt = async (file: MigrationFile) => {
    try {
      await run(file);
    } catch (error) {
      failures.push(describeFailure(file, error));
      throw error;
    }
  };
  const provider = {
    getMigrations: () =>
      Promise.resolve(
        Object.fromEntries(
          migrations.map(
            ({ name, up, down }) => [name, { up: () => attempt(up), down: () => attempt(down) }] as const,
          ),
        ),
      ),
  };
  const { error, results } = await start(new Migrator({ db: tx, provider }));
  if (error instanceof Error) throw failures[0] ?? error;
  return (results ?? []).map((result) => result.migrationName);
}

async function runFile(tx: MigrationTx, file: MigrationFile): Promise<void> {
  await sql.raw(file.text).execute(tx);
  await sql.raw(checkConstraintsSql).execute(tx);
}

async function countDiscards(tx: MigrationTx, file: MigrationFile): Promise<DiscardedRows[]> {
  const discarded: DiscardedRows[] = [];
  for (const { what, countSql } of file.discards) {
    const { rows } = await sql.raw<Record<string, unknown>>(countSql).execute(tx);
    const count = Number(Object.values(rows[0] ?? {})[0]);
    if (!Number.isInteger(count)) throw new Error(`"${countSql}" does not count rows.`);
    if (count > 0) discarded.push({ migration: file.name, what, count });
  }
  return discarded;
}

function describeRefusal(discarded: DiscardedRows[]): string {
  const lines = discarded.map(({ migration, what, count }) => `\n  ${migration}: ${count} × ${what}`);
  return (
    "The older schema cannot hold these rows, so the rollback would lose them. Nothing was changed; " +
    `run it again with --discard if they may go.${lines.join("")}`
  );
}

function describeFailure(file: MigrationFile, error: unknown): Error {
  if (!(error instanceof Error))
    return new Error(`${file.fileName} failed, nothing was changed.`, { cause: error });
  const lines = [`${file.fileName} failed, nothing was changed: ${error.message}`];
  if ("detail" in error && typeof error.detail === "string") lines.push(`DETAIL: ${error.detail}`);
  if ("hint" in error && typeof error.hint === "string") lines.push(`HINT: ${error.hint}`);
  return new Error(lines.join("\n"), { cause: error });
}
