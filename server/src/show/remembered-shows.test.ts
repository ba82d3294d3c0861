import fc from "fast-check";
import { openDatabase } from "@skyfox/db";
import { beforeEach, expect, test } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart, type TestApp } from "../../test/test-app.ts";
import { whenOver } from "../../test/when-over.ts";
import type { Hold, SeatMap, Show } from "../contract/index.ts";
import { createShowReader } from "./show-reader.ts";

const app = await createTestApp();
const other = await createTestApp({ beside: app });
const servers = [app, other];
const date = "2026-03-12";
beforeEach(() => app.clock.set(testStart));

const token = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));
const newCustomer = async () => await tokenOf(app.deps, await givenCustomer(app.deps));

const seatMap = async (on: TestApp, showId: number) =>
  (await query<SeatMap>(on, "show.seatMap", { showId }, { token })).data!;
const takenOf = (map: SeatMap) =>
  map.rows
    .flatMap(({ seats }) => seats)
    .flatMap(({ seatNumber, status }) => (status === "free" ? [] : [seatNumber]));
const listed = async (on: TestApp, showId: number) =>
  (await query<Show[]>(on, "show.list", { date }, { token })).data!.find(({ id }) => id === showId);
const hold = async (on: TestApp, showId: number, seatNumbers: string[], by: string) =>
  (await mutate<Hold>(on, "booking.initialize", { showId, seatNumbers }, { token: by })).data!;

test("what one server has written is read on every server at once", async () => {
  const showId = await givenShow(app, { date, slotId: 1 });
  const customer = await newCustomer();
  for (const server of servers) expect(takenOf(await seatMap(server, showId))).toEqual([]);
  for (const server of servers) expect((await listed(server, showId))?.availableSeats).toBe(100);

  const { bookingId } = await hold(other, showId, ["A1", "B2"], customer);
  const maps = await Promise.all(servers.map((server) => seatMap(server, showId)));
  expect(maps.map(takenOf)).toEqual([
    ["A1", "B2"],
    ["A1", "B2"],
  ]);
  for (const server of servers) expect((await listed(server, showId))?.availableSeats).toBe(98);

  await mutate(app, "booking.cancel", { bookingId }, { token: customer });
  for (const server of servers) expect(takenOf(await seatMap(server, showId))).toEqual([]);

  await mutate(app, "admin.cancelShow", { showId, reason: "The projector is broken." }, { token });
  for (const server of servers) expect((await listed(server, showId))?.cancelledAt).toEqual(testStart);
});

test("a map and a list whose connection is silent are read on another one", async () => {
  const showId = await givenShow(app, { date: "2026-03-20" });
  const proxy = await startDatabaseProxy(app.databaseUrl);
  const db = openDatabase(proxy.url, { maxConnections: 3 });
  whenOver(async () => {
    await proxy.close();
    await db.destroy();
  });
  const reader = createShowReader({ db, clock: app.clock });
  const ofClaims = proxy.intercept(({ sql }) => sql.includes("as claims"), "silence");
  const [map] = await Promise.all([reader.readSeatMap(showId), ofClaims.reached]);
  expect(map?.seatMap().showId).toBe(showId);
  const ofTaken = proxy.intercept(({ sql }) => sql.includes("as kept"), "silence");
  const [list] = await Promise.all([reader.listShows("2026-03-20"), ofTaken.reached]);
  expect(list.text).toContain(`"id":${showId}`);
});

test("what is learned of a film is in the lists of every server at once", async () => {
  const showId = await givenShow(app, { date, slotId: 2 });
  for (const server of servers) expect((await listed(server, showId))?.movie.plot).toBe("A plot.");
  await app.sql.query(
    "update movie set plot = 'Another one.' where movie_id = (select movie_id from show where id = $1)",
    [showId],
  );
  for (const server of servers) expect((await listed(server, showId))?.movie.plot).toBe("Another one.");
});

test("a price that an operator changes by hand is in the maps of every server at once", async () => {
  const showId = await givenShow(app, { date: "2026-03-15", slotId: 1 });
  const prices = async () =>
    (await Promise.all(servers.map((server) => seatMap(server, showId)))).map((map) =>
      Number(map.prices.Standard),
    );
  expect(await prices()).toEqual([200, 200]);
  await app.sql.query("update show set cost = 210 where id = $1", [showId]);
  expect(await prices()).toEqual([210, 210]);
});

test("whether a hold is overdue is judged at each reading, also where the clock is set back", async () => {
  const showId = await givenShow(app, { date, slotId: 3 });
  const holds = [await hold(app, showId, ["A1"], await newCustomer())];
  app.clock.advance(1_000);
  holds.push(await hold(app, showId, ["A2"], await newCustomer()));
  // As if no server swept any more.
  for (const { bookingId } of holds) app.deps.monitors.disarm(bookingId);
  const before = await seatMap(app, showId);
  const [one, two] = holds.map(({ expiresAt }) => expiresAt.getTime()) as [number, number];
  for (const [at, taken] of [
    [one - 1, ["A1", "A2"]],
    [one, ["A2"]],
    [two - 1, ["A2"]],
    [two, []],
    [one, ["A2"]],
    [one - 1, ["A1", "A2"]],
  ] as const) {
    app.clock.set(new Date(at));
    const map = await seatMap(app, showId);
    expect([at, takenOf(map), map.version]).toEqual([at, taken, before.version]);
    expect((await listed(app, showId))?.availableSeats).toBe(100 - taken.length);
  }
});

test("a seat that an operator adds, and a screen's new name, show after a minute", async () => {
  const showId = await givenShow(app, { date, slotId: 4 });
  let now = 1_000;
  const { readSeatMap, listShows } = createShowReader(app.deps, () => now);
  const read = async () => {
    const map = (await readSeatMap(showId))!.written().read();
    const list = (await listShows(date)).read();
    const { screen, availableSeats } = list.find(({ id }) => id === showId)!;
    return { rows: map.rows.length, isRenamed: screen.name === "Renamed", free: availableSeats };
  };
  expect(await read()).toEqual({ rows: 10, isRenamed: false, free: 100 });
  await app.sql.query(
    "insert into seat (screen_id, seat_number, row_label, column_number, seat_type) select screen_id, 'K1', 'K', 1, 'Deluxe' from show where id = $1",
    [showId],
  );
  await app.sql.query(
    "update screen set name = 'Renamed' where id = (select screen_id from show where id = $1)",
    [showId],
  );
  now += 59_999;
  // Its claims are read again, and written beside the layout of before.
  await hold(app, showId, ["A1"], await newCustomer());
  expect(await read()).toEqual({ rows: 10, isRenamed: false, free: 99 });
  now += 1;
  expect(await read()).toEqual({ rows: 11, isRenamed: true, free: 100 });
});

// What is so by the database alone, in the order in which the list has it.
async function countFree(showIds: number[]): Promise<number[]> {
  const rows = await app.sql.query(
    `select s.id, 100 - (select count(*)::int from seat_claim c where c.show_id = s.id and c.booking_id is not null
       and (c.free_after is null or c.free_after > $2)) as free
     from show s where s.id = any($1::bigint[])`,
    [showIds, app.clock.now()],
  );
  return showIds.map((showId) => Number(rows.find(({ id }) => id === showId)?.["free"]));
}

test("whatever is held, paid, cancelled or overdue, and on whichever server, each reading is as the database is then", async () => {
  const day = "2026-03-13";
  const showIds = [
    await givenShow(app, { date: day, slotId: 1 }),
    await givenShow(app, { date: day, slotId: 2 }),
  ];
  const customers = [await newCustomer(), await newCustomer()];
  const holds: { bookingId: number; by: string }[] = [];
  const step = fc.record({
    what: fc.constantFrom("hold", "cancel", "pay", "wait", "raw"),
    server: fc.nat(1),
    show: fc.nat(1),
    who: fc.nat(1),
    seat: fc.nat(99),
  });
  const assertEqual = async () => {
    const expected = await countFree(showIds);
    for (const server of servers) {
      const list = await query<Show[]>(server, "show.list", { date: day }, { token });
      expect(list.data!.map(({ availableSeats }) => availableSeats)).toEqual(expected);
      const maps = await Promise.all(showIds.map((showId) => seatMap(server, showId)));
      expect(maps.map((map) => 100 - takenOf(map).length)).toEqual(expected);
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      for (const { what, server, show, who, seat } of steps) {
        const [on, by, showId] = [servers[server]!, customers[who]!, showIds[show]!];
        const seatNumber = `${"ABCDEFGHIJ"[Math.floor(seat / 10)]}${(seat % 10) + 1}`;
        const last = holds.at(-1);
        if (what === "hold") {
          const { data } = await mutate<Hold>(
            on,
            "booking.initialize",
            { showId, seatNumbers: [seatNumber] },
            { token: by },
          );
          if (data !== undefined) holds.push({ bookingId: data.bookingId, by });
        } else if (what === "wait") app.clock.advance(100_000);
        else if (what === "raw")
          await app.sql.query("update seat_claim set version = version + 1 where show_id = $1", [showId]);
        else if (last !== undefined) {
          const input =
            what === "pay"
              ? { bookingId: last.bookingId, method: "Card", card: goodCard }
              : { bookingId: last.bookingId };
          await mutate(on, `booking.${what}`, input, { token: last.by });
        }
        await assertEqual();
      }
    }),
    { numRuns: 12, seed: 20_270_102 },
  );
});

test("readings under way while seats change are as new as when they were asked for", async () => {
  const showId = await givenShow(app, { date: "2026-03-14", slotId: 1 });
  const by = await newCustomer();
  for (let round = 1; round <= 5; round += 1) {
    const reading = Promise.all(
      servers.flatMap((server) => [seatMap(server, showId), seatMap(server, showId)]),
    );
    const { bookingId } = await hold(servers[round % 2]!, showId, [`C${round}`], by);
    const after = await Promise.all(servers.map((server) => seatMap(server, showId)));
    for (const map of after) expect(takenOf(map)).toEqual([`C${round}`]);
    await reading;
    await mutate(app, "booking.cancel", { bookingId }, { token: by });
    for (const server of servers) expect(takenOf(await seatMap(server, showId))).toEqual([]);
  }
});
