import fc from "fast-check";
import { sql, type ControlledTransaction } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEmptyDatabase, createTestDatabase } from "../embedded/test-database.ts";
import { openDatabase } from "../src/connect.ts";
import { migrateDown, migrateToLatest } from "../src/migrate.ts";
import { loadMigrations, migrationDirectory } from "../src/migration-files.ts";
import { releaseClaims, updateClaims } from "../src/queries/holds.ts";
import { readClaims } from "../src/queries/seat-maps.ts";
import type { DB } from "../src/schema.ts";
import { createMigrationFolder } from "./migration-folder.ts";
import { openConnection } from "./open-connection.ts";

const cinemaTimeZone = "Asia/Kolkata";
const later = new Date("2026-03-10T06:35:00Z");
const buyers = [1, 2, 3, 4];

// Each buyer has one booking a show, of two seats, whose claims come and go.
const seed = `
  insert into usertable (username, password, role, created_at) select 'buyer-' || n, 'x', 'customer', now() from generate_series(1, 4) n;
  insert into customertable (username, name, number, email, security_question_id, security_answer_hash)
    select 'buyer-' || n, 'Buyer', '900000000' || n, n || '@example.com', 1, 'x' from generate_series(1, 4) n;
  insert into movie (movie_id, title) values ('tt1', 'Film 1');
  insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
    select n, 'tt1', '2026-03-11'::date + n, 1, 200, 1, '2026-03-11 03:00Z'::timestamptz + n * interval '1 day',
      '2026-03-11 06:00Z'::timestamptz + n * interval '1 day'
    from generate_series(1, 400) n;
  insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, customer_username, expires_at, hold_slot)
    select s.id * 10 + n, s.date, s.id, 2, 400, 0, 'buyer-' || n, '2026-03-10 06:35Z', s.id from show s, generate_series(1, 4) n;
  insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
    select b.id, b.show_id, 1, letter || b.id % 10 from booking b, unnest('{A,B}'::text[]) letter;`;

const { url } = await createTestDatabase();
const db = openDatabase(url);
afterAll(() => db.destroy());
beforeAll(async () => {
  await using connection = await openConnection(url);
  await connection.query(seed);
});

const bookingOf = (showId: number, buyer: number) => showId * 10 + buyer;

async function readMap(showId: number) {
  const [read] = await readClaims(db, [showId]);
  return {
    version: read!.version,
    held: read!.claims
      .map(([seatNumber]) => seatNumber)
      .toSorted()
      .join(),
  };
}

async function countBlocked(): Promise<number> {
  const blocked = sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`;
  return (await blocked.execute(db)).rows[0]!.count;
}

async function endAll(open: Map<number, ControlledTransaction<DB>>): Promise<void> {
  const ending = Array.from(open.values(), (tx) => tx.commit().execute());
  open.clear();
  await Promise.all(ending);
}

/** Reads the map of a show and holds it against those that were read before. */
function createReader(showId: number) {
  const maps = new Map<number, string>();
  let newest = 0;
  return async () => {
    const { version, held } = await readMap(showId);
    expect(version).toBeGreaterThanOrEqual(newest);
    expect(held, `a map of version ${version}`).toBe(maps.get(version) ?? held);
    maps.set(version, held);
    newest = version;
    return { version, held };
  };
}

async function claim(tx: ControlledTransaction<DB>, showId: number, buyer: number): Promise<void> {
  const seats = [`A${buyer}`, `B${buyer}`];
  await sql`select claim_seats(${showId}, ${seats}::text[], ${bookingOf(showId, buyer)}, ${later})`.execute(
    tx,
  );
}

describe("the version of a seat map", () => {
  let shows = 0;

  test(
    "stands for one map and never goes back, however transactions overlap",
    { timeout: 60_000 },
    async () => {
      const step = fc.record({
        buyer: fc.constantFrom(...buyers),
        does: fc.constantFrom("change", "change", "extend", "commit", "roll back"),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
          const showId = (shows += 1);
          const read = createReader(showId);
          const open = new Map<number, ControlledTransaction<DB>>();
          await using _ = { [Symbol.asyncDispose]: () => endAll(open) };
          const claimed = { now: new Set<number>(), committed: new Set<number>() };
          for (const { buyer, does } of steps) {
            const tx = open.get(buyer) ?? (await db.startTransaction().execute());
            open.set(buyer, tx);
            const bookingId = bookingOf(showId, buyer);
            if (does === "extend") {
              await updateClaims(tx, bookingId, later);
            } else if (does === "change") {
              if (claimed.now.delete(buyer)) await releaseClaims(tx, bookingId);
              else {
                await claim(tx, showId, buyer);
                claimed.now.add(buyer);
              }
            } else {
              const before = await read();
              const isCommit = does === "commit";
              await (isCommit ? tx.commit() : tx.rollback()).execute();
              open.delete(buyer);
              const [from, to] = isCommit
                ? [claimed.now, claimed.committed]
                : [claimed.committed, claimed.now];
              const changed = isCommit && from.has(buyer) !== to.has(buyer);
              if (from.has(buyer)) to.add(buyer);
              else to.delete(buyer);
              const after = await read();
              if (changed) expect(after.version).toBeGreaterThan(before.version);
              if (!isCommit) expect(after).toEqual(before);
            }
            await read();
          }
          // The rest commits at once, while the map is read.
          const ends = endAll(open);
          for (let reading = 0; reading < 5; reading += 1) await read();
          await ends;
          const seats = claimed.now
            .values()
            .toArray()
            .toSorted((one, other) => one - other);
          expect((await read()).held).toBe(
            [...seats.map((n) => `A${n}`), ...seats.map((n) => `B${n}`)].join(),
          );
        }),
        { numRuns: 25, seed: 20_270_101 },
      );
    },
  );

  test("counts both of two changes of one seat, the second of which waited for the first", async () => {
    shows += 1;
    const showId = shows;
    const first = await db.startTransaction().execute();
    await claim(first, showId, 1);
    await first.commit().execute();
    const [one, other] = [await db.startTransaction().execute(), await db.startTransaction().execute()];
    await updateClaims(one, bookingOf(showId, 1), later);
    const waiting = updateClaims(other, bookingOf(showId, 1), later);
    await expect.poll(countBlocked).toBe(1);
    await one.commit().execute();
    await waiting;
    await other.commit().execute();
    expect((await readMap(showId)).version).toBe(2 * 3);
  });

  test.each([
    ["leaves it as it was", "free_after = now()"],
    ["sets it back", "free_after = now(), version = 1"],
    [
      "draws it from the sequence, as the previous version did",
      "free_after = now(), version = nextval('seat_claim_version')",
    ],
  ])("moves by a statement that %s", async (_, change) => {
    shows += 1;
    const showId = shows;
    const tx = await db.startTransaction().execute();
    await claim(tx, showId, 1);
    for (let times = 0; times < 50; times += 1) await updateClaims(tx, bookingOf(showId, 1), later);
    await tx.commit().execute();
    const before = await readMap(showId);
    await sql`update seat_claim set ${sql.raw(change)} where show_id = ${showId}`.execute(db);
    expect((await readMap(showId)).version).toBe(before.version + 2);
  });
});

test("claims that are there keep their numbers, so that the version only grows over the migration, and on the way back", async () => {
  const { url: oldUrl } = await createEmptyDatabase();
  const all = await loadMigrations(migrationDirectory);
  const older = all.filter(({ up }) => up.fileName < "0021").flatMap(({ up, down }) => [up, down]);
  await using folder = await createMigrationFolder(
    Object.fromEntries(older.map((file) => [file.fileName, file.text])),
  );
  await migrateToLatest(oldUrl, { cinemaTimeZone, directory: folder.path });
  await using connection = await openConnection(oldUrl);
  const versions = async () => {
    const rows = await connection.query(
      "select version from seat_claim where show_id = 1 order by seat_number",
    );
    return rows.map((row) => Number(row["version"]));
  };
  await connection.query(seed);
  await connection.query("select claim_seats(1, '{A1,B1}', 11, now()), claim_seats(1, '{A2,B2}', 12, now())");
  const before = await versions();
  expect(new Set(before).size).toBe(4);

  const upTo0021 = all.filter(({ up }) => up.fileName < "0022").flatMap(({ up, down }) => [up, down]);
  await using newer = await createMigrationFolder(
    Object.fromEntries(upTo0021.map((file) => [file.fileName, file.text])),
  );
  await migrateToLatest(oldUrl, { cinemaTimeZone, directory: newer.path });
  expect(await versions()).toEqual(before);
  await connection.query("select claim_seats(1, '{A3,B3}', 13, now())");
  for (let times = 0; times < 20; times += 1)
    await connection.query("update seat_claim set free_after = now() where booking_id = 12");
  const [a1, a2, a3, b1, b2, b3] = await versions();
  expect([a1, a2, a3, b1, b2, b3]).toEqual([before[0], before[1]! + 20, 1, before[2], before[3]! + 20, 1]);

  await migrateDown(oldUrl, { cinemaTimeZone, directory: newer.path, discard: true });
  await connection.query("select claim_seats(1, '{A4}', 14, now())");
  expect((await versions())[3]).toBeGreaterThan(b2!);
});
