import { sql } from "kysely";
import type { Db } from "../connect.ts";

/** A moment of one running Postgres. */
export interface DatabaseMoment {
  /** What was committed then, as Postgres writes it. */
  snapshot: string;
  /** When it was started: another time after a restart, and on a standby that has taken over. */
  startedAt: string;
  /** By the database's clock, in milliseconds since 1970. */
  atMs: number;
}

/** What had been changed by that moment, and not yet by an earlier one. */
export interface ShowChanges extends DatabaseMoment {
  /** The shows whose claims have changed; null among them stands for anything about any show. */
  changed: (number | null)[];
}

/** How long before a removal its snapshot is taken, at least. */
export const changesKeptMs = 120_000;

/**
 * What has changed since that snapshot; nothing where none is given. A change counts from its commit on. With a snapshot of the same `startedAt` that is
 * younger than `changesKeptMs`, nothing is missing.
 */
export async function listShowChanges(db: Db, since: string | null): Promise<ShowChanges> {
  const { rows } = await sql<ShowChanges>`
    select pg_current_snapshot()::text as snapshot, pg_postmaster_start_time()::text as "startedAt",
      (extract(epoch from statement_timestamp()) * 1000)::bigint as "atMs",
      shows_changed_since(coalesce(${since}::pg_snapshot, pg_current_snapshot())) as changed`.execute(db);
  return rows[0]!;
}

/** Removes at most `limit` changes that a snapshot has seen, and as many that a restored database has from another one; tells how many. */
export async function deleteShowChanges(db: Db, seenBy: string, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    with seen as (
      select ctid as place from show_change
      where written_by < pg_snapshot_xmax(${seenBy}::pg_snapshot) and pg_visible_in_snapshot(written_by, ${seenBy}::pg_snapshot)
      order by written_by limit ${limit} for update skip locked
    ), foreign_ones as (
      select ctid as place from show_change where written_by >= pg_snapshot_xmax(pg_current_snapshot())
      order by written_by limit ${limit} for update skip locked
    )
    delete from show_change where ctid = any(array(select place from seen union all select place from foreign_ones))`.execute(
    db,
  );
  return Number(numAffectedRows);
}
