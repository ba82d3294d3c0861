import { withSettings } from "@skyfox/db/test-database";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { givenHold, letPass, paymentOf, problemOf } from "../../test/given-money.ts";
import { forgetSales, givenSales, type GivenSale } from "../../test/given-sales.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf, type GivenShow } from "../../test/given.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { revenueInput, type Revenue } from "../contract/index.ts";
import { reportRevenue } from "./report-revenue.ts";

const app = await createTestApp({ gatewayTimeoutMs: 500 });
const { clock } = app;
const admin = await givenStaff(app.deps, "admin");
const token = await tokenOf(app.deps, admin);
const proxy = await startCountingProxy(app.databaseUrl);
afterAll(() => proxy.close());

// Every test reads the takings of its own sales only.
beforeEach(async () => {
  clock.set(testStart);
  await forgetSales(app);
});

/** What `admin.revenue` says, with amounts as text and the figures in a row: revenue, mean, median, bookings, seats. */
async function ask(input: object = {}, cinemaTimeZone = "Asia/Kolkata") {
  const deps = { ...app.deps, settings: { ...app.deps.settings, cinemaTimeZone } };
  const { groups, ...all } = await reportRevenue(deps, revenueInput.parse(input));
  return { all: inRow(all), groups: Object.fromEntries(groups.map((group) => [group.label, inRow(group)])) };
}

function inRow(figures: Omit<Revenue, "groups">) {
  const { totalRevenue, meanRevenue, medianRevenue, totalBookings, totalSeatsBooked } = figures;
  const amounts = [totalRevenue, meanRevenue, medianRevenue].map((amount) => amount.toFixed(2));
  return [...amounts, totalBookings, totalSeatsBooked].join(" ");
}

/** The labels in the order in which they are answered, each with its revenue. */
async function takings(input: object, cinemaTimeZone?: string) {
  const { groups } = await ask(input, cinemaTimeZone);
  return Object.entries(groups).map(([label, row]) => `${label}: ${row.split(" ")[0]}`);
}

function labels(input: object, cinemaTimeZone?: string) {
  return ask(input, cinemaTimeZone).then(({ groups }) => Object.keys(groups));
}

/** Sales at one show, each of one seat and at an instant of its own. */
async function sell(amounts: string[], sale: Partial<GivenSale> = {}) {
  const showId = sale.showId ?? (await givenShow(app));
  await givenSales(
    app,
    amounts.map((amount) => ({ at: clock.now(), amount, ...sale, showId })),
  );
}

/** Sales for a rupee, two, four, eight … at these instants, so that every sum tells which of them are in it. */
async function sellAt(...instants: string[]) {
  const showId = await givenShow(app);
  await givenSales(
    app,
    instants.map((at, index) => ({ showId, at: new Date(at), amount: String(2 ** index) })),
  );
}

async function givenFilm(film: { title: string; genres: string[] }, show: GivenShow = {}) {
  const showId = await givenShow(app, show);
  const [row] = await app.sql.query(
    "update movie set title = $1, genres = $2 where movie_id = (select movie_id from show where id = $3) returning movie_id",
    [film.title, film.genres, showId],
  );
  return { showId, movieId: String(row?.["movie_id"]) };
}

/** A sale for a rupee, two, four, eight … of a film of each of these genres. */
async function sellOfGenres(...genres: string[][]) {
  for (const [index, ofFilm] of genres.entries()) {
    const { showId } = await givenFilm({ title: "Any", genres: ofFilm });
    await sell([String(2 ** index)], { showId });
  }
}

describe("what counts", () => {
  test("are Confirmed and CheckedIn bookings; what is held, cancelled, expired or given back brings nothing", async () => {
    const showId = await givenShow(app);
    const statuses = ["Confirmed", "CheckedIn", "Pending", "Cancelled", "Expired", "Refunded"] as const;
    await givenSales(
      app,
      statuses.map((status, index) => ({
        showId,
        at: clock.now(),
        amount: String(2 ** index),
        seats: 2 ** index,
        status,
      })),
    );
    expect(await ask()).toEqual({ all: "3.00 1.50 1.50 2 3", groups: { All: "3.00 1.50 1.50 2 3" } });
  });

  test("is not what is just being paid for", async () => {
    const customer = await givenCustomer(app.deps);
    const { bookingId } = await givenHold(app, customer);
    app.gateway.script("timeout-before-effect");
    expect(await problemOf(payBooking(app.deps, customer, paymentOf(bookingId, "card")))).toMatchObject({
      code: "PAYMENT_OUTCOME_UNKNOWN",
    });
    expect(await ask()).toMatchObject({ groups: {} });
    await letPass(app, 60);
  });

  test("is the time of booking, not the day of the show", async () => {
    const showId = await givenShow(app, { date: "2026-03-16" });
    await sell(["5"], { showId, at: new Date("2026-03-09T12:00:00Z") });
    expect(await labels({ timeframe: "daily" })).toEqual(["2026-03-09"]);
  });

  test("are all bookings ever made where nothing else is asked, in one group", async () => {
    await sellAt("1999-12-31T00:00:00Z", "2026-03-10T06:30:00Z", "2031-01-01T00:00:00Z");
    expect(await ask()).toEqual({ all: "7.00 2.33 2.00 3 3", groups: { All: "7.00 2.33 2.00 3 3" } });
  });

  test("is nothing where there is nothing: zeros and no groups, whatever is asked", async () => {
    const nothing = { all: "0.00 0.00 0.00 0 0", groups: {} };
    const asked = [
      {},
      { timeframe: "daily" },
      { timeframe: "yearly" },
      { month: 3 },
      { year: 2026 },
      { movieId: "tt404" },
      { slotId: 404 },
      { genre: "Western" },
    ];
    for (const input of asked) expect([input, await ask(input)]).toEqual([input, nothing]);
    await sell(["10"]);
    for (const input of [{ year: 1 }, { year: 9_999 }, { month: 4 }, ...asked.slice(5)])
      expect([input, await ask(input)]).toEqual([input, nothing]);
  });
});

describe("the mean", () => {
  test.each([
    [["0.00", "0.01"], "0.01"],
    [["0.01", "0.02"], "0.02"],
    [["10.00", "10.00", "10.01"], "10.00"],
    [["10.00", "10.01", "10.01"], "10.01"],
    [["0.01", "0.00", "0.00"], "0.00"],
    [["99999.99", "100000.00"], "100000.00"],
    [["1.00", "1.00", "1.00", "1.00", "1.00", "1.00", "1.00", "1.04"], "1.01"],
    [["1.00", "1.00", "1.00", "1.00", "1.00", "1.00", "1.00", "1.03"], "1.00"],
  ])("of %j is %s: rounded half-up to two decimals", async (amounts, mean) => {
    await sell(amounts);
    expect((await ask()).all.split(" ")[1]).toBe(mean);
  });
});

describe("the median", () => {
  test.each([
    ["one booking is its amount", ["7.77"], "7.77"],
    ["an odd number is the middle one", ["100", "1", "2"], "2.00"],
    ["an even number is the mean of the middle two", ["100", "4", "2", "1"], "3.00"],
    ["an even number is rounded half-up", ["1.00", "1.01"], "1.01"],
    ["an even number is rounded half-up at the smallest amount too", ["0.00", "0.01"], "0.01"],
    [
      "amounts that occur often is where the middle rows are",
      ["1", "1", "1", "5", "5", "9", "9", "9"],
      "5.00",
    ],
    ["two halves lies between them", ["1", "1", "1", "4", "4", "4"], "2.50"],
    ["one more than half is that amount", ["1", "1", "1", "1", "4", "4", "4"], "1.00"],
    ["amounts is by their value, not by their digits", ["9", "10", "100"], "10.00"],
  ])("of %s", async (_, amounts, median) => {
    await sell(amounts);
    expect((await ask()).all.split(" ")[2]).toBe(median);
  });

  test("of each group is its own, and that of all together is not the mean of theirs", async () => {
    await sell(["1", "2", "9"], { at: new Date("2026-03-09T12:00:00Z") });
    await sell(["5", "6"], { at: new Date("2026-03-10T06:00:00Z") });
    expect(await ask({ timeframe: "daily" })).toEqual({
      all: "23.00 4.60 5.00 5 5",
      groups: { "2026-03-09": "12.00 4.00 2.00 3 3", "2026-03-10": "11.00 5.50 5.50 2 2" },
    });
  });
});

describe("a timeframe is whole periods of the cinema's calendar, the current one included", () => {
  test("daily: today and the 29 days before", async () => {
    await sellAt(
      "2026-02-08T18:29:59.999Z",
      "2026-02-08T18:30:00Z",
      "2026-03-09T18:29:59.999Z",
      "2026-03-09T18:30:00Z",
      "2026-03-10T18:29:59.999Z",
      "2026-03-10T18:30:00Z",
    );
    const expected = ["2026-02-09: 2.00", "2026-03-09: 4.00", "2026-03-10: 24.00"];
    expect(await takings({ timeframe: "daily" })).toEqual(expected);
  });

  test("weekly: this ISO week and the 15 before, from Monday to Sunday", async () => {
    await sellAt(
      "2025-11-23T18:29:59.999Z",
      "2025-11-23T18:30:00Z",
      "2026-03-08T18:29:59.999Z",
      "2026-03-08T18:30:00Z",
      "2026-03-15T18:29:59.999Z",
      "2026-03-15T18:30:00Z",
    );
    const expected = ["2025-W48: 2.00", "2026-W10: 4.00", "2026-W11: 24.00"];
    expect(await takings({ timeframe: "weekly" })).toEqual(expected);
  });

  test("weekly, asked on a Sunday or a Monday", async () => {
    await sellAt("2026-03-15T18:29:59.999Z", "2026-03-15T18:30:00Z");
    clock.set(new Date("2026-03-15T18:29:59.999Z"));
    expect(await takings({ timeframe: "weekly" })).toEqual(["2026-W11: 1.00"]);
    clock.set(new Date("2026-03-15T18:30:00Z"));
    expect(await takings({ timeframe: "weekly" })).toEqual(["2026-W11: 1.00", "2026-W12: 2.00"]);
  });

  test("monthly: this month and the 11 before", async () => {
    await sellAt(
      "2025-03-31T18:29:59.999Z",
      "2025-03-31T18:30:00Z",
      "2026-02-28T18:29:59.999Z",
      "2026-02-28T18:30:00Z",
      "2026-03-31T18:29:59.999Z",
      "2026-03-31T18:30:00Z",
    );
    const expected = ["2025-04: 2.00", "2026-02: 4.00", "2026-03: 24.00"];
    expect(await takings({ timeframe: "monthly" })).toEqual(expected);
  });

  test("monthly, asked on the last day of a long month", async () => {
    clock.set(new Date("2026-03-31T12:00:00Z"));
    await sellAt("2025-04-30T12:00:00Z", "2026-02-28T12:00:00Z");
    expect(await takings({ timeframe: "monthly" })).toEqual(["2025-04: 1.00", "2026-02: 2.00"]);
  });

  test("yearly: every year that has bookings", async () => {
    await sellAt(
      "1999-12-31T18:29:59.999Z",
      "1999-12-31T18:30:00Z",
      "2025-12-31T18:29:59.999Z",
      "2025-12-31T18:30:00Z",
      "2030-12-31T18:29:59.999Z",
      "2030-12-31T18:30:00Z",
    );
    const expected = ["1999: 1.00", "2000: 2.00", "2025: 4.00", "2026: 8.00", "2030: 16.00", "2031: 32.00"];
    expect(await takings({ timeframe: "yearly" })).toEqual(expected);
  });

  test("the first days of January can be of the last week of the year before, and the last of December of the next", async () => {
    clock.set(new Date("2025-01-05T12:00:00Z"));
    await sellAt("2024-12-29T12:00:00Z", "2024-12-30T12:00:00Z", "2025-01-01T12:00:00Z");
    expect(await takings({ timeframe: "weekly" })).toEqual(["2024-W52: 1.00", "2025-W01: 6.00"]);
    clock.set(new Date("2027-01-04T12:00:00Z"));
    await sellAt("2027-01-01T12:00:00Z", "2027-01-03T12:00:00Z", "2027-01-04T12:00:00Z");
    expect(await takings({ timeframe: "weekly" })).toEqual(["2026-W53: 3.00", "2027-W01: 4.00"]);
  });

  test("labels are as long as they are in each year", async () => {
    clock.set(new Date("2025-05-01T12:00:00Z"));
    await sellAt("2025-04-28T12:00:00Z");
    const timeframes = ["daily", "weekly", "monthly", "yearly"];
    const labelled = await Promise.all(timeframes.map((timeframe) => labels({ timeframe })));
    expect(labelled).toEqual([["2025-04-28"], ["2025-W18"], ["2025-04"], ["2025"]]);
  });
});

describe("a day is as long as it is on the cinema's clocks", () => {
  test.each([
    ["America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23],
    ["America/New_York", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z", 25],
    ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23],
    ["Europe/Berlin", "2025-10-26", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", 25],
    // Where clocks go forward at midnight, the day begins at one.
    ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", 23],
    ["Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", 24.5],
    // Postgres takes this name for one hour east of Greenwich all the year round.
    ["CET", "2026-07-01", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z", 24],
  ])("%s, %s", async (zone, day, from, to, hours) => {
    const [begin, end] = [new Date(from).getTime(), new Date(to).getTime()];
    expect((end - begin) / 3_600_000).toBe(hours);
    clock.set(new Date(end - 1));
    const instants = [begin - 1, begin, end - 1, end].map((at) => new Date(at).toISOString());
    await sellAt(...instants);
    const dayBefore = Temporal.PlainDate.from(day).subtract({ days: 1 }).toString();
    expect(await takings({ timeframe: "daily" }, zone)).toEqual([`${dayBefore}: 1.00`, `${day}: 6.00`]);
  });

  test("both hours that the clocks show twice are of one day", async () => {
    clock.set(new Date("2025-11-02T12:00:00Z"));
    // Half past one, twice.
    await sellAt("2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z");
    expect(await takings({ timeframe: "daily" }, "America/New_York")).toEqual(["2025-11-02: 3.00"]);
  });

  test("weeks, months and years begin at midnight there too", async () => {
    clock.set(new Date("2026-03-31T12:00:00Z"));
    await sellAt(
      "2026-03-29T21:59:59.999Z",
      "2026-03-29T22:00:00Z",
      "2026-03-31T21:59:59.999Z",
      "2026-03-31T22:00:00Z",
    );
    expect(await takings({ timeframe: "weekly" }, "Europe/Berlin")).toEqual([
      "2026-W13: 1.00",
      "2026-W14: 14.00",
    ]);
    expect(await takings({ timeframe: "monthly" }, "Europe/Berlin")).toEqual(["2026-03: 7.00"]);
    expect(await takings({ month: 4, year: 2026 }, "Europe/Berlin")).toEqual(["April;2026: 8.00"]);
  });

  test("whatever the zone of the database's sessions is", async () => {
    await sellAt("2026-03-09T18:29:59.999Z", "2026-03-09T18:30:00Z");
    const elsewhere = await createTestApp({
      beside: app,
      databaseUrl: (url) => withSettings(url, "-c timezone=America/New_York"),
    });
    const { groups } = await reportRevenue(elsewhere.deps, { timeframe: "daily" });
    expect(groups.map(({ label }) => label)).toEqual(["2026-03-09", "2026-03-10"]);
  });
});

describe("a filter lets through", () => {
  test("a month of every year", async () => {
    await sellAt(
      "2024-03-31T18:29:59.999Z",
      "2024-03-31T18:30:00Z",
      "2024-04-30T18:29:59.999Z",
      "2024-04-30T18:30:00Z",
      "2025-04-15T00:00:00Z",
      "2027-04-15T00:00:00Z",
    );
    expect(await takings({ month: 4 })).toEqual(["April: 54.00"]);
    expect(await takings({ month: 3 })).toEqual(["March: 1.00"]);
  });

  test("a year, whatever it is called elsewhere", async () => {
    await sellAt(
      "2024-12-31T18:29:59.999Z",
      "2024-12-31T18:30:00Z",
      "2025-12-31T18:29:59.999Z",
      "2025-12-31T18:30:00Z",
    );
    expect(await takings({ year: 2025 })).toEqual(["2025: 6.00"]);
  });

  test("a month of one year, up to December", async () => {
    await sellAt(
      "2025-11-30T18:29:59.999Z",
      "2025-11-30T18:30:00Z",
      "2025-12-31T18:29:59.999Z",
      "2025-12-31T18:30:00Z",
    );
    expect(await takings({ month: 12, year: 2025 })).toEqual(["December;2025: 6.00"]);
  });

  test("months by their English names", async () => {
    const labelled: string[] = [];
    for (let month = 1; month <= 12; month += 1) {
      await sellAt(`2026-${String(month).padStart(2, "0")}-15T12:00:00Z`);
      labelled.push(...(await labels({ month })));
    }
    expect(labelled.join(" ")).toBe(
      "January February March April May June July August September October November December",
    );
  });

  test("a movie", async () => {
    const [one, other] = [
      await givenFilm({ title: "Seven; Samurai", genres: [] }),
      await givenFilm({ title: "Seven; Samurai", genres: [] }),
    ];
    await sell(["1", "2"], { showId: one.showId });
    await sell(["4"], { showId: other.showId });
    expect(await takings({ movieId: one.movieId })).toEqual(["Seven; Samurai: 3.00"]);
    expect(await takings({ movieId: one.movieId.toUpperCase() })).toEqual([]);
  });

  test("a slot", async () => {
    await sell(["1"], { showId: await givenShow(app, { slotId: 1 }) });
    await sell(["2"], { showId: await givenShow(app, { slotId: 4 }) });
    expect(await takings({ slotId: 4 })).toEqual(["Night: 2.00"]);
  });

  test("a genre, all of its name and in upper or lower case", async () => {
    await sellOfGenres(["Action", "Sci-Fi"], ["Action"], ["Science"], ["Sci-Fi Comedy"], []);
    expect(await takings({ genre: "sci-fi" })).toEqual(["Sci-Fi: 1.00"]);
    expect(await takings({ genre: "ACTION" })).toEqual(["Action: 3.00"]);
    for (const genre of ["Sci", "Sci-F_", "Sci%", "%", "Action, Sci-Fi", " Action"])
      expect(await takings({ genre })).toEqual([]);
  });

  test("a genre however it is stored, each spelling a group of its own and each booking in one of them", async () => {
    await sellOfGenres(["drama"], ["Comedy", "DRAMA", "Drama"], ["Drama"], ["Élan"]);
    expect(await takings({ genre: "Drama" })).toEqual(["DRAMA: 2.00", "Drama: 4.00", "drama: 1.00"]);
    expect((await ask({ genre: "Drama" })).all).toBe("7.00 2.33 2.00 3 3");
    expect(await takings({ genre: "éLAN" })).toEqual(["Élan: 8.00"]);
  });

  test("only what every filter does", async () => {
    const film = { title: "Ran", genres: ["Drama"] };
    const { showId, movieId } = await givenFilm(film, { slotId: 2 });
    const other = await givenFilm(film, { slotId: 3 });
    await sell(["1"], { showId, at: new Date("2026-03-01T12:00:00Z") });
    await sell(["2"], { showId, at: new Date("2026-02-01T12:00:00Z") });
    await sell(["4"], { showId: other.showId });
    const input = { month: 3, year: 2026, movieId, slotId: 2, genre: "drama" };
    expect(await takings(input)).toEqual(["March;2026;Ran;Afternoon;Drama: 1.00"]);
    expect(await takings({ ...input, slotId: 3 })).toEqual([]);
    expect(await takings({ timeframe: "monthly", movieId })).toEqual([
      "2026-02;Ran: 2.00",
      "2026-03;Ran: 1.00",
    ]);
  });
});

describe("a label", () => {
  const everything = ["timeframe", "month", "year", "movie", "slot", "genre"];

  test.each<[string[] | undefined, string]>([
    [undefined, "March;2026;Ran;Evening;Drama"],
    [[], "March;2026;Ran;Evening;Drama"],
    [everything, "March;2026;Ran;Evening;Drama"],
    [everything.toReversed(), "Drama;Evening;Ran;2026;March"],
    [["genre"], "Drama;March;2026;Ran;Evening"],
    [["slot", "year"], "Evening;2026;March;Ran;Drama"],
    [["timeframe", "movie"], "Ran;March;2026;Evening;Drama"],
  ])("in the order %j is %s", async (labelOrder, label) => {
    const { showId, movieId } = await givenFilm({ title: "Ran", genres: ["Drama"] });
    await sell(["1"], { showId });
    const input = { month: 3, year: 2026, movieId, slotId: 3, genre: "drama", labelOrder };
    expect(await labels(input)).toEqual([label]);
  });

  test("has the timeframe where the caller wants it, and groups are in the order of whole labels", async () => {
    await sell(["1"], { showId: await givenShow(app, { slotId: 4 }), at: new Date("2026-03-09T12:00:00Z") });
    await sell(["2"], { showId: await givenShow(app, { slotId: 4 }) });
    expect(await labels({ timeframe: "daily", slotId: 4 })).toEqual(["2026-03-09;Night", "2026-03-10;Night"]);
    expect(await labels({ timeframe: "daily", slotId: 4, labelOrder: ["slot"] })).toEqual([
      "Night;2026-03-09",
      "Night;2026-03-10",
    ]);
  });
});

describe("a caller", () => {
  test.each([{ month: 3 }, { year: 2026 }, { month: 3, year: 2026 }])(
    "cannot have a timeframe together with %j",
    async (filter) => {
      const { status, error } = await query(
        app,
        "admin.revenue",
        { timeframe: "daily", ...filter },
        { token },
      );
      expect(status).toBe(400);
      expect(error?.message).toBe("Some of these filters do not go together; see the reason.");
      const reason = "A timeframe cannot be combined with a month or a year: leave one of them out.";
      expect(error?.data.domain).toEqual({ code: "INVALID_PARAMS", details: { reason } });
    },
  );

  test.each<[string, object]>([
    ["month", { month: 0 }],
    ["month", { month: 13 }],
    ["month", { month: 1.5 }],
    ["year", { year: 0 }],
    ["year", { year: 10_000 }],
    ["year", { year: "2026" }],
    ["slotId", { slotId: 0 }],
    ["movieId", { movieId: "" }],
    ["movieId", { movieId: "t".repeat(31) }],
    ["genre", { genre: "" }],
    ["genre", { genre: "g".repeat(101) }],
    ["timeframe", { timeframe: "hourly" }],
    ["labelOrder", { labelOrder: ["slot", "slot"] }],
    ["labelOrder[0]", { labelOrder: ["colour"] }],
    ["month,timeframe", { month: 13, timeframe: "daily" }],
  ])("is refused with the field %s: %j", async (fields, input) => {
    const { status, error } = await query(app, "admin.revenue", input, { token });
    expect(status).toBe(400);
    expect(error?.data.domain).toEqual({ code: "VALIDATION_ERROR", details: null });
    expect(error?.data.fields?.map(({ field }) => field).join()).toBe(fields);
  });

  test.each([
    { month: 1 },
    { month: 12, year: 9_999 },
    { year: 1 },
    { movieId: "t".repeat(30), genre: "g".repeat(100), slotId: Number.MAX_SAFE_INTEGER },
    undefined,
  ])("may ask %j", async (input) => {
    expect(await query(app, "admin.revenue", input, { token })).toMatchObject({
      status: 200,
      data: { groups: [] },
    });
  });

  test("has to be an admin", async () => {
    for (const person of [await givenStaff(app.deps, "staff"), await givenCustomer(app.deps)]) {
      const answer = await query(app, "admin.revenue", {}, { token: await tokenOf(app.deps, person) });
      expect(answer.error?.data.domain).toEqual({ code: "FORBIDDEN", details: { requiredRoles: ["admin"] } });
    }
  });

  test("is answered amounts of two decimals, also such as are larger than any that may be sent", async () => {
    await app.sql.query("alter table booking drop constraint booking_rules");
    await sell(["9999999999.99", "9999999999.99", "0.5"]);
    const { text, data } = await query<Revenue>(app, "admin.revenue", {}, { token });
    expect(text).toContain('"totalRevenue":"20000000000.48","meanRevenue":"6666666666.83"');
    expect(data?.totalRevenue.toFixed()).toBe("20000000000.48");
  });
});

test("the sum is one statement, and one more where the years have to be found", async () => {
  const counted = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 1 });
  const count = (input: object) => proxy.count(() => query(counted, "admin.revenue", input, { token }));
  counted.deps.sessions.proven(Infinity);
  // Opens the one connection, and reads the session.
  await count({});
  expect(await count({})).toBe(1);
  expect(await count({ timeframe: "weekly", genre: "Drama" })).toBe(1);
  expect(await count({ month: 3, year: 2026, slotId: 1 })).toBe(1);
  expect(await count({ timeframe: "yearly" })).toBe(2);
  expect(await count({ month: 3 })).toBe(2);
});
