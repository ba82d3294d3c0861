import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  checkConstraintsSql,
  findOldestRunnable,
  type MigrationFile,
  readMigrationFiles,
} from "./migration-files.ts";

/** What the analyser wrote, and one sentence per missing, misnumbered, misnamed or duplicate file. */
interface Analysis {
  written: { file: string; migrations: number; lines: number }[];
  warnings: string[];
}

const rule = `-- ${"=".repeat(76)}`;

const setCinemaTimeZoneSql = `-- The cinema's zone, unless the session has set one.
SELECT set_config(
  'skyfox.cinema_time_zone',
  coalesce(nullif(current_setting('skyfox.cinema_time_zone', true), ''), 'Asia/Kolkata'),
  true
);`;

// The same table as Kysely and the migrator make, so that a server accepts a database made from the file.
const createHistorySql = `CREATE TABLE kysely_migration (
  name varchar(255) NOT NULL PRIMARY KEY,
  timestamp varchar(255) NOT NULL,
  compatible_with varchar(255)
);`;

/**
 * Writes `mega_up_migration.sql`, which makes the whole schema in an empty database, and `mega_down_migration.sql`, which
 * removes it with all its rows, from the migrations of one folder into another. Files out of order become warnings.
 */
export async function analyzeMigrations(source: string, target: string): Promise<Analysis> {
  const { files, problems: warnings } = await readMigrationFiles(source);
  const ups = files.filter((file) => file.direction === "up");
  const downs = files.filter((file) => file.direction === "down").toReversed();
  await mkdir(target, { recursive: true });
  const written = [
    await write(join(target, "mega_up_migration.sql"), ups, composeUp(ups, warnings)),
    await write(join(target, "mega_down_migration.sql"), downs, composeDown(downs, warnings)),
  ];
  return { written, warnings };
}

async function write(
  path: string,
  files: MigrationFile[],
  text: string,
): Promise<Analysis["written"][number]> {
  await writeFile(path, text);
  return { file: path, migrations: files.length, lines: text.split("\n").length - 1 };
}

function composeUp(files: MigrationFile[], warnings: string[]): string {
  const oldest = findOldestRunnable(undefined, files);
  return compose(
    [
      rule,
      "-- SkyFox: every migration upwards, ascending. Written by `npm run db:analyze`.",
      "-- Run it on an empty database: it is one transaction and records its migrations.",
      ...summarize(files, warnings),
    ],
    [createHistorySql, ...files.map((file) => section(file, recordSql(file, oldest.get(file.name))))],
  );
}

function composeDown(files: MigrationFile[], warnings: string[]): string {
  return compose(
    [
      rule,
      "-- SkyFox: every migration downwards, descending. Written by `npm run db:analyze`.",
      "-- Run it on a migrated database: it is one transaction and REMOVES ALL ROWS without asking.",
      ...summarize(files, warnings),
    ],
    [...files.map((file) => section(file)), "DROP TABLE IF EXISTS kysely_migration, kysely_migration_lock;"],
  );
}

function compose(header: string[], parts: string[]): string {
  return `${[header.join("\n"), "BEGIN;", setCinemaTimeZoneSql, ...parts, "COMMIT;"].join("\n\n")}\n`;
}

function summarize(files: MigrationFile[], warnings: string[]): string[] {
  return [
    "--",
    `-- Migrations: ${files.length}`,
    ...files.map((file) => `--   ${file.name} (${file.text.trimEnd().split("\n").length} lines)`),
    ...warnings.map((warning) => `-- WARNING: ${warning}`),
    rule,
  ];
}

function section(file: MigrationFile, ...after: string[]): string {
  const header = [rule, `-- Migration ${file.name.slice(0, 4)}: ${file.fileName}`, rule].join("\n");
  return [header, file.text.trimEnd(), checkConstraintsSql, ...after].join("\n\n");
}

// `-- compatible-with:` headers are recorded as the migrator records them.
function recordSql(file: MigrationFile, oldest: string | undefined): string {
  const now = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const compatibleWith = oldest === undefined ? "NULL" : `'${oldest}'`;
  return `INSERT INTO kysely_migration (name, timestamp, compatible_with) VALUES ('${file.name}', ${now}, ${compatibleWith});`;
}
