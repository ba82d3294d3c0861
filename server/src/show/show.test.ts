import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { givenCheckIn } from "../../test/given-money.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { Decimal, type Booking, type Hold, type SeatMap, type Show } from "../contract/index.ts";

const app = await createTestApp();
const inNewYork = await createTestApp({ beside: app, settings: { cinemaTimeZone: "America/New_York" } });
beforeEach(() => app.clock.set(testStart));

const tokenOfCustomer = async () => await tokenOf(app.deps, await givenCustomer(app.deps));
const tokenOfStaff = async (role: "staff" | "admin") =>
  await tokenOf(app.deps, await givenStaff(app.deps, role));

const listShows = (token: string, date?: string, on = app) =>
  query<Show[]>(on, "show.list", date === undefined ? undefined : { date }, { token });
const getShow = (token: string, showId: number) => query<Show>(app, "show.byId", { showId }, { token });
const getSeatMap = (token: string, showId: number) =>
  query<SeatMap>(app, "show.seatMap", { showId }, { token });

const hold = async (token: string, showId: number, seatNumbers: string[]) =>
  (await mutate<Hold>(app, "booking.initialize", { showId, seatNumbers }, { token })).data!;
const pay = (token: string, bookingId: number) =>
  mutate<Booking>(app, "booking.pay", { bookingId, method: "Card", card: goodCard }, { token });

/** Seat numbers by status. */
function seatsBy(map: SeatMap | undefined) {
  const seats = map!.rows.flatMap((row) => row.seats);
  const numbersOf = (status: string) =>
    seats.filter((seat) => seat.status === status).map((seat) => seat.seatNumber);
  return { free: numbersOf("free"), held: numbersOf("held"), sold: numbersOf("sold"), all: seats.length };
}

/** Screens with a layout of their own, by name. */
async function givenScreen(name: string, seats: Record<string, number[]>): Promise<number> {
  const [screen] = await app.sql.query("insert into screen (name) values ($1) returning id", [name]);
  for (const [row, columns] of Object.entries(seats)) {
    await app.sql.query(
      `insert into seat (screen_id, seat_number, row_label, column_number, seat_type)
       select $1, $2::text || n, $2, n, case when $2 = 'A' then 'Standard' else 'Deluxe' end::seat_type_enum
       from unnest($3::int[]) n`,
      [screen!["id"], row, columns],
    );
  }
  return screen!["id"] as number;
}

describe("the seven days", () => {
  const window = { from: "2026-03-10", to: "2026-03-16" };

  test.each(["2026-03-10", "2026-03-16"])("show a customer %s, be it empty", async (date) => {
    expect(await listShows(await tokenOfCustomer(), date)).toMatchObject({ status: 200, data: [] });
  });

  test.each(["2026-03-09", "2026-03-17", "0001-01-01", "9999-12-31"])(
    "do not show a customer %s",
    async (date) => {
      const { status, error } = await listShows(await tokenOfCustomer(), date);
      expect(status).toBe(400);
      expect(error?.data.domain).toEqual({ code: "DATE_OUT_OF_RANGE", details: window });
    },
  );

  test.each(["staff", "admin"] as const)("%s see any date", async (role) => {
    const token = await tokenOfStaff(role);
    for (const date of ["0001-01-01", "2026-03-09", "2026-03-17", "9999-12-31"])
      expect(await listShows(token, date)).toMatchObject({ status: 200, data: [] });
  });

  // In a week of its own: the days above have no shows.
  test.each([
    ["2026-06-09", 2, false],
    ["2026-06-10", 2, true],
    ["2026-06-16", 4, true],
    ["2026-06-17", 1, false],
  ])("hold for one show and its seats too: %s", async (date, slotId, isSeen) => {
    app.clock.set(new Date("2026-06-10T06:30:00Z"));
    const showId = await givenShow(app, { date, slotId });
    const customer = await tokenOfCustomer();
    const refused = { code: "DATE_OUT_OF_RANGE", details: { from: "2026-06-10", to: "2026-06-16" } };
    for (const { status, error } of [await getShow(customer, showId), await getSeatMap(customer, showId)]) {
      expect([status, error?.data.domain]).toEqual(isSeen ? [200, undefined] : [400, refused]);
    }
    for (const role of ["staff", "admin"] as const) {
      const token = await tokenOfStaff(role);
      expect((await getShow(token, showId)).status).toBe(200);
      expect((await getSeatMap(token, showId)).status).toBe(200);
    }
  });

  test.each([
    ["2026-03-10T18:29:59.999Z", "2026-03-10", "2026-03-16"],
    ["2026-03-10T18:30:00.000Z", "2026-03-11", "2026-03-17"],
    ["2026-12-31T18:29:59.999Z", "2026-12-31", "2027-01-06"],
    ["2026-12-31T18:30:00.000Z", "2027-01-01", "2027-01-07"],
    ["2028-02-25T06:30:00.000Z", "2028-02-25", "2028-03-02"],
  ])("begin at midnight in the cinema's zone: at %s it is %s", async (now, from, to) => {
    app.clock.set(new Date(now));
    const { error } = await listShows(await tokenOfCustomer(), "2020-01-01");
    expect(error?.data.domain?.details).toEqual({ from, to });
  });

  test.each([
    // The clocks change in this week: on 2026-03-08 at 02:00, and on 2026-11-01 at 02:00.
    ["2026-03-08T04:59:59.999Z", "2026-03-07", "2026-03-13"],
    ["2026-03-08T05:00:00.000Z", "2026-03-08", "2026-03-14"],
    ["2026-03-09T03:59:59.999Z", "2026-03-08", "2026-03-14"],
    ["2026-03-09T04:00:00.000Z", "2026-03-09", "2026-03-15"],
    ["2026-11-02T04:59:59.999Z", "2026-11-01", "2026-11-07"],
    ["2026-11-02T05:00:00.000Z", "2026-11-02", "2026-11-08"],
  ])("are seven dates also where the clocks change: at %s it is %s in New York", async (now, from, to) => {
    app.clock.set(new Date(now));
    const { error } = await listShows(await tokenOfCustomer(), "2020-01-01", inNewYork);
    expect(error?.data.domain?.details).toEqual({ from, to });
  });

  test("are today when no date is asked for", async () => {
    const today = await givenShow(app, { date: "2026-05-05", slotId: 1 });
    app.clock.set(new Date("2026-05-05T18:29:59.999Z"));
    const token = await tokenOfCustomer();
    // Also the shows that have started.
    expect((await listShows(token)).data?.map(({ id }) => id)).toEqual([today]);
    app.clock.set(new Date("2026-05-05T18:30:00.000Z"));
    expect((await listShows(token)).data).toEqual([]);
  });
});

describe("a show outside the seven days", () => {
  test("can be read by customers who have or had a booking of it, its seats and its day cannot", async () => {
    const showId = await givenShow(app, { date: "2026-03-11", slotId: 1 });
    const [owner, former, stranger] = [
      await givenCustomer(app.deps),
      await givenCustomer(app.deps),
      await givenCustomer(app.deps),
    ];
    const { bookingId } = await hold(await tokenOf(app.deps, owner), showId, ["A1"]);
    expect((await pay(await tokenOf(app.deps, owner), bookingId)).data?.status).toBe("Confirmed");
    const given = await hold(await tokenOf(app.deps, former), showId, ["A2"]);
    await mutate(
      app,
      "booking.cancel",
      { bookingId: given.bookingId },
      { token: await tokenOf(app.deps, former) },
    );

    app.clock.set(new Date("2026-03-12T06:30:00Z"));
    await app.sql.query("update session set expires_at = '2026-04-01' where username = any($1)", [
      [owner, former, stranger].map(({ username }) => username),
    ]);
    for (const person of [owner, former]) {
      const token = await tokenOf(app.deps, person);
      expect((await getShow(token, showId)).data?.id).toBe(showId);
      expect((await getSeatMap(token, showId)).error?.data.domain?.code).toBe("DATE_OUT_OF_RANGE");
      expect((await listShows(token, "2026-03-11")).error?.data.domain?.code).toBe("DATE_OUT_OF_RANGE");
    }
    const { error } = await getShow(await tokenOf(app.deps, stranger), showId);
    expect(error?.data.domain?.code).toBe("DATE_OUT_OF_RANGE");
  });
});

describe("a show that there is not", () => {
  test.each([999_999, Number.MAX_SAFE_INTEGER])("is not found by the id %i", async (showId) => {
    for (const token of [await tokenOfCustomer(), await tokenOfStaff("admin")]) {
      for (const answer of [await getShow(token, showId), await getSeatMap(token, showId)]) {
        expect(answer.status).toBe(404);
        expect(answer.error?.data.domain).toEqual({ code: "SHOW_NOT_FOUND", details: null });
      }
    }
  });

  test.each([0, -1, 1.5, 2 ** 53, "1", null, true])("cannot have the id %j", async (showId) => {
    const { status, error } = await query(app, "show.byId", { showId }, { token: await tokenOfCustomer() });
    expect(status).toBe(400);
    expect(error?.data.fields?.map(({ field }) => field)).toEqual(["showId"]);
  });
});

describe("the list of a day", () => {
  test("says everything of a show", async () => {
    const showId = await givenShow(app, { date: "2026-03-12", slotId: 4, cost: "199.90", screenId: 1 });
    const token = await tokenOfCustomer();
    const { data, text } = await listShows(token, "2026-03-12");
    expect(data).toEqual([
      {
        id: showId,
        screen: { id: 1, name: "Screen 1" },
        movie: {
          movieId: expect.stringMatching(/^tt\d{7}$/) as string,
          title: expect.stringMatching(/^Film \d+$/) as string,
          runtimeMinutes: 120,
          plot: "A plot.",
          imdbRating: "7.5",
          posterUrl: "http://localhost/poster.svg",
          genres: ["Drama"],
        },
        slot: { id: 4, name: "Night", startTime: "20:30", endTime: "23:30" },
        date: "2026-03-12",
        startsAt: new Date("2026-03-12T15:00:00Z"),
        endsAt: new Date("2026-03-12T18:00:00Z"),
        cost: new Decimal("199.90"),
        availableSeats: 100,
        cancelledAt: null,
      },
    ]);
    expect(text).toContain('"cost":"199.90"');
    expect((await getShow(token, showId)).data).toEqual(data?.[0]);
  });

  test("keeps cancelled shows, and shows of films without a description yet", async () => {
    const showId = await givenShow(app, { date: "2026-03-13", cancelReason: "The projector is broken." });
    await app.sql.query(
      `update movie set runtime_minutes = null, plot = null, imdb_rating = null, poster_url = null, genres = '{}'
       where movie_id = (select movie_id from show where id = $1)`,
      [showId],
    );
    const { data } = await listShows(await tokenOfCustomer(), "2026-03-13");
    expect(data).toMatchObject([
      {
        id: showId,
        cancelledAt: testStart,
        movie: { runtimeMinutes: 0, plot: "", imdbRating: null, posterUrl: "", genres: [] },
      },
    ]);
  });

  test("is ordered by start, then screen", async () => {
    const date = "2026-03-14";
    const [second, third] = [await givenScreen("Second", { A: [1] }), await givenScreen("Third", { A: [1] })];
    const expected: number[] = [];
    for (const slotId of [4, 2, 1, 3]) {
      const ids = [];
      for (const screenId of [third, 1, second]) {
        const id = await givenShow(app, { date, slotId, screenId });
        ids.push({ id, key: slotId * 1_000 + screenId });
      }
      expected.push(...ids.map(({ id, key }) => key * 1_000_000 + id));
    }
    const { data } = await listShows(await tokenOfCustomer(), date);
    expect(data?.map(({ id }) => id)).toEqual(
      expected.toSorted((one, other) => one - other).map((key) => key % 1_000_000),
    );
    expect(data?.map(({ screen, slot }) => [slot.id, screen.id])).toEqual(
      [1, 2, 3, 4].flatMap((slot) => [1, second, third].map((screen) => [slot, screen])),
    );
  });
});

describe("the seat map", () => {
  test("has rows and seats in order, with their types and prices", async () => {
    const showId = await givenShow(app, { date: "2026-03-15", slotId: 1, cost: "200.00" });
    const { data } = await getSeatMap(await tokenOfCustomer(), showId);
    expect(data).toMatchObject({
      showId,
      version: 0,
      prices: { Standard: new Decimal("200"), Deluxe: new Decimal("350") },
    });
    expect(data?.rows.map(({ row }) => row).join("")).toBe("ABCDEFGHIJ");
    for (const { row, seats } of data!.rows) {
      expect(seats).toEqual(
        Array.from({ length: 10 }, (_, index) => ({
          seatNumber: `${row}${index + 1}`,
          column: index + 1,
          type: row <= "E" ? "Standard" : "Deluxe",
          status: "free",
        })),
      );
    }
  });

  test("follows the layout of its screen: rows of different length, missing seats, two-letter rows", async () => {
    const screenId = await givenScreen("Attic", { AA: [2, 10, 1], B: [3], A: [12, 2, 99] });
    const showId = await givenShow(app, { date: "2026-03-15", slotId: 2, screenId });
    const token = await tokenOfCustomer();
    const { data } = await getSeatMap(token, showId);
    expect(data?.rows.map(({ row, seats }) => [row, ...seats.map(({ seatNumber }) => seatNumber)])).toEqual([
      ["A", "A2", "A12", "A99"],
      ["B", "B3"],
      ["AA", "AA1", "AA2", "AA10"],
    ]);
    expect((await getShow(token, showId)).data).toMatchObject({
      availableSeats: 7,
      screen: { id: screenId, name: "Attic" },
    });
    await hold(token, showId, ["AA10", "B3"]);
    expect((await getShow(token, showId)).data?.availableSeats).toBe(5);
    expect(seatsBy((await getSeatMap(token, showId)).data)).toEqual({
      free: ["A2", "A12", "A99", "AA1", "AA2"],
      held: ["B3", "AA10"],
      sold: [],
      all: 7,
    });
  });

  test("shows every seat as free, held or sold, through everything that can happen to it", async () => {
    const showId = await givenShow(app, { date: "2026-03-15", slotId: 3 });
    const viewer = await tokenOfCustomer();
    const versions: number[] = [];

    async function expectSeats(expected: { held: string[]; sold: string[] }): Promise<void> {
      const { data } = await getSeatMap(viewer, showId);
      const { free, held, sold, all } = seatsBy(data);
      expect({ held, sold }).toEqual(expected);
      expect(free.length + held.length + sold.length).toBe(100);
      expect(all).toBe(100);
      versions.push(data!.version);
      const [listed] = (await listShows(viewer, "2026-03-15")).data!.filter(({ id }) => id === showId);
      expect(listed?.availableSeats).toBe(free.length);
      expect((await getShow(viewer, showId)).data?.availableSeats).toBe(free.length);
    }

    const buyers = await Promise.all(Array.from({ length: 5 }, tokenOfCustomer));
    const [overdue, swept, cancelled, paying, paid] = buyers as [string, string, string, string, string];
    await expectSeats({ held: [], sold: [] });

    const left = await hold(overdue, showId, ["A1", "A2"]);
    const expiring = await hold(swept, showId, ["B1"]);
    await expectSeats({ held: ["A1", "A2", "B1"], sold: [] });

    // One whose timer is lost, and one whose timer fires.
    app.deps.monitors.disarm(left.bookingId);
    app.clock.set(new Date(left.expiresAt.getTime() - 1));
    await expectSeats({ held: ["A1", "A2", "B1"], sold: [] });
    app.clock.set(left.expiresAt);
    await expectSeats({ held: [], sold: [] });
    await app.deps.monitors.settled();
    const rows = await app.sql.query("select id, status::text from booking where id = any($1) order by id", [
      [left.bookingId, expiring.bookingId],
    ]);
    expect(rows.map((row) => row["status"])).toEqual(["Pending", "Expired"]);
    await expectSeats({ held: [], sold: [] });

    const given = await hold(cancelled, showId, ["C1", "C2"]);
    await expectSeats({ held: ["C1", "C2"], sold: [] });
    await mutate(app, "booking.cancel", { bookingId: given.bookingId }, { token: cancelled });
    await expectSeats({ held: [], sold: [] });

    const beingPaid = await hold(paying, showId, ["D1"]);
    const charge = app.gateway.script("slow");
    const answer = pay(paying, beingPaid.bookingId);
    await charge.arrived;
    await expectSeats({ held: ["D1"], sold: [] });
    // What is being paid for stays held, however long ago the hold would have ended.
    app.clock.set(new Date(beingPaid.expiresAt.getTime() + 60_000));
    await expectSeats({ held: ["D1"], sold: [] });
    await charge.release();
    expect((await answer).data?.status).toBe("Confirmed");
    await expectSeats({ held: [], sold: ["D1"] });

    const { bookingId } = await hold(paid, showId, ["J10", "A1"]);
    await pay(paid, bookingId);
    await givenCheckIn(app, bookingId);
    await expectSeats({ held: [], sold: ["A1", "D1", "J10"] });

    expect(versions).toEqual(versions.toSorted((one, other) => one - other));
    // Every change of a claim that was written moved it.
    expect(new Set(versions).size).toBe(8);
  });
});
