import type { Connection } from "@skyfox/db";
import type { ManualClock } from "./manual-clock.ts";

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

/**
 * Has the database's clock stand still where the test's clock stands, for every connection that is opened afterwards. What is returned sets both, the
 * database's first.
 */
export async function standDatabaseClock(
  sql: Connection,
  clock: ManualClock,
): Promise<(time: Date) => Promise<void>> {
  const [{ name } = {}] = await sql.query("select current_database() as name");
  await sql.query(`
    create schema standing;
    create table standing.clock (at timestamptz not null);
    insert into standing.clock values ('${clock.now().toISOString()}');
    create function standing.clock_timestamp() returns timestamptz language sql volatile as $$ select at from standing.clock $$;
    alter database "${String(name)}" set search_path = standing, pg_catalog, public`);
  clock.leaveToDatabase();
  return async (time) => {
    await sql.query("update standing.clock set at = $1", [time]);
    clock.set(time);
  };
}
