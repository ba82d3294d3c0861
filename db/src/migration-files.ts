import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The folder whose numbered pairs `NNNN_name.up.sql` and `NNNN_name.down.sql` make the schema. */
export const migrationDirectory = join(import.meta.dirname, "..", "migrations");

/** Checks deferred constraints after each migration, so that a violation is reported with the migration that made it. */
export const checkConstraintsSql = "SET CONSTRAINTS ALL IMMEDIATE;";

/** Rows that a down removes because the older schema cannot hold them, and the query that counts them. */
interface Discard {
  what: string;
  countSql: string;
}

/** One file of a pair; `name` is `NNNN_name`, as the history records it. */
export interface MigrationFile {
  name: string;
  direction: "up" | "down";
  fileName: string;
  text: string;
  discards: Discard[];
  /** Whether the file says `-- compatible-with: previous`: the release before may run on the schema that it leaves. */
  isCompatible: boolean;
}

/** A complete pair. */
export interface Migration {
  name: string;
  up: MigrationFile;
  down: MigrationFile;
}

/**
 * Reads every migration file in ascending order, with one sentence per missing, misnumbered, misnamed or duplicate file.
 * Files that do not end in `.sql` are left alone.
 */
export async function readMigrationFiles(
  directory: string,
): Promise<{ files: MigrationFile[]; problems: string[] }> {
  const fileNames = (await readdir(directory)).filter((fileName) => /\.sql$/i.test(fileName)).toSorted();
  const files: MigrationFile[] = [];
  const problems: string[] = [];
  for (const fileName of fileNames) {
    const { name, direction } =
      /^(?<name>\d{4}_[a-z0-9_]+)\.(?<direction>up|down)\.sql$/.exec(fileName)?.groups ?? {};
    if (name === undefined || (direction !== "up" && direction !== "down")) {
      problems.push(`${fileName} is not named NNNN_name.up.sql or NNNN_name.down.sql.`);
      continue;
    }
    const text = await readFile(join(directory, fileName), "utf8");
    const { discards, malformed } = parseDiscards(text);
    problems.push(
      ...malformed.map((line) => `${fileName}: "${line}" is not "-- discards: <rows>: SELECT <count>".`),
    );
    const compatible = text.match(/^-- compatible-with:.*$/gm) ?? [];
    if (compatible.length > 0 && direction === "down")
      problems.push(`${fileName}: "-- compatible-with:" belongs into the up file.`);
    problems.push(
      ...compatible
        .map((line) => line.trimEnd())
        .filter((line) => line !== "-- compatible-with: previous")
        .map((line) => `${fileName}: "${line}" is not "-- compatible-with: previous".`),
    );
    files.push({ name, direction, fileName, text, discards, isCompatible: compatible.length > 0 });
  }
  return { files, problems: [...problems, ...findGaps(files)] };
}

/** The complete pairs in ascending order; throws with every problem of the folder. */
export async function loadMigrations(directory: string): Promise<Migration[]> {
  const { files, problems } = await readMigrationFiles(directory);
  if (problems.length > 0) throw new Error(`The migration files are not in order. ${problems.join(" ")}`);
  const downs = new Map(files.filter((file) => file.direction === "down").map((file) => [file.name, file]));
  return files.flatMap((up) => {
    const down = downs.get(up.name);
    return up.direction === "up" && down !== undefined ? [{ name: up.name, up, down }] : [];
  });
}

/**
 * For each compatible migration of one run the newest migration that a server must know to run on it: the last one before the run and before
 * the compatible ones that directly precede it. What is applied in one run counts as one release; `before` is what the database has already.
 */
export function findOldestRunnable(before: string | undefined, run: MigrationFile[]): Map<string, string> {
  const oldest = new Map<string, string>();
  let known = before;
  for (const { name, isCompatible } of run) {
    if (!isCompatible) known = name;
    else if (known !== undefined) oldest.set(name, known);
  }
  return oldest;
}

function parseDiscards(text: string): { discards: Discard[]; malformed: string[] } {
  const discards: Discard[] = [];
  const malformed: string[] = [];
  for (const [line] of text.matchAll(/^-- discards:.*$/gm)) {
    const { what, countSql } =
      /^-- discards: (?<what>.+?): (?<countSql>select .+)$/i.exec(line.trimEnd())?.groups ?? {};
    if (what === undefined || countSql === undefined) malformed.push(line.trimEnd());
    else discards.push({ what, countSql });
  }
  return { discards, malformed };
}

function findGaps(files: MigrationFile[]): string[] {
  const names = [...new Set(files.map((file) => file.name))].toSorted();
  if (names.length === 0) return ["There is no migration file at all."];
  const problems: string[] = [];
  for (const name of names) {
    for (const direction of ["up", "down"]) {
      if (files.some((file) => file.name === name && file.direction === direction)) continue;
      problems.push(`${name}.${direction}.sql is missing.`);
    }
  }
  const numbers = Map.groupBy(names, (name) => Number(name.slice(0, 4)));
  for (let number = 1; number <= Math.max(...numbers.keys()); number += 1) {
    if (!numbers.has(number)) problems.push(`Migration ${String(number).padStart(4, "0")} is missing.`);
  }
  for (const [number, sharing] of numbers) {
    if (number === 0) problems.push(`${sharing.join(" and ")}: numbers start at 0001.`);
    else if (sharing.length > 1) problems.push(`${sharing.join(" and ")} share one number.`);
  }
  return problems;
}
