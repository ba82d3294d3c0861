import { type Kysely, sql } from "kysely";

/** The golang-migrate version at which a SkyFox database equals our first migration. */
const adoptableVersion = 21;

/**
 * Whether a database without our history is a SkyFox database at its migration 21, whose first migration is then recorded
 * without being run. False for an empty one; throws a sentence for anything else.
 */
export async function isAdoptable(db: Kysely<unknown>): Promise<boolean> {
  const tables = await listTables(db);
  if (tables.length === 0) return false;
  if (!tables.includes("schema_migrations")) {
    throw new Error(
      `The database has tables (${tables.join(", ")}) but no migration history. SkyFox needs an empty database, ` +
        `or an existing SkyFox database at its migration ${adoptableVersion}.`,
    );
  }
  const found = await describeVersion(db);
  if (found !== `version ${adoptableVersion}, clean`) {
    throw new Error(
      `The table schema_migrations says: ${found}. Only a SkyFox database at version ${adoptableVersion}, clean, can be adopted: ` +
        "bring it there with the SkyFox that made it, then migrate again.",
    );
  }
  if (!tables.includes("usertable")) {
    throw new Error(
      `The table schema_migrations says version ${adoptableVersion}, but there is no usertable: this is not a SkyFox database. ` +
        "Use an empty database or drop schema_migrations.",
    );
  }
  return true;
}

async function listTables(db: Kysely<unknown>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname`.execute(db);
  return rows.map((row) => row.name);
}

// Through jsonb, because another tool's schema_migrations may have other columns.
async function describeVersion(db: Kysely<unknown>): Promise<string> {
  const { rows } = await sql<{ version: string | null; dirty: string | null }>`
    SELECT to_jsonb(m) ->> 'version' AS version, to_jsonb(m) ->> 'dirty' AS dirty FROM schema_migrations m LIMIT 2`.execute(
    db,
  );
  const [row] = rows;
  if (row === undefined) return "no version";
  if (rows.length > 1) return "more than one version";
  return `version ${row.version ?? "unknown"}, ${row.dirty === "false" ? "clean" : "dirty"}`;
}
