import { sql } from "kysely";
import type { Db } from "../connect.ts";

// Longer than any window of calls: for a server that has heard nothing yet.
const longestMs = 86_400_000;

/** A window of a limit, as it was just counted in; `expire` is its end in milliseconds since 1970. */
export interface CountedWindow {
  key: string;
  points: number;
  expire: number;
}

/** A window of a limit that a try counts in: how many tries it may have, and when it ends in milliseconds since 1970 if it begins now. */
export interface TryWindow {
  key: string;
  max: number;
  expire: number;
}

/** When a window ends that a try was counted in, in milliseconds since 1970. */
export type WindowEnd = Pick<CountedWindow, "key" | "expire">;

/** A try that a statement counts along with what is tried. */
export interface NewTry {
  windows: readonly TryWindow[];
  nowMs: number;
}

/** A window that a try was counted in, and the time in milliseconds since 1970 before which it ends, unless it has begun anew. */
export interface ReturnedWindow {
  key: string;
  endsBefore: number;
}

/**
 * Counts one try in each of these windows, and answers what they have now. A window that has ended by `nowMs`, or was not there, begins anew and
 * ends at its `expire`. Rows are locked by key, so that callers who count in the same windows never wait for each other in a circle.
 */
export async function countTry(
  db: Db,
  windows: readonly WindowEnd[],
  nowMs: number,
): Promise<CountedWindow[]> {
  const sorted = byKey(windows);
  const ends = sorted.map(({ expire }) => expire);
  const { rows } = await sql<CountedWindow>`
    select key, points, expire from count_try(${sorted.map(({ key }) => key)}, ${ends}, ${nowMs})`.execute(
    db,
  );
  return rows;
}

/** Takes one point back from each of these windows that ends before its `endsBefore`; one that began since then keeps its points. */
export async function returnTry(db: Db, windows: readonly ReturnedWindow[]): Promise<void> {
  const sorted = byKey(windows);
  const ends = sorted.map(({ endsBefore }) => endsBefore);
  await sql`select return_try(${sorted.map(({ key }) => key)}, ${ends})`.execute(db);
}

/**
 * As `returnTry`, for the tries of many calls: from a window that is named twice it takes two points. It waits for no lock, and answers the places of the
 * windows that another transaction keeps locked.
 */
export async function returnFreeTries(db: Db, windows: readonly ReturnedWindow[]): Promise<number[]> {
  const ends = windows.map(({ endsBefore }) => endsBefore);
  const { rows } = await sql<{ locked: number[] }>`
    select return_free_tries(${windows.map(({ key }) => key)}, ${ends}) as locked`.execute(db);
  // Postgres counts from one.
  return rows[0]!.locked.map((place) => place - 1);
}

/** Windows in the order in which they are locked. */
export function byKey<Window extends { key: string }>(windows: readonly Window[]): Window[] {
  return windows.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

/**
 * Adds what one server has counted in its memory to the windows of all, and answers these windows and those that other servers have changed since
 * so long ago. A point that was given back is negative.
 */
export async function shareCounts(
  db: Db,
  {
    server,
    counts,
    now,
    sinceMs,
  }: {
    server: string;
    /** A window that is written to end after `latestEnd` is from before the clock was set back: it begins anew. */
    counts: (CountedWindow & { latestEnd: number })[];
    now: number;
    sinceMs: number;
  },
): Promise<CountedWindow[]> {
  const isOpen = sql`known.expire > ${now}
          and known.expire <= (select latest_end from counted where counted.key = known.key)`;
  const { rows } = await sql<CountedWindow>`
    with counted as (
      select key, points, expire, latest_end from unnest(
        ${counts.map(({ key }) => key)}::text[], ${counts.map(({ points }) => points)}::int[],
        ${counts.map(({ expire }) => expire)}::bigint[], ${counts.map(({ latestEnd }) => latestEnd)}::bigint[]
      ) as w (key, points, expire, latest_end)
    ), own as (
      insert into rate_limit as known (key, points, expire, shared_at, shared_by)
      select key, points, expire, clock_timestamp(), ${server} from counted order by key
      on conflict (key) do update set
        points = case when ${isOpen} then greatest(known.points + excluded.points, 0) else excluded.points end,
        expire = case when ${isOpen} then known.expire else excluded.expire end,
        shared_at = clock_timestamp(), shared_by = ${server}
      returning key, points, expire
    )
    select key, points, expire from rate_limit
    where shared_at > statement_timestamp() - ${Math.min(sinceMs, longestMs)} * interval '1 millisecond'
      and shared_by <> ${server} and expire > ${now} and key not in (select key from own)
    union all
    select key, points, expire from own`.execute(db);
  return rows;
}

/** Lets a window end at another time, in milliseconds since 1970. */
export async function prolongLimit(db: Db, key: string, expire: number): Promise<void> {
  await db.updateTable("rate_limit").set({ expire }).where("key", "=", key).execute();
}

/**
 * Forgets the windows of an account and of its devices that these limits have, and tells what was counted in them. Keys are the limit, the
 * kind of window and the account's digest, with colons between them.
 */
export async function deleteAccountLimits(
  db: Db,
  accountDigest: string,
  limits: string[],
): Promise<{ key: string; points: number; expire: number }[]> {
  const rows = await db
    .deleteFrom("rate_limit")
    .where(partOfKey(3), "=", accountDigest)
    .where(sql<boolean>`${partOfKey(2)} IN ('account', 'device')`)
    .where(partOfKey(1), "in", limits)
    .returning(["key", "points", "expire"])
    .execute();
  return rows.map((row) => ({ ...row, expire: row.expire ?? 0 }));
}

// Written out, so that the index rate_limit_account fits.
function partOfKey(number: number) {
  return sql<string>`split_part(key, ':', ${sql.lit(number)})`;
}
