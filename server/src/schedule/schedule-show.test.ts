import { beforeEach, describe, expect, test } from "vitest";
import { films } from "../../../scripts/sandbox/films.ts";
import { givenCustomer, givenScreen, givenStaff, tokenOf } from "../../test/given.ts";
import { problemOf } from "../../test/given-money.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart, type TestApp } from "../../test/test-app.ts";
import { codeOf, outcomesOf, refusalOf, together } from "../../test/together.ts";
import { until } from "../../test/until.ts";
import { Decimal, type CreateShowInput, type ScheduledShow, type Show } from "../contract/index.ts";
import { cancelShow } from "../booking/cancel-show.ts";
import { listFreeSlots } from "./list-slots.ts";
import { scheduleShow } from "./schedule-show.ts";

const app = await createTestApp({ maxConnections: 20 });
const neighbour = await createTestApp({ beside: app, maxConnections: 20 });
const inNewYork = await createTestApp({ beside: app, settings: { cinemaTimeZone: "America/New_York" } });
const { deps, clock, movieService } = app;
const admin = await givenStaff(deps, "admin");
const token = await tokenOf(deps, admin);

const inception = "tt1375666";
const sholay = "tt0073707";

beforeEach(() => {
  clock.set(testStart);
  movieService.mend();
});

/** A show of Inception tomorrow afternoon for 200.00, on a screen of its own. */
async function aShow(change: Partial<CreateShowInput> = {}): Promise<CreateShowInput> {
  const screenId = change.screenId ?? (await givenScreen(app));
  return { movieId: inception, date: "2026-03-11", slotId: 2, cost: new Decimal("200"), ...change, screenId };
}

const schedule = async (change?: Partial<CreateShowInput>, on: TestApp = app) =>
  await scheduleShow(on.deps, admin, await aShow(change));

const send = async (input: object, key?: string) =>
  await mutate<ScheduledShow>(app, "admin.createShow", input, {
    token,
    ...(key !== undefined && { headers: { "idempotency-key": key } }),
  });

/** Starts all of these, and lets none add its show before another one has also found that it is free. */
async function race(tasks: (() => Promise<ScheduledShow>)[]) {
  await app.sql.query("begin; lock table show in share mode");
  const settling = together(tasks);
  await until(
    app.sql,
    "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' having count(*) >= 2",
  );
  await app.sql.query("commit");
  return outcomesOf(await settling);
}

async function givenSlot(name: string, start: string, end: string): Promise<number> {
  const [slot] = await app.sql.query(
    "insert into slot (name, start_time, end_time) values ($1, $2, $3) returning id",
    [name, start, end],
  );
  return slot?.["id"] as number;
}

describe("a scheduled show", () => {
  test("is answered as customers will see it, with its film, and without warnings", async () => {
    const input = await aShow({ cost: new Decimal("199.90") });
    const { status, data } = await send(input);
    expect(status).toBe(200);
    const { warnings, ...show } = data!;
    expect(warnings).toEqual([]);
    expect(show).toMatchObject({
      screen: { id: input.screenId },
      movie: {
        movieId: inception,
        title: "Inception",
        runtimeMinutes: 148,
        imdbRating: "8.8",
        genres: ["Action", "Adventure", "Sci-Fi"],
      },
      slot: { id: 2, name: "Afternoon", startTime: "12:30", endTime: "15:30" },
      date: "2026-03-11",
      startsAt: new Date("2026-03-11T07:00:00Z"),
      endsAt: new Date("2026-03-11T10:00:00Z"),
      cost: new Decimal("199.90"),
      availableSeats: 100,
      cancelledAt: null,
    });
    const customer = await tokenOf(deps, await givenCustomer(deps));
    const { data: listed } = await query<Show[]>(
      app,
      "show.list",
      { date: "2026-03-11" },
      { token: customer },
    );
    expect(listed?.find(({ id }) => id === show.id)).toEqual(show);
  });

  test("is in the audit, by whom and which", async () => {
    const { id } = await schedule();
    expect(
      await app.sql.query("select actor, action from audit_entry where details ->> 'showId' = $1", [
        String(id),
      ]),
    ).toEqual([{ actor: admin.username, action: "show-scheduled" }]);
  });

  test("is on the first screen unless another one is named", async () => {
    const { screenId: _, ...input } = await aShow({ date: "2026-03-20" });
    expect((await send(input)).data?.screen).toEqual({ id: 1, name: "Screen 1" });
  });

  test("is the admin's to make", async () => {
    for (const who of [await givenCustomer(deps), await givenStaff(deps, "staff")]) {
      const as = { token: await tokenOf(deps, who) };
      for (const path of ["admin.movies", "admin.slots", "admin.allSlots", "admin.screens"])
        expect((await query(app, path, undefined, as)).error?.data.domain?.code).toBe("FORBIDDEN");
      for (const path of ["admin.createShow", "admin.createScreen"])
        expect((await mutate(app, path, {}, as)).error?.data.domain?.code).toBe("FORBIDDEN");
    }
  });
});

describe("the cost", () => {
  test.each(["0.01", "150.00", "2999.99", "3000", "3000.00"])("may be %s", async (cost) => {
    const { status, data } = await send(await aShow({ cost: new Decimal(cost) }));
    expect([status, data?.cost.toFixed(2)]).toEqual([200, new Decimal(cost).toFixed(2)]);
  });

  test.each(["0", "0.00", "-0.01", "-200", "3000.01", "9999999999.99"])("may not be %s", async (cost) => {
    const { status, error } = await send(await aShow({ cost: new Decimal(cost) }));
    const domain = { code: "INVALID_COST", details: { max: new Decimal("3000.00") } };
    expect([status, error?.data.domain]).toEqual([400, domain]);
  });

  test("may be text, without a word on its type", async () => {
    const { status, data } = await send({ ...(await aShow()), cost: "199.5" });
    expect([status, data?.cost]).toEqual([200, new Decimal("199.50")]);
  });

  test.each([200, "200.001", null, undefined])("is a Decimal or its text, not %j", async (cost) => {
    const { status, error } = await send({ ...(await aShow()), cost });
    expect([status, error?.data.domain?.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect(error?.data.fields?.map(({ field }) => field)).toEqual(["cost"]);
  });
});

describe("what there is not", () => {
  test.each([
    [{ slotId: 4_711 }, "INVALID_SLOT"],
    [{ screenId: 4_711 }, "INVALID_SCREEN"],
    [{ movieId: "tt0000000" }, "INVALID_MOVIE"],
    [{ movieId: "Inception" }, "INVALID_MOVIE"],
    [{ movieId: "" }, "INVALID_MOVIE"],
    [{ movieId: "../movies" }, "INVALID_MOVIE"],
  ])("%j is refused as %s", async (change, code) => {
    const { status, error } = await send(await aShow(change));
    expect([status, error?.data.domain]).toEqual([400, { code, details: null }]);
  });

  test.each([
    [{ date: "2026-02-30" }, "date"],
    [{ date: "11.03.2026" }, "date"],
    [{ slotId: 0 }, "slotId"],
    [{ screenId: -1 }, "screenId"],
    [{ movieId: 1375666 }, "movieId"],
  ])("%j is no form of it", async (change, field) => {
    const { status, error } = await send({ ...(await aShow()), ...change });
    expect([status, error?.data.fields?.map((one) => one.field)]).toEqual([400, [field]]);
  });
});

describe("the past", () => {
  const startsAt = new Date("2026-03-11T07:00:00Z").getTime();

  test.each([
    [-1, "accepted"],
    [0, "accepted"],
    [1, "PAST_DATETIME"],
  ])("begins after the very start: %i ms from it is %s", async (ms, expected) => {
    clock.set(new Date(startsAt + ms));
    expect(await refusalOf(schedule())).toBe(expected);
  });

  test.each(["2026-03-09", "2020-02-29", "0001-01-01"])("is %s", async (date) => {
    const { status, error } = await send(await aShow({ date }));
    expect([status, error?.data.domain]).toEqual([400, { code: "PAST_DATETIME", details: null }]);
  });

  test("is by the cinema's clock, wherever the server is", async () => {
    // Half past twelve has gone by in Kolkata, and is to come in New York.
    clock.set(new Date("2026-03-11T07:00:01Z"));
    expect(await refusalOf(schedule())).toBe("PAST_DATETIME");
    expect((await schedule({}, inNewYork)).startsAt).toEqual(new Date("2026-03-11T16:30:00Z"));
  });

  test("ends where the calendar does", async () => {
    const slotId = await givenSlot("Last", "23:45", "02:00");
    const { startsAt: starts, endsAt } = await schedule({ date: "9999-12-31", slotId });
    expect([starts.toISOString(), endsAt.toISOString()]).toEqual([
      "9999-12-31T18:15:00.000Z",
      "9999-12-31T20:30:00.000Z",
    ]);
    const inAWeek = await schedule({ date: "9999-12-31", slotId }, inNewYork);
    expect(inAWeek.endsAt.toISOString()).toBe("+010000-01-01T07:00:00.000Z");
  });
});

describe("a film and its slot", () => {
  test.each([
    ["tt0066763", "179 min", []],
    ["tt0048473", "180 min", []],
    [sholay, "181 min", ["Sholay runs for 181 minutes, but this slot has only 180."]],
  ])("%s of %s: warnings %j, and it is scheduled", async (movieId, Runtime, warnings) => {
    movieService.change(movieId, { Runtime });
    expect((await schedule({ movieId })).warnings).toEqual(warnings);
  });

  test("whose length is unknown is for the cinema to check", async () => {
    movieService.change("tt0112870", { Runtime: "N/A", imdbRating: "N/A" });
    const { warnings, movie } = await schedule({ movieId: "tt0112870" });
    expect(warnings).toEqual([
      `The running time of ${movie.title} is unknown; make sure that 180 minutes are enough.`,
    ]);
    expect(movie).toMatchObject({ runtimeMinutes: 0, imdbRating: null });
  });

  test("where a night is an hour shorter: counted by real minutes", async () => {
    const slotId = await givenSlot("Small hours", "00:30", "03:30");
    const night = await schedule({ date: "2026-03-08", slotId }, atNewYork("2026-03-07T12:00:00Z"));
    expect(night.warnings).toEqual(["Inception runs for 148 minutes, but this slot has only 120."]);
  });

  test("where a slot's start is skipped and its end is not: it keeps its length", async () => {
    const slotId = await givenSlot("Skipped", "02:15", "03:10");
    const show = await schedule({ date: "2026-03-08", slotId }, atNewYork("2026-03-07T12:00:00Z"));
    expect(show.endsAt.getTime() - show.startsAt.getTime()).toBe(55 * 60_000);
  });

  function atNewYork(now: string): TestApp {
    clock.set(new Date(now));
    return inNewYork;
  }
});

describe("a slot of a screen", () => {
  test("has one winner of ten who want it at once, on two servers; the others' films are not even kept", async () => {
    const screenId = await givenScreen(app);
    const ids = films.slice(6, 16).map(({ imdbId }) => imdbId);
    const kept = "select movie_id from movie where movie_id = any($1)";
    expect(await app.sql.query(kept, [ids])).toEqual([]);
    const { won, lost } = await race(
      ids.map((movieId, index) => () => schedule({ movieId, screenId }, index % 2 === 0 ? app : neighbour)),
    );
    expect(won).toHaveLength(1);
    expect(lost).toEqual(Array.from({ length: 9 }, () => "SLOT_NOT_AVAILABLE"));
    expect(await app.sql.query("select movie_id from show where screen_id = $1", [screenId])).toEqual([
      { movie_id: won[0]?.movie.movieId },
    ]);
    expect(await app.sql.query(kept, [ids])).toHaveLength(1);
  });

  test("that is taken is a conflict", async () => {
    const input = await aShow();
    await send(input);
    const { status, error } = await send({ ...input, movieId: sholay, cost: new Decimal("1") });
    expect([status, error?.data.domain]).toEqual([409, { code: "SLOT_NOT_AVAILABLE", details: null }]);
  });

  test("is free on another day, in another slot and on another screen", async () => {
    const { screenId } = await aShow();
    await schedule({ screenId });
    for (const change of [{ screenId, date: "2026-03-12" }, { screenId, slotId: 3 }, {}])
      expect(await refusalOf(schedule(change))).toBe("accepted");
  });

  test("is free again once its show is cancelled, for one show", async () => {
    const { screenId } = await aShow();
    const { id } = await schedule({ screenId });
    await cancelShow(deps, admin, { showId: id, reason: "The projector is broken." });
    await schedule({ screenId });
    expect(await refusalOf(schedule({ screenId }))).toBe("SLOT_NOT_AVAILABLE");
  });

  test("a screen shows one film at a time, also from one day into the next", async () => {
    const late = await givenSlot("Late", "23:00", "01:30");
    const overlapping = await givenSlot("Past midnight", "01:29", "03:00");
    const touching = await givenSlot("Half past one", "01:30", "04:00");
    const { screenId } = await aShow();
    await schedule({ screenId, slotId: late });
    const next = { screenId, date: "2026-03-12" };
    expect(await refusalOf(schedule({ ...next, slotId: overlapping }))).toBe("SLOT_NOT_AVAILABLE");
    expect((await listFreeSlots(deps, next)).map(({ name }) => name)).not.toContain("Past midnight");
    await schedule({ ...next, slotId: touching });
    // And the other way round: what comes first is scheduled last.
    const other = await aShow();
    await schedule({ screenId: other.screenId, date: "2026-03-12", slotId: overlapping });
    expect(await refusalOf(schedule({ screenId: other.screenId, slotId: late }))).toBe("SLOT_NOT_AVAILABLE");
  });

  test("of two that overlap and are wanted at once, one is scheduled", async () => {
    const late = await givenSlot("Very late", "23:30", "02:00");
    const early = await givenSlot("Very early", "01:00", "03:00");
    for (let round = 0; round < 5; round += 1) {
      const { screenId } = await aShow();
      const { won, lost } = await race([
        () => schedule({ screenId, slotId: late }),
        () => schedule({ screenId, slotId: early, date: "2026-03-12", movieId: sholay }, neighbour),
      ]);
      expect([won.length, lost]).toEqual([1, ["SLOT_NOT_AVAILABLE"]]);
    }
  });

  test("where an older system let shows overlap, nothing more is put over them", async () => {
    const { id, screen } = await schedule();
    await app.sql.query("update show set shares_screen = true where id = $1", [id]);
    const over = await givenSlot("Over it", "15:29", "17:00");
    expect(await refusalOf(schedule({ screenId: screen.id, slotId: over }))).toBe("SLOT_NOT_AVAILABLE");
    expect(await refusalOf(schedule({ screenId: screen.id }))).toBe("SLOT_NOT_AVAILABLE");
  });
});

describe("the movie service", () => {
  test("that is down makes no film invalid: a film that it has never returned cannot be scheduled", async () => {
    const restarted = await createTestApp({ beside: app });
    await schedule();
    movieService.breakDown("unavailable");
    const { screenId } = await aShow();
    // Also of a film that was shown before: what was copied then may be wrong by now.
    expect(await problemOf(schedule({ screenId }, restarted))).toEqual({
      code: "MOVIE_SERVICE_UNAVAILABLE",
      details: null,
    });
    expect(await app.sql.query("select from show where screen_id = $1", [screenId])).toEqual([]);
    movieService.mend();
    await schedule({ screenId }, restarted);
  });

  test("that is down is not asked about what can be refused without it", async () => {
    const restarted = await createTestApp({ beside: app });
    movieService.breakDown("reset");
    expect(await refusalOf(schedule({ slotId: 4_711 }, restarted))).toBe("INVALID_SLOT");
    expect(await refusalOf(schedule({ date: "2026-03-09" }, restarted))).toBe("PAST_DATETIME");
    expect(await refusalOf(schedule({ movieId: "Inception" }, restarted))).toBe("INVALID_MOVIE");
  });

  test("has returned a film before: that answer is used while it is down", async () => {
    await schedule();
    clock.advance(24 * 3_600_000);
    movieService.breakDown("unavailable");
    expect((await schedule({ date: "2026-03-13" })).movie.title).toBe("Inception");
  });

  test("is asked before the transaction, which waits for no service", async () => {
    const restarted = await createTestApp({ beside: app });
    movieService.script("silent");
    const arrived = movieService.waitForCall();
    const scheduling = schedule({}, restarted);
    await arrived;
    expect(
      await app.sql.query(
        "select query from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
      ),
    ).toEqual([]);
    movieService.release();
    await scheduling;
  });

  test("may take its time: a slot that has begun meanwhile is past", async () => {
    const restarted = await createTestApp({ beside: app });
    clock.set(new Date("2026-03-11T06:59:59Z"));
    movieService.script("silent");
    const arrived = movieService.waitForCall();
    const scheduling = refusalOf(schedule({}, restarted));
    await arrived;
    clock.set(new Date("2026-03-11T07:00:01Z"));
    movieService.release();
    expect(await scheduling).toBe("PAST_DATETIME");
  });

  test("may list less of a film than before: what is known of it stays", async () => {
    const movieId = "tt0040522";
    const { runtimeMinutes, genres } = (await schedule({ movieId })).movie;
    clock.advance(600_000);
    movieService.change(movieId, { Runtime: "N/A", Genre: "N/A" });
    expect((await schedule({ movieId })).movie).toMatchObject({ runtimeMinutes, genres });
  });

  test("tells the newest of a film when it is scheduled again, and nothing older is put over it", async () => {
    const movieId = "tt0066763";
    const plotOf = async () =>
      (await app.sql.query("select plot from movie where movie_id = $1", [movieId]))[0]?.["plot"];
    await schedule({ movieId });
    movieService.change(movieId, { Plot: "A newer plot." });
    await schedule({ movieId });
    expect(await plotOf()).not.toBe("A newer plot.");
    clock.advance(600_000);
    await schedule({ movieId });
    expect(await plotOf()).toBe("A newer plot.");
    await app.sql.query(
      "update movie set plot = 'From another server.', refreshed_at = $2 where movie_id = $1",
      [movieId, new Date(clock.now().getTime() + 1)],
    );
    expect((await schedule({ movieId })).movie.plot).toBe("From another server.");
    expect(await plotOf()).toBe("From another server.");
  });
});

describe("a call that comes again with its key", () => {
  test("has its answer, though the slot has begun and the movie service is down", async () => {
    const input = await aShow({ date: "2026-03-10" });
    const first = await send(input, "one show");
    expect(first.status).toBe(200);
    clock.set(new Date("2026-03-10T09:00:00Z"));
    movieService.breakDown("reset");
    const again = await send(input, "one show");
    expect(again.text).toBe(first.text);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await app.sql.query("select id from show where screen_id = $1", [input.screenId])).toHaveLength(1);
  });

  test("is done anew after a refusal", async () => {
    const restarted = await createTestApp({ beside: app });
    const input = await aShow();
    const options = { token, headers: { "idempotency-key": "another show" } };
    movieService.breakDown("unavailable");
    const refused = await mutate(restarted, "admin.createShow", input, options);
    expect([refused.status, refused.error?.data.domain?.code]).toEqual([503, "MOVIE_SERVICE_UNAVAILABLE"]);
    movieService.mend();
    expect((await mutate(restarted, "admin.createShow", input, options)).status).toBe(200);
  });

  test("with another cost is another intent", async () => {
    const input = await aShow();
    await send(input, "a third show");
    const other = await send({ ...input, cost: new Decimal("201") }, "a third show");
    expect(codeOf(other.error?.data.domain)).toMatchObject({ code: "IDEMPOTENCY_MISMATCH" });
  });
});
