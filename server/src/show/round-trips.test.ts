import { afterAll, expect, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { givenCustomer, givenShow, tokenOf } from "../../test/given.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import type { Show } from "../contract/index.ts";

const app = await createTestApp();
const proxy = await startCountingProxy(app.databaseUrl);
afterAll(() => proxy.close());
const counted = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 1 });
// As if the listener had proven for ever that no session has ended: a loaded machine would now and then read one again.
counted.deps.sessions.proven(Infinity);

test("a day's list takes one statement, however many shows there are, and two more once shows have been added", async () => {
  const token = await tokenOf(app.deps, await givenCustomer(app.deps));
  const list = () => query<Show[]>(counted, "show.list", { date: "2026-03-12" }, { token });
  // Opens the one connection.
  expect((await list()).data).toEqual([]);
  const ofNone = await proxy.count(list);

  await givenShow(app, { date: "2026-03-12", slotId: 1 });
  const ofNew = await proxy.count(list);
  const ofOne = await proxy.count(list);

  await app.sql.query(`
    insert into screen (name) select 'Screen of many ' || n from generate_series(1, 50) n;
    insert into seat (screen_id, seat_number, row_label, column_number, seat_type)
      select s.id, 'A' || n, 'A', n, 'Standard' from screen s, generate_series(1, 20) n where s.name like 'Screen of many%';
    insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
      select m.movie_id, '2026-03-12', slot.id, 200, s.id, '2026-03-12T03:00Z'::timestamptz + slot.start_time,
        '2026-03-12T06:00Z'::timestamptz + slot.start_time
      from screen s, slot, (select movie_id from movie limit 1) m where s.name like 'Screen of many%'`);
  const ofManyNew = await proxy.count(list);
  expect((await list()).data).toHaveLength(201);
  const ofMany = await proxy.count(list);
  expect({ ofNone, ofNew, ofOne, ofManyNew, ofMany }).toEqual({
    ofNone: 1,
    ofNew: 3,
    ofOne: 1,
    ofManyNew: 3,
    ofMany: 1,
  });
});

test("one show takes two statements, and its seats one, with one more for their layout and one for their claims at first", async () => {
  const token = await tokenOf(app.deps, await givenCustomer(app.deps));
  const showId = await givenShow(app, { date: "2026-03-13" });
  const ask = (path: string) => () => query(counted, path, { showId }, { token });
  await ask("show.byId")();
  expect(await proxy.count(ask("show.byId"))).toBe(2);
  expect(await proxy.count(ask("show.seatMap"))).toBe(3);
  expect(await proxy.count(ask("show.seatMap"))).toBe(1);
});

test("a hold costs the next list and the next map of its show one statement more, and other maps none", async () => {
  const customer = await givenCustomer(app.deps);
  const token = await tokenOf(app.deps, customer);
  const date = "2026-03-14";
  const showId = await givenShow(app, { date, slotId: 1 });
  const otherShow = await givenShow(app, { date, slotId: 2 });
  const asked = [
    () => query(counted, "show.list", { date }, { token }),
    () => query(counted, "show.seatMap", { showId }, { token }),
    () => query(counted, "show.seatMap", { showId: otherShow }, { token }),
  ];
  const count = async () => {
    const counts: number[] = [];
    for (const ask of asked) counts.push(await proxy.count(ask));
    return counts;
  };
  await count();
  expect(await count()).toEqual([1, 1, 1]);
  await holdSeats(app.deps, customer, { showId, seatNumbers: ["A1"] });
  expect(await count()).toEqual([2, 2, 1]);
  expect(await count()).toEqual([1, 1, 1]);
});

test("maps and lists that are asked for at the same moment share one question, and one reading of what has changed", async () => {
  const customer = await givenCustomer(app.deps);
  const dates = ["2026-03-15", "2026-03-16"];
  const showIds = await Promise.all(dates.map((date) => givenShow(app, { date })));
  const { shows } = counted.deps;
  const readMaps = (ids = showIds) => Promise.all(ids.map((showId) => shows.readSeatMap(showId)));
  const readLists = () => Promise.all(dates.map((date) => shows.listShows(date)));
  const maps = await readMaps([-1, ...showIds]);
  expect(maps.map((map) => map?.seatMap().showId)).toEqual([undefined, ...showIds]);
  await readLists();
  expect(await proxy.count(() => Promise.all([readMaps(), readLists()]))).toBe(1);
  for (const showId of showIds) await holdSeats(app.deps, customer, { showId, seatNumbers: ["A1"] });
  expect(await proxy.count(() => readMaps())).toBe(2);
  expect(await proxy.count(readLists)).toBe(2);
});

// An answer of many packets is one.

test("the proxy counts waits: statements one after the other each, statements sent together once", async () => {
  const { db } = counted.deps;
  const select = async () => void (await db.selectFrom("slot").selectAll().execute());
  await select();
  expect(await proxy.count(select)).toBe(1);
  expect(
    await proxy.count(async () => {
      await select();
      await select();
    }),
  ).toBe(2);
  // A transaction is BEGIN, its statements and COMMIT.
  expect(
    await proxy.count(() => db.transaction().execute((tx) => tx.selectFrom("slot").selectAll().execute())),
  ).toBe(3);
  expect(
    await proxy.count(() =>
      db
        .selectFrom("slot")
        .select((eb) => eb.fn<string>("repeat", ["name", eb.lit(500_000)]).as("x"))
        .execute(),
    ),
  ).toBe(1);
  expect(await proxy.count(() => Promise.resolve())).toBe(0);
});
