import { sql } from "kysely";
import type { Db } from "../connect.ts";
import { sqlState } from "../transaction.ts";

/** Where a database is. */
export interface DatabasePlace {
  /** The cluster's own number, also of its standbys and of copies of its files; null where the role may not read it. */
  systemIdentifier: string | null;
  /** The database's number in the cluster: a dump that is restored gets another one. */
  databaseOid: number;
  databaseName: string;
}

/** Where the database was when it was written down, and as what. */
export interface DatabaseIdentity extends DatabasePlace {
  /** Whether another database is the living one. */
  isCopy: boolean;
}

// insufficient_privilege and undefined_function: some hosts take pg_control_system() away.
const withoutControlData = new Set(["42501", "42883"]);

/** Where this database is now. Not for use in a transaction, which a refusal would end. */
export async function readDatabasePlace(db: Db): Promise<DatabasePlace> {
  const { rows } = await sql<{ oid: number; name: string }>`
    select oid::int8 as oid, datname::text as name from pg_database where datname = current_database()`.execute(
    db,
  );
  const { oid, name } = rows[0]!;
  return { systemIdentifier: await readSystemIdentifier(db), databaseOid: oid, databaseName: name };
}

async function readSystemIdentifier(db: Db): Promise<string | null> {
  try {
    const { rows } = await sql<{ identifier: string }>`
      select system_identifier::text as identifier from pg_control_system()`.execute(db);
    return rows[0]?.identifier ?? null;
  } catch (error) {
    if (withoutControlData.has(sqlState(error) ?? "")) return null;
    throw error;
  }
}

/** What is written down of this database, if anything is. */
export async function findDatabaseIdentity(db: Db): Promise<DatabaseIdentity | undefined> {
  return await db
    .selectFrom("database_identity")
    .select([
      "system_identifier as systemIdentifier",
      "database_oid as databaseOid",
      "database_name as databaseName",
      "is_copy as isCopy",
    ])
    .executeTakeFirst();
}

/** Writes down the living database, where nothing is written yet. */
export async function insertDatabaseIdentity(db: Db, place: DatabasePlace, now: Date): Promise<void> {
  await db
    .insertInto("database_identity")
    .values({ ...valuesOf({ ...place, isCopy: false }), written_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Writes down what this database is from now on. */
export async function replaceDatabaseIdentity(db: Db, identity: DatabaseIdentity, now: Date): Promise<void> {
  const values = { ...valuesOf(identity), written_at: now };
  await db
    .insertInto("database_identity")
    .values(values)
    .onConflict((conflict) => conflict.column("single").doUpdateSet(values))
    .execute();
}

function valuesOf(identity: DatabaseIdentity) {
  return {
    system_identifier: identity.systemIdentifier,
    database_oid: identity.databaseOid,
    database_name: identity.databaseName,
    is_copy: identity.isCopy,
  };
}
