import { describe, expect, test } from "vitest";
import { givenBooking, givenFunds } from "../../test/given-money.ts";
import { givenCustomer, givenStaff, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { codeOf, outcomesOf, refusalOf, together } from "../../test/together.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import {
  Decimal,
  type CreateScreenInput,
  type Hold,
  type Screen,
  type SeatMap,
  type Show,
} from "../contract/index.ts";
import { createScreen } from "./create-screen.ts";
import { scheduleShow } from "./schedule-show.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps } = app;
const admin = await givenStaff(deps, "admin");
const token = await tokenOf(deps, admin);

type Row = CreateScreenInput["rows"][number];

const rowOf = (row: string, numbers: number[], type: "Standard" | "Deluxe" = "Standard"): Row => ({
  row,
  seats: numbers.map((number) => ({ number, type })),
});
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
/** A, B … Z, AA, AB … as many as asked for. */
const labels = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const letter = String.fromCharCode(65 + (index % 26));
    return index < 26 ? letter : `${String.fromCharCode(64 + Math.floor(index / 26))}${letter}`;
  });

const small = [rowOf("A", [1])];
let screens = 0;
const newName = () => `Hall ${(screens += 1)}`;
const create = (input: object) => mutate<Screen>(app, "admin.createScreen", input, { token });
const listScreens = async () => (await query<Screen[]>(app, "admin.screens", undefined, { token })).data;

describe("a screen", () => {
  test("is there from the start", async () => {
    expect((await listScreens())?.[0]).toEqual({ id: 1, name: "Screen 1", capacity: 100 });
  });

  test("is added with a layout of its own, and is listed after the others", async () => {
    const name = newName();
    const rows = [rowOf("A", [1, 2, 5]), rowOf("B", [3], "Deluxe")];
    const { status, data } = await create({ name, rows });
    expect([status, data]).toEqual([200, { id: data?.id, name, capacity: 4 }]);
    expect((await listScreens())?.at(-1)).toEqual(data);
    expect(
      await app.sql.query("select actor, action from audit_entry where details ->> 'screenId' = $1", [
        String(data?.id),
      ]),
    ).toEqual([{ actor: admin.username, action: "screen-created" }]);
  });

  test("of odd rows is sold like any other: every seat is free, held or sold, and priced by its type", async () => {
    // Two letters, a gap in the middle, rows of one seat; named in no order.
    const rows = [
      rowOf("AA", [1, 99], "Deluxe"),
      { row: "B", seats: [...rowOf("B", [10, 2]).seats, ...rowOf("B", [9], "Deluxe").seats] },
      rowOf("A", [4]),
    ];
    const { id: screenId, capacity } = await createScreen(deps, admin, { name: newName(), rows });
    const show = await scheduleShow(deps, admin, {
      movieId: "tt1375666",
      date: "2026-03-11",
      slotId: 3,
      cost: new Decimal("200"),
      screenId,
    });
    expect([capacity, show.availableSeats]).toEqual([6, 6]);

    const customer = await givenCustomer(deps);
    const as = { token: await tokenOf(deps, customer) };
    const wanted = { showId: show.id, seatNumbers: ["AA99", "B2"] };
    const { data: hold } = await mutate<Hold>(app, "booking.initialize", wanted, as);
    expect(hold?.seatNumbers).toEqual(["B2", "AA99"]);
    expect(hold?.amountDue.toFixed(2)).toBe("550.00");
    await givenFunds(app, customer, "350");
    await givenBooking(app, customer, "card", { showId: show.id, seat: "B9" });

    const { data: map } = await query<SeatMap>(app, "show.seatMap", { showId: show.id }, as);
    expect(
      map?.rows.map(({ row, seats }) => [
        row,
        ...seats.map(({ seatNumber, column, type, status }) => `${seatNumber} ${column} ${type} ${status}`),
      ]),
    ).toEqual([
      ["A", "A4 4 Standard free"],
      ["B", "B2 2 Standard held", "B9 9 Deluxe sold", "B10 10 Standard free"],
      ["AA", "AA1 1 Deluxe free", "AA99 99 Deluxe held"],
    ]);
    const statuses = map!.rows.flatMap(({ seats }) => seats.map(({ status }) => status));
    const count = (status: string) => statuses.filter((one) => one === status).length;
    expect(count("free") + count("held") + count("sold")).toBe(capacity);
    const { data: seen } = await query<Show>(app, "show.byId", { showId: show.id }, as);
    expect(seen?.availableSeats).toBe(count("free"));

    // Seats of the first screen are none of this one.
    for (const seat of ["A1", "B1", "J10", "AA2"])
      expect(await refusalOf(holdSeats(deps, customer, { showId: show.id, seatNumbers: [seat] }))).toBe(
        "INVALID_SEAT",
      );
  });
});

describe("a screen's name", () => {
  test("is kept with single spaces", async () => {
    const { data } = await create({ name: "  The\t Blue \u00a0 Room ", rows: small });
    expect(data?.name).toBe("The Blue Room");
  });

  test.each(["screen 1", " SCREEN  1 ", "Screen 1"])("'%s' is another screen's", async (name) => {
    const { status, error } = await create({ name, rows: small });
    expect([status, error?.data.domain]).toEqual([409, { code: "SCREEN_NAME_EXISTS", details: null }]);
  });

  test("is compared whatever the case and the form of its letters, in every script", async () => {
    await createScreen(deps, admin, { name: "Élysée", rows: small });
    expect(codeOf((await create({ name: "éLYSÉE", rows: small })).error?.data.domain)).toMatchObject({
      code: "SCREEN_NAME_EXISTS",
    });
    expect(codeOf((await create({ name: "E\u0301lysée", rows: small })).error?.data.domain)).toMatchObject({
      code: "SCREEN_NAME_EXISTS",
    });
  });

  test.each([
    ["🎬", 200],
    ["x".repeat(50), 200],
    ["🎬".repeat(50), 200],
    ["x".repeat(51), 400],
    ["", 400],
    ["  ", 400],
    ["a\u0007b", 400],
    ["\u200b", 400],
    ["Screen\u200b 9", 400],
    ["Screen\u200d 9", 400],
    ["\u202eScreen", 400],
    ["\u3164", 400],
    ["\u0301\u0301", 400],
    ["!", 200],
    ["नमस्ते क्\u200dष", 200],
  ])("'%s' is answered with %i", async (name, expected) => {
    const { status, error } = await create({ name, rows: small });
    expect([status, error?.data.fields?.map(({ field }) => field)]).toEqual([
      expected,
      expected === 200 ? undefined : ["name"],
    ]);
  });

  test("has one winner of ten who want it at once, and no seats are left of the others", async () => {
    const name = newName();
    const { won, lost } = outcomesOf(
      await together(
        Array.from({ length: 10 }, () => () => createScreen(deps, admin, { name, rows: small })),
      ),
    );
    expect(won).toHaveLength(1);
    expect(lost).toEqual(Array.from({ length: 9 }, () => "SCREEN_NAME_EXISTS"));
    expect(await app.sql.query("select id from screen where name = $1", [name])).toHaveLength(1);
  });
});

describe("a layout", () => {
  const fifty = upTo(50).map((number) => number + 49);

  test.each([
    ["of one seat", small, 1],
    ["with the highest number and the last row", [rowOf("ZZ", [99])], 1],
    ["of a full row", [rowOf("A", upTo(60))], 60],
    ["of a full row whose first numbers are missing", [rowOf("A", fifty)], 50],
    ["of as many rows as there may be", labels(52).map((row) => rowOf(row, [1])), 52],
    ["of as many seats as there may be", labels(50).map((row) => rowOf(row, upTo(20))), 1_000],
  ])("%s is built", async (_what, rows, capacity) => {
    const { status, data } = await create({ name: newName(), rows });
    expect([status, data?.capacity]).toEqual([200, capacity]);
  });

  test.each([
    ["of no row", [], ["rows"]],
    ["of 53 rows", labels(53).map((row) => rowOf(row, [1])), ["rows"]],
    ["of 1,001 seats", [...labels(50).map((row) => rowOf(row, upTo(20))), rowOf("ZZ", [1])], ["rows"]],
    ["with a row of no seats", [rowOf("A", [])], ["rows[0].seats"]],
    ["with a row of 61 seats", [rowOf("A", upTo(61))], ["rows[0].seats"]],
    ["with a seat 0", [rowOf("A", [0])], ["rows[0].seats[0].number"]],
    ["with a seat 100", [rowOf("A", [1, 100])], ["rows[0].seats[1].number"]],
    ["with half a seat", [rowOf("A", [1.5])], ["rows[0].seats[0].number"]],
    ["with a row twice", [rowOf("A", [1]), rowOf("B", [1]), rowOf("A", [2])], ["rows[2].row"]],
    ["with a seat twice", [rowOf("A", [1, 2, 1])], ["rows[0].seats[2].number"]],
    ["with a row in small letters", [rowOf("a", [1])], ["rows[0].row"]],
    ["with a row of three letters", [rowOf("AAA", [1])], ["rows[0].row"]],
    ["with a row without a letter", [rowOf("", [1])], ["rows[0].row"]],
    ["with a row in another script", [rowOf("Б", [1])], ["rows[0].row"]],
    [
      "with a seat of no type",
      [{ row: "A", seats: [{ number: 1, type: "Sofa" }] }],
      ["rows[0].seats[0].type"],
    ],
    [
      "with a price",
      [{ row: "A", seats: [{ number: 1, type: "Deluxe", price: 1 }] }],
      ["rows[0].seats[0].price"],
    ],
  ])("%s is refused, and where is said", async (_what, rows, fields) => {
    const { status, error } = await create({ name: newName(), rows });
    expect([status, error?.data.domain?.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect(error?.data.fields?.map(({ field }) => field)).toEqual(fields);
  });
});
