import { afterAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { connectOnce, openDatabase } from "../src/connect.ts";
import { deleteShowChanges, listShowChanges } from "../src/queries/show-changes.ts";

const { url } = await createTestDatabase();
const sql = await connectOnce(url);
const other = await connectOnce(url);
const db = openDatabase(url, { maxConnections: 2 });
afterAll(async () => {
  await Promise.all([sql.end(), other.end(), db.destroy()]);
});

await sql.query(`
  insert into movie (movie_id, title) values ('tt1', 'Film 1');
  insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
    select n, 'tt1', '2026-03-11', n, 200, 1, '2026-03-11 00:00Z'::timestamptz + n * interval '4 hours', '2026-03-11 03:00Z'::timestamptz + n * interval '4 hours'
    from generate_series(1, 4) n`);

const since = async () => (await listShowChanges(db, null)).snapshot;
const changedSince = async (snapshot: string) =>
  [...new Set((await listShowChanges(db, snapshot)).changed)].toSorted((one, two) => (one ?? 0) - (two ?? 0));
const claim = (showId: number, seat: string) =>
  `insert into seat_claim (show_id, seat_number, booking_id, free_after) values (${showId}, '${seat}', null, '-infinity')`;

beforeEach(async () => {
  await other.query("rollback");
  await sql.query("delete from seat_claim");
});

test("at first nothing has changed, and afterwards only what was committed since", async () => {
  await sql.query(claim(1, "A1"));
  const first = await listShowChanges(db, null);
  expect(first.changed).toEqual([]);
  await sql.query(claim(2, "A1"));
  expect(await changedSince(first.snapshot)).toEqual([2]);
  expect(await changedSince(await since())).toEqual([]);
});

test.each([
  [
    "added",
    "insert into seat_claim (show_id, seat_number, booking_id, free_after) values (1, 'B1', null, '-infinity'), (2, 'B1', null, '-infinity')",
  ],
  ["changed", "update seat_claim set version = version + 1"],
  [
    "changed by an upsert",
    "insert into seat_claim (show_id, seat_number, booking_id, free_after) values (1, 'A1', null, '-infinity'), (2, 'A1', null, '-infinity') on conflict (show_id, seat_number) do update set version = seat_claim.version + 1",
  ],
  ["removed", "delete from seat_claim"],
])("claims that are %s count as changes of their shows", async (_how, statement) => {
  await sql.query(claim(1, "A1"));
  await sql.query(claim(2, "A1"));
  const snapshot = await since();
  await sql.query(statement);
  expect(await changedSince(snapshot)).toEqual([1, 2]);
});

test.each([
  ["all claims are emptied", "truncate seat_claim"],
  [
    "a show is added",
    "insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at) values (9, 'tt1', '2026-04-11', 1, 200, 1, '2026-04-11 03:00Z', '2026-04-11 06:00Z')",
  ],
  ["a show is changed", "update show set cost = 210 where id = 1"],
  ["a show is removed", "delete from show where id = 4"],
  ["a film is changed", "update movie set plot = 'Another one.'"],
])("anything may have changed once %s", async (_what, statement) => {
  const snapshot = await since();
  await sql.query(statement);
  expect(await changedSince(snapshot)).toContain(null);
});

test("a change counts from its commit on, also one whose transaction began before others", async () => {
  await other.query("begin");
  await other.query(claim(1, "A1"));
  const before = await since();
  await sql.query(claim(2, "A1"));
  const between = await listShowChanges(db, before);
  expect(between.changed).toEqual([2]);
  await other.query("commit");
  expect(await changedSince(between.snapshot)).toEqual([1]);
});

test("what was rolled back, and a statement that changes nothing, is no change", async () => {
  const snapshot = await since();
  await other.query("begin");
  await other.query(claim(1, "A1"));
  await other.query("rollback");
  await sql.query("update seat_claim set version = version + 1");
  expect(await changedSince(snapshot)).toEqual([]);
});

const countChanges = async () => (await sql.query("select count(*)::int as n from show_change"))[0]!["n"];

test("what a snapshot has seen is removed, in batches, and what it has not is kept", async () => {
  await sql.query("delete from show_change");
  await sql.query(claim(1, "A1"));
  await sql.query(claim(2, "A1"));
  await other.query("begin");
  await other.query(claim(3, "A1"));
  const snapshot = await since();
  await sql.query(claim(4, "A1"));
  await other.query("commit");
  expect(await deleteShowChanges(db, snapshot, 1)).toBe(1);
  expect(await deleteShowChanges(db, snapshot, 10)).toBe(1);
  expect(await deleteShowChanges(db, snapshot, 10)).toBe(0);
  expect(await changedSince(snapshot)).toEqual([3, 4]);
});

test("changes that a restored database has from another one, with numbers to come, are removed", async () => {
  await sql.query("delete from show_change");
  await sql.query("insert into show_change (written_by, show_id) values ('9000000000000000000', 1)");
  expect(await deleteShowChanges(db, await since(), 10)).toBe(1);
  expect(await countChanges()).toBe(0);
});

test("the newest changes are read by the index, also where there are few others", async () => {
  // So few that a plan would rather read them all, and be kept while the table grows.
  await sql.query("delete from show_change");
  await sql.query(
    "insert into show_change (written_by, show_id) select '3'::xid8, 1 from generate_series(1, 300)",
  );
  await sql.query("analyze show_change");
  const snapshot = await since();
  await sql.query(claim(1, "A1"));
  expect(await readSince(snapshot)).toMatchObject({ ids: [1], scans: 0 });
});

test("a transaction that runs for long lets no more changes be read than there are since", async () => {
  await other.query("begin");
  await other.query(claim(3, "A9"));
  for (let number = 0; number < 50; number += 1)
    await sql.query("update seat_claim set version = version + 1");
  await sql.query(claim(1, "A1"));
  for (let number = 0; number < 50; number += 1)
    await sql.query("update seat_claim set version = version + 1");
  const snapshot = await since();
  await sql.query(claim(2, "A2"));
  await other.query("commit");
  const { ids, fetched } = await readSince(snapshot);
  expect(new Set(ids as number[])).toEqual(new Set([2, 3]));
  expect(fetched).toBeLessThan(5);
});

/** What has changed since, and how it was read. */
async function readSince(snapshot: string) {
  await other.query("begin");
  const [changed] = await other.query("select shows_changed_since($1::pg_snapshot) as ids", [snapshot]);
  const [row] = await other.query(
    "select seq_scan::int as scans, idx_tup_fetch::int as fetched from pg_stat_xact_user_tables where relname = 'show_change'",
  );
  return { ids: changed?.["ids"], scans: row?.["scans"], fetched: row?.["fetched"] };
}
