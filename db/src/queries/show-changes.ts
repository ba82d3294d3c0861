import { sql } from "kysely";
import type { Db } from "../connect.ts";

/** What had been changed when a snapshot was taken, and not yet when an earlier one was. */
export interface ShowChanges {
  /** To ask with next time, as Postgres writes it. */
  snapshot: string;
  /** The shows whose claims have changed; null among them stands for anything about any show. */
  changed: (number | null)[];
}

/** What has changed since that snapshot; nothing where none is given. A change counts from its commit on. Asked within `changesKeptMs`, it misses nothing. */
export async function listShowChanges(db: Db, since: string | null): Promise<ShowChanges> {
  const { rows } = await sql<ShowChanges>`
    select pg_current_snapshot()::text as snapshot,
      shows_changed_since(coalesce(${since}::pg_snapshot, pg_current_snapshot())) as changed`.execute(db);
  return rows[0]!;
}

/** How old the snapshot may be by which changes are removed, at least: so long may a server remember shows without asking. */
export const changesKeptMs = 120_000;

/**
 * Removes at most `limit` changes that a snapshot has seen, and those that a restored database has from another one; tells how many. Servers ask with
 * younger snapshots, where this one is older than `changesKeptMs`.
 */
export async function deleteShowChanges(db: Db, seenBy: string, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from show_change where ctid = any(array(
      select ctid from show_change
      where pg_visible_in_snapshot(written_by, ${seenBy}::pg_snapshot) or written_by >= pg_snapshot_xmax(pg_current_snapshot())
      order by written_by limit ${limit} for update skip locked
    ))`.execute(db);
  return Number(numAffectedRows);
}
