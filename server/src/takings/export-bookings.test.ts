import { parse } from "csv-parse/sync";
import { afterAll, describe, expect, test } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { givenBooking, givenCheckIn, givenCounterSale, givenHold } from "../../test/given-money.ts";
import { givenSales, type Sale } from "../../test/given-counter-sales.ts";
import { givenCustomer, givenShow, givenStaff } from "../../test/given.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { cancelBooking } from "../booking/cancel-booking.ts";
import { Decimal, revenueInput } from "../contract/index.ts";
import {
  exportFilename,
  exportPageSize,
  listExportPages,
  toCsvFile,
  type ExportFilter,
} from "./export-bookings.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { reportRevenue } from "./report-revenue.ts";

const home = await createTestApp();
const proxy = await startDatabaseProxy(home.databaseUrl);
afterAll(() => proxy.close());
const app = await createTestApp({ beside: home, databaseUrl: () => proxy.url });
const inZone = async (cinemaTimeZone: string) =>
  await createTestApp({ beside: home, settings: { cinemaTimeZone } });
const newYork = await inZone("America/New_York");
const stJohns = await inZone("America/St_Johns");

const columns =
  "Booking ID,Show ID,Show Date,Customer Name,Phone Number,Number of Seats,Amount Paid,Payment Type,Booking Time,Status";

/** All of an export as one text, without its byte order mark. */
async function textOf(filter: ExportFilter, on = app): Promise<string> {
  const text = Buffer.concat(await Array.fromAsync(toCsvFile(listExportPages(on.deps, filter)))).toString();
  expect(text.startsWith("\uFEFF")).toBe(true);
  return text.slice(1);
}

async function rowsOf(filter: ExportFilter, on = app): Promise<Record<string, string>[]> {
  return parse(await textOf(filter, on), { columns: true, record_delimiter: "\r\n" });
}

const idsOf = async (filter: ExportFilter, on = app) =>
  (await rowsOf(filter, on)).map((row) => Number(row["Booking ID"]));

/** What reads bookings for an export, as it went over the wire. */
const countPages = () =>
  proxy.statements().filter(({ sql }) => sql.includes("b.no_of_seats as seats")).length;

describe("a line of the export", () => {
  test("says who paid what, when and how, in the cinema's time; the columns come first", async () => {
    const customer = await givenCustomer(app.deps);
    const { bookingId, showId } = await givenBooking(app, customer, "both");
    const { bookingId: byCard, showId: otherShow } = await givenBooking(app, customer, "card");
    await givenCheckIn(app, byCard);
    const atCounter = await givenCounterSale(app, otherShow, "A9");
    const [person] = await app.sql.query("select name, number from customertable where username = $1", [
      customer.username,
    ]);
    const who = `${String(person?.["name"])},${String(person?.["number"])}`;
    expect(await textOf({ year: 2026 })).toBe(
      [
        columns,
        `${atCounter},${otherShow},2026-03-11,Walk In,9876543210,1,200.00,Cash,2026-03-10 12:00:00,Confirmed`,
        `${byCard},${otherShow},2026-03-11,${who},1,200.00,Card,2026-03-10 12:00:00,CheckedIn`,
        `${bookingId},${showId},2026-03-11,${who},1,200.00,Wallet,2026-03-10 12:00:00,Confirmed`,
        "",
      ].join("\r\n"),
    );
  });

  test("S7: has names that a spreadsheet runs as nothing, and amounts that stay numbers", async () => {
    const names = ['=HYPERLINK("http://x")', "＝1+1", '"\r\n=1,2', "\t@x", "आशा राव", "-", "O’Neil, Asha"];
    await givenSales(
      app,
      names.map((name) => ({ at: "1998-05-05 12:00Z", name, amount: "0.50" })),
    );
    const rows = await rowsOf({ year: 1998 });
    expect(rows.map((row) => row["Customer Name"]).toReversed()).toEqual([
      `'=HYPERLINK("http://x")`,
      "'＝1+1",
      "\"\r\n'=1,2",
      "'\t'@x",
      "आशा राव",
      "'-",
      "O’Neil, Asha",
    ]);
    expect(new Set(rows.map((row) => row["Amount Paid"]))).toEqual(new Set(["0.50"]));
  });
});

test("a year without bookings is the columns alone", async () => {
  expect(await textOf({ year: 1990 })).toBe(`${columns}\r\n`);
  expect(await textOf({ year: 1990, month: 2 })).toBe(`${columns}\r\n`);
});

test("a month without a year is the columns alone when nothing was ever paid", async () => {
  const empty = await createTestApp();
  expect(await textOf({ month: 2 }, empty)).toBe(`${columns}\r\n`);
  expect(await textOf({}, empty)).toBe(`${columns}\r\n`);
});

test("a month's amounts add up to its revenue: what is held, given up or given back is not there", async () => {
  app.clock.set(new Date("2027-04-15T06:30:00Z"));
  const customer = await givenCustomer(app.deps);
  const admin = await givenStaff(app.deps, "admin");
  const showId = await givenShow(app, { date: "2027-04-16", cost: "123.45" });
  const at = (seat: string) => ({ showId, seat });
  const confirmed = await givenBooking(app, customer, "card", at("A1"));
  const checkedIn = await givenBooking(app, customer, "card", at("A2"));
  await givenCheckIn(app, checkedIn.bookingId);
  const counter = await givenCounterSale(app, showId, "A3");
  const refunded = await givenBooking(app, customer, "card", at("A4"));
  await refundBooking(app.deps, admin, { bookingId: refunded.bookingId, to: "wallet", reason: "Asked for." });
  const cancelled = await givenHold(app, customer, at("A5"));
  await cancelBooking(app.deps, customer, cancelled);
  await givenHold(app, customer, at("A6"));

  const rows = await rowsOf({ month: 4, year: 2027 });
  expect(rows.map((row) => [Number(row["Booking ID"]), row["Status"]])).toEqual([
    [counter, "Confirmed"],
    [checkedIn.bookingId, "CheckedIn"],
    [confirmed.bookingId, "Confirmed"],
  ]);
  expect(sumOf(rows)).toBe("370.35");
  expect(await revenueOf({ month: 4, year: 2027 })).toBe("370.35");
  app.clock.set(testStart);
});

function sumOf(rows: Record<string, string>[]): string {
  return rows.reduce((total, row) => total.plus(row["Amount Paid"] ?? ""), new Decimal(0)).toFixed(2);
}

async function revenueOf(filter: { month: number; year: number }, on = app): Promise<string> {
  return (await reportRevenue(on.deps, revenueInput.parse(filter))).totalRevenue.toFixed(2);
}

describe("a filter goes by the booking time in the cinema's zone", () => {
  const times = [
    "2020-12-31 23:59:59.999999+05:30",
    "2021-01-01 00:00+05:30",
    "2021-03-31 23:59:59.999999+05:30",
    "2021-04-01 00:00+05:30",
    "2021-04-30 23:59:59.999999+05:30",
    "2021-05-01 00:00+05:30",
    "2021-12-31 23:59:59.999999+05:30",
    "2022-01-01 00:00+05:30",
    "2022-04-30 23:59:59.999999+05:30",
  ];
  const newestFirst = (ids: number[], indexes: number[]) => indexes.map((index) => ids[index]).toReversed();

  test("from the first microsecond of a month or a year to its last", async () => {
    const ids = await givenSales(
      app,
      times.map((at) => ({ at })),
    );
    expect(await idsOf({ month: 4, year: 2021 })).toEqual(newestFirst(ids, [3, 4]));
    expect(await idsOf({ month: 3, year: 2021 })).toEqual(newestFirst(ids, [2]));
    expect(await idsOf({ month: 12, year: 2020 })).toEqual(newestFirst(ids, [0]));
    expect(await idsOf({ year: 2021 })).toEqual(newestFirst(ids, [1, 2, 3, 4, 5, 6]));
    expect(await idsOf({ year: 2022 })).toEqual(newestFirst(ids, [7, 8]));
  });

  test("and a month without a year is that month of every year", async () => {
    const ids = await givenSales(
      app,
      ["1976-08-01 00:00+05:30", "1979-08-31 23:59:59.999999+05:30", "1979-09-01 00:00+05:30"].map((at) => ({
        at,
      })),
    );
    const others = await givenSales(app, [{ at: "2031-08-01 00:00+05:30" }]);
    expect(await idsOf({ month: 8 })).toEqual([...others, ids[1], ids[0]]);
  });

  test("with the hour that a clock change takes away or gives", async () => {
    // New York was at -5 until 2012-03-11 and from 2012-11-04 on, at -4 in between.
    const ids = await givenSales(
      app,
      [
        "2012-03-01 04:59:59.999999Z",
        "2012-03-01 05:00Z",
        "2012-04-01 03:59:59.999999Z",
        "2012-04-01 04:00Z",
        "2012-11-01 03:59:59.999999Z",
        "2012-11-01 04:00Z",
        "2012-12-01 04:59:59.999999Z",
        "2012-12-01 05:00Z",
      ].map((at) => ({ at })),
    );
    expect(await idsOf({ month: 3, year: 2012 }, newYork)).toEqual(newestFirst(ids, [1, 2]));
    expect(await idsOf({ month: 11, year: 2012 }, newYork)).toEqual(newestFirst(ids, [5, 6]));
    const [row] = await rowsOf({ month: 3, year: 2012 }, newYork);
    expect(row?.["Booking Time"]).toBe("2012-03-31 23:59:59");
  });

  test("from the instant at which the revenue's month begins, also where a clock change then brings the last hour of the month before back", async () => {
    // St. John's went from 00:01 on 2009-11-01 (-2:30) back to 23:01 on 2009-10-31 (-3:30).
    const ids = await givenSales(
      app,
      [
        "2009-11-01 02:29:59.999999Z",
        "2009-11-01 02:30Z",
        "2009-11-01 02:31Z",
        "2009-11-01 03:29:59Z",
        "2009-11-01 03:30Z",
      ].map((at) => ({
        at,
      })),
    );
    const [october, november] = [10, 11].map((month) => ({ month, year: 2009 }));
    const rows = await rowsOf(november!, stJohns);
    expect(rows.map((row) => [Number(row["Booking ID"]), row["Booking Time"]])).toEqual([
      [ids[4], "2009-11-01 00:00:00"],
      [ids[3], "2009-10-31 23:59:59"],
      [ids[2], "2009-10-31 23:01:00"],
      [ids[1], "2009-11-01 00:00:00"],
    ]);
    expect(sumOf(rows)).toBe(await revenueOf(november!, stJohns));
    expect(await idsOf(october!, stJohns)).toEqual([ids[0]]);
  });
});

describe("pages", () => {
  const many = (count: number, at: (index: number) => string): Sale[] =>
    Array.from({ length: count }, (_, index) => ({ at: at(index) }));
  const secondsOf = (year: number) => (index: number) =>
    `${year}-06-01 ${new Date(index * 1_000).toISOString().slice(11, 19)}Z`;

  test.each([
    [1, 1951, 1],
    [exportPageSize - 1, 1952, 1],
    [exportPageSize, 1953, 2],
    [exportPageSize + 1, 1954, 2],
    [2 * exportPageSize, 1955, 3],
    [2 * exportPageSize + 1, 1956, 3],
  ])("of %i bookings in all have each of them once, newest first", async (count, year, statements) => {
    const ids = await givenSales(app, many(count, secondsOf(year)));
    const before = countPages();
    expect(await idsOf({ year })).toEqual(ids.toReversed());
    expect(countPages() - before).toBe(statements);
  });

  test("part between bookings of the same time, or of a microsecond's difference, without losing one", async () => {
    const same = await givenSales(
      app,
      many(2 * exportPageSize + 1, () => "1961-06-01 10:00:00.000001Z"),
    );
    const older = await givenSales(
      app,
      many(1, () => "1961-06-01 10:00:00Z"),
    );
    const newer = await givenSales(
      app,
      many(exportPageSize - 1, () => "1961-06-01 10:00:00.000002Z"),
    );
    expect(await idsOf({ year: 1961 })).toEqual([...newer.toReversed(), ...same.toReversed(), ...older]);
  });

  test("of the months of several years follow each other", async () => {
    const first = await givenSales(
      app,
      many(exportPageSize + 1, (index) => `1971-02-01 ${secondsOf(1971)(index).slice(11)}`),
    );
    const second = await givenSales(
      app,
      many(exportPageSize, (index) => `1972-02-01 ${secondsOf(1972)(index).slice(11)}`),
    );
    expect(await idsOf({ month: 2 })).toEqual([...second.toReversed(), ...first.toReversed()]);
  });

  test("have what was there before the export began, whatever is sold or refunded meanwhile", async () => {
    const ids = await givenSales(app, many(2 * exportPageSize, secondsOf(1981)));
    const pages = listExportPages(app.deps, { year: 1981 });
    const first = (await pages.next()).value ?? [];
    await givenSales(app, [{ at: "1981-12-01 00:00Z" }, { at: "1981-12-01 00:00Z" }]);
    const last = [first.at(-1)?.bookingId];
    await app.sql.query("update booking set status = 'Refunded', ended_at = now() where id = $1", last);
    const rows = [first, ...(await Array.fromAsync(pages))].flat();
    await app.sql.query("update booking set status = 'Confirmed', ended_at = null where id = $1", last);
    expect(rows.map(({ bookingId }) => bookingId)).toEqual(ids.toReversed());
  });

  test("are read one at a time when they are asked for, and nothing is held open in between", async () => {
    await givenSales(app, many(3 * exportPageSize, secondsOf(1991)));
    const before = countPages();
    const pages = listExportPages(app.deps, { year: 1991 });
    for (const read of [1, 2, 3]) {
      await pages.next();
      expect(countPages() - before).toBe(read);
      const busy = await app.sql.query(
        "select state, query from pg_stat_activity where datname = current_database() and application_name = 'skyfox' and (xact_start is not null or state <> 'idle')",
      );
      expect(busy).toEqual([]);
    }
    await pages.return();
    expect(countPages() - before).toBe(3);
  });
});

test.each([
  [{}, "bookings.csv"],
  [{ month: 4 }, "bookings_April.csv"],
  [{ year: 2025 }, "bookings_2025.csv"],
  [{ month: 4, year: 2025 }, "bookings_April_2025.csv"],
  [{ month: 1, year: 1000 }, "bookings_January_1000.csv"],
  [{ month: 12 }, "bookings_December.csv"],
] as const)("the file of %j is named %s", (filter, name) => {
  expect(exportFilename(filter, "csv")).toBe(name);
  expect(exportFilename(filter, "xlsx")).toBe(name.replace(/csv$/, "xlsx"));
});

// The last one, since others list the months of every year.
test.each(["Asia/Kolkata", "America/New_York", "Pacific/Apia", "UTC"])(
  "every month's amounts add up to its revenue, to the second at which it begins in %s",
  async (cinemaTimeZone) => {
    const server = await inZone(cinemaTimeZone);
    const months = Array.from({ length: 12 }, (_, index) => index + 1);
    const begins = months.map(
      (month) =>
        Temporal.PlainDate.from({ year: 2029, month, day: 1 }).toZonedDateTime(cinemaTimeZone)
          .epochMilliseconds,
    );
    const sales = begins.flatMap((begin, index) =>
      [-1, 0, 1].map((ms) => ({
        at: new Date(begin + ms).toISOString(),
        amount: `${2 ** index}.0${ms + 1}`,
      })),
    );
    await givenSales(server, sales);
    for (const month of months) {
      const filter = { month, year: 2029 };
      const sum = sumOf(await rowsOf(filter, server));
      expect([month, sum]).not.toEqual([month, "0.00"]);
      expect([month, sum]).toEqual([month, await revenueOf(filter, server)]);
    }
  },
);
