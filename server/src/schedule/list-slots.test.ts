import { beforeEach, describe, expect, test } from "vitest";
import { givenScreen, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { freeSlotsInput, type Slot } from "../contract/index.ts";
import { listFreeSlots } from "./list-slots.ts";

const app = await createTestApp();
const inNewYork = await createTestApp({ beside: app, settings: { cinemaTimeZone: "America/New_York" } });
const token = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));
beforeEach(() => app.clock.set(testStart));

const ask = (input?: object, on = app) => query<Slot[]>(on, "admin.slots", input, { token });
const namesOf = async (input?: object, on = app) => {
  const slots = await listFreeSlots(on.deps, freeSlotsInput.parse(input));
  return slots.map(({ name }) => name);
};

const morning = { id: 1, name: "Morning", startTime: "08:30", endTime: "11:30" };
const all = ["Morning", "Afternoon", "Evening", "Night"];

test("all slots are listed by their start", async () => {
  const { data } = await query<Slot[]>(app, "admin.allSlots", undefined, { token });
  expect(data?.map(({ name }) => name)).toEqual(all);
  expect(data?.[0]).toEqual(morning);
});

describe("the free slots of a day", () => {
  test("are all of them on a day to come", async () => {
    const { data } = await ask({ date: "2026-03-11", screenId: 1 });
    expect(data?.map(({ name }) => name)).toEqual(all);
    expect(data?.[0]).toEqual(morning);
  });

  test("are today's, and the first screen's, unless others are asked for", async () => {
    // It is noon.
    expect(await namesOf()).toEqual(["Afternoon", "Evening", "Night"]);
    await givenShow(app, { date: "2026-03-10", slotId: 3, screenId: 1 });
    expect(await namesOf()).toEqual(["Afternoon", "Night"]);
    expect((await ask()).data?.map(({ name }) => name)).toEqual(["Afternoon", "Night"]);
    expect(await namesOf({})).toEqual(["Afternoon", "Night"]);
    expect(await namesOf({ screenId: 1, date: "2026-03-10" })).toEqual(["Afternoon", "Night"]);
    expect(await namesOf({ screenId: await givenScreen(app) })).toEqual(["Afternoon", "Evening", "Night"]);
  });

  test.each([
    ["2026-03-12T02:59:59.999Z", all],
    ["2026-03-12T03:00:00.000Z", all],
    ["2026-03-12T03:00:00.001Z", ["Afternoon", "Evening", "Night"]],
    ["2026-03-12T15:00:00.000Z", ["Night"]],
    ["2026-03-12T15:00:00.001Z", []],
    // Midnight in the cinema: today is another day.
    ["2026-03-12T18:29:59.999Z", []],
    ["2026-03-12T18:30:00.000Z", all],
  ])("are those that have not begun: today at %s %j", async (now, names) => {
    app.clock.set(new Date(now));
    expect(await namesOf()).toEqual(names);
  });

  test("are in the cinema's zone", async () => {
    // Noon in Kolkata is half past two in New York's night.
    expect(await namesOf({ screenId: await givenScreen(app) }, inNewYork)).toEqual(all);
  });

  test.each(["2026-03-09", "0001-01-01"])("of %s are none", async (date) => {
    expect(await ask({ date })).toMatchObject({ status: 200, data: [] });
  });

  test("of the last day of the calendar are listed", async () => {
    expect(await namesOf({ date: "9999-12-31" }, inNewYork)).toEqual(all);
  });

  test("are not those of shows, each on its day and its screen, unless they are cancelled", async () => {
    const screenId = await givenScreen(app);
    await givenShow(app, { date: "2026-03-13", slotId: 2, screenId });
    await givenShow(app, { date: "2026-03-13", slotId: 4, screenId, cancelReason: "Rain." });
    await givenShow(app, { date: "2026-03-14", slotId: 1, screenId });
    expect(await namesOf({ date: "2026-03-13", screenId })).toEqual(["Morning", "Evening", "Night"]);
    await givenShow(app, { date: "2026-03-13", slotId: 4, screenId });
    expect(await namesOf({ date: "2026-03-13", screenId })).toEqual(["Morning", "Evening"]);
  });

  test("of a screen that there is not are none that one could ask for", async () => {
    const { status, error } = await ask({ screenId: 4_711 });
    expect([status, error?.data.domain]).toEqual([400, { code: "INVALID_SCREEN", details: null }]);
  });
});
