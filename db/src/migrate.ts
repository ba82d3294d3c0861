import { setTimeout } from "node:timers/promises";
import { type Kysely, type Transaction, sql } from "kysely";
import { type MigrationResultSet, Migrator, NO_MIGRATIONS } from "kysely/migration";
import { isAdoptable } from "./adopt.ts";
import { openMigrationDatabase } from "./connect.ts";
import {
  checkConstraintsSql,
  findOldestRunnable,
  loadMigrations,
  type Migration,
  migrationDirectory,
  type MigrationFile,
} from "./migration-files.ts";
import { type MigrationWatch, watchMigration } from "./migration-watch.ts";
import { sqlState } from "./transaction.ts";

// A migration that waits for a lock stops all who want the table after it: no longer than a call waits for a lock.
const lockTimeoutSeconds = 2;
const pausesBetweenTriesMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000, 30_000];
// lock_not_available and deadlock_detected: the transaction is rolled back, and the same may pass a moment later.
const passingStates = new Set(["55P03", "40P01"]);

type MigrationTx = Transaction<unknown>;

/** What both directions need. */
interface MigrateOptions {
  /** IANA name; reaches the SQL as the setting `skyfox.cinema_time_zone`. */
  cinemaTimeZone: string;
  /** Another folder of numbered pairs, for tests. */
  directory?: string;
  /** Called with a sentence for the operator: what is waited for, which step takes long, that the database is newer. */
  say?: (line: string) => void;
  /** Ends it before its next try, with the signal's reason; a try that has begun goes on to its end. */
  signal?: AbortSignal | undefined;
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
 * at its own migration 21 is adopted first. A lock is waited for two seconds, then all is rolled back and tried again, ten times within
 * three minutes. A database of a newer version is left alone if that version says that this one may run on it. Throws a sentence naming
 * the migration that failed, with Postgres' details.
 */
export async function migrateToLatest(url: string, options: MigrateOptions): Promise<MigrateOutcome> {
  const migrations = await loadMigrations(options.directory ?? migrationDirectory);
  return inMigration(url, options, async (tx, watch) => {
    const history = await findHistory(tx);
    const unknown = listUnknown(history ?? [], migrations);
    if (unknown.length > 0 && mayRunOn(history ?? [], migrations)) {
      options.say?.(
        `The database was migrated by a newer SkyFox (${namesOf(unknown).join(", ")}), which says that this version may run on it. ` +
          "Update this version soon.",
      );
      return { adopted: undefined, applied: [] };
    }
    assertKnown(unknown);
    const adopted = history === undefined && (await isAdoptable(tx)) ? migrations[0] : undefined;
    const recorded = await runMigrator(tx, migrations, {
      start: (migrator) => migrator.migrateToLatest(),
      run: async (file) => {
        if (file !== adopted?.up) await runFile(tx, file, watch);
      },
    });
    const applied = migrations.filter(({ name }) => recorded.includes(name)).map(({ up }) => up);
    await recordCompatibility(tx, findOldestRunnable(history?.at(-1)?.name, applied));
    return { adopted: adopted?.name, applied: recorded.filter((name) => name !== adopted?.name) };
  });
}

/**
 * Rolls back the last migrations, one by default, in one transaction. Refuses with the counts of the rows that
 * would be lost unless `discard` is set; answers with what was lost.
 */
export async function migrateDown(url: string, options: MigrateDownOptions): Promise<MigrateDownOutcome> {
  const migrations = await loadMigrations(options.directory ?? migrationDirectory);
  return inMigration(url, options, async (tx, watch) => {
    const applied = (await findHistory(tx)) ?? [];
    assertKnown(listUnknown(applied, migrations));
    const history = namesOf(applied);
    if (history.length === 0) return { rolledBack: [], discarded: [] };
    const steps = options.steps ?? 1;
    const target = steps === "all" ? undefined : history.at(-1 - steps);
    const discarded: DiscardedRows[] = [];
    const rolledBack = await runMigrator(tx, migrations, {
      start: (migrator) => migrator.migrateTo(target ?? NO_MIGRATIONS),
      run: async (file) => {
        discarded.push(...(await countDiscards(tx, file)));
        await runFile(tx, file, watch);
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
    const applied = namesOf((await findHistory(db)) ?? []);
    return {
      applied,
      pending: names.filter((name) => !applied.includes(name)),
      unknown: applied.filter((name) => !names.includes(name)),
    };
  } finally {
    await db.destroy();
  }
}

/** Tries until no lock is in the way; each try is a transaction of its own, and what it did is undone before the next. */
async function inMigration<Result>(
  url: string,
  { cinemaTimeZone, say = () => {}, signal }: MigrateOptions,
  migrate: (tx: MigrationTx, watch: MigrationWatch) => Promise<Result>,
): Promise<Result> {
  const db = openMigrationDatabase(url);
  const watch = watchMigration(url, say);
  try {
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      try {
        // oxlint-disable-next-line no-await-in-loop -- a try begins when the one before has failed
        return await inOneTransaction(db, watch, cinemaTimeZone, (tx) => migrate(tx, watch));
      } catch (error) {
        if (!isPassing(error)) throw error;
        const pauseMs = pausesBetweenTriesMs[attempt - 1];
        const reason = `${watch.describeWait()} Nothing was changed.`;
        if (pauseMs === undefined)
          throw new Error(
            `${reason} Given up after ${attempt} tries: end what is waited for, then migrate again.`,
            {
              cause: error,
            },
          );
        say(
          `${reason} Trying again in ${pauseMs / 1_000} s (try ${attempt} of ${pausesBetweenTriesMs.length + 1}).`,
        );
        // oxlint-disable-next-line no-await-in-loop -- the pause between two tries
        await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  } finally {
    await watch.close();
    await db.destroy();
  }
}

/** One transaction under one lock, so that a failure leaves nothing behind, not even the history tables. */
async function inOneTransaction<Result>(
  db: Kysely<unknown>,
  watch: MigrationWatch,
  cinemaTimeZone: string,
  migrate: (tx: MigrationTx) => Promise<Result>,
): Promise<Result> {
  const failures: unknown[] = [];
  try {
    // Read committed, so that a server that waited for the lock sees what the one before it did.
    return await db
      .transaction()
      .setIsolationLevel("read committed")
      .execute(async (tx) => {
        try {
          const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(tx);
          watch.begin(undefined, rows[0]?.pid);
          await sql`SET LOCAL lock_timeout = 0`.execute(tx);
          await sql`SELECT pg_advisory_xact_lock(hashtextextended('skyfox.migrations', 0))`.execute(tx);
          watch.begin("The look at what is pending");
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
    watch.end();
  }
}

function isPassing(error: unknown): boolean {
  const state = sqlState(error) ?? (error instanceof Error ? sqlState(error.cause) : undefined);
  return passingStates.has(state ?? "");
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

/** One row of the history. A server that knows the migration `compatibleWith` may run on the database; null: none before it may. */
interface AppliedMigration {
  name: string;
  compatibleWith: string | null;
}

/** What the history records, in ascending order; undefined when the database has no history of ours. */
async function findHistory(db: Kysely<unknown>): Promise<AppliedMigration[] | undefined> {
  const { rows: tables } = await sql<{ table: string | null }>`
    SELECT to_regclass('kysely_migration')::text AS table`.execute(db);
  if (typeof tables[0]?.table !== "string") return undefined;
  // Through jsonb, because the column is there only since a newer migrator has written to the table.
  const { rows } = await sql<AppliedMigration>`
    SELECT name, to_jsonb(m) ->> 'compatible_with' AS "compatibleWith" FROM kysely_migration m ORDER BY name`.execute(
    db,
  );
  return rows;
}

function namesOf(applied: AppliedMigration[]): string[] {
  return applied.map(({ name }) => name);
}

function listUnknown(history: AppliedMigration[], migrations: Migration[]): AppliedMigration[] {
  return history.filter(({ name }) => !migrations.some((migration) => migration.name === name));
}

/** Whether every migration that this version does not know says that this version, being complete, may run on it. */
function mayRunOn(history: AppliedMigration[], migrations: Migration[]): boolean {
  const known = new Set(migrations.map(({ name }) => name));
  const isComplete = migrations.every(({ name }) => namesOf(history).includes(name));
  const allow = ({ compatibleWith }: AppliedMigration) =>
    compatibleWith !== null && known.has(compatibleWith);
  return isComplete && listUnknown(history, migrations).every(allow);
}

function assertKnown(unknown: AppliedMigration[]): void {
  if (unknown.length === 0) return;
  throw new Error(
    `The database was migrated by a newer SkyFox: this version does not know ${namesOf(unknown).join(", ")}. ` +
      "Start that version, or roll back with it first.",
  );
}

/** A column of Kysely's table, which Kysely neither reads nor writes: a row that is rolled back takes it along. */
async function recordCompatibility(tx: MigrationTx, oldest: Map<string, string>): Promise<void> {
  if (oldest.size === 0) return;
  await sql`ALTER TABLE kysely_migration ADD COLUMN IF NOT EXISTS compatible_with varchar(255)`.execute(tx);
  await sql`
    UPDATE kysely_migration SET compatible_with = oldest.known
    FROM unnest(${[...oldest.keys()]}::text[], ${[...oldest.values()]}::text[]) AS oldest (name, known)
    WHERE kysely_migration.name = oldest.name`.execute(tx);
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

async function runFile(tx: MigrationTx, file: MigrationFile, watch: MigrationWatch): Promise<void> {
  watch.begin(file.fileName);
  // Here, because Kysely's own lock sets an hour for the rest of the transaction.
  await sql.raw(`SET LOCAL lock_timeout = '${lockTimeoutSeconds}s'`).execute(tx);
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
