import type { Connection } from "@skyfox/db";

/**
 * Gives the database a clock that a test can set, as a failover or a suspended machine would: `clock_timestamp()` of every connection that
 * is opened afterwards is moved by what was asked for last, in milliseconds.
 */
export async function shiftDatabaseClock(sql: Connection): Promise<(byMs: number) => Promise<void>> {
  const [{ name } = {}] = await sql.query("select current_database() as name");
  await sql.query(`
    create schema shifted;
    create table shifted.clock (by_ms double precision not null);
    insert into shifted.clock values (0);
    create function shifted.clock_timestamp() returns timestamptz language sql volatile as $$
      select pg_catalog.clock_timestamp() + by_ms * interval '1 millisecond' from shifted.clock
    $$;
    alter database "${String(name)}" set search_path = shifted, pg_catalog, public`);
  return async (byMs) => void (await sql.query("update shifted.clock set by_ms = $1", [byMs]));
}
