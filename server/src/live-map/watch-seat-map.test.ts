import { connectOnce } from "@skyfox/db";
import { afterAll, describe, expect, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { startRelay } from "../../test/relay.ts";
import { headersFor, mutate, query, send } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { untilLockWait } from "../../test/until.ts";
import { statusOf, watchMap, type Watching } from "../../test/watch-seat-map.ts";
import { createSessionMemory } from "../auth/session-memory.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import type { Hold, SeatMap } from "../contract/index.ts";
import type { User } from "../deps.ts";

const app = await createTestApp();
const other = await createTestApp({ beside: app });
const customer = await givenCustomer(app.deps);
const token = await tokenOf(app.deps, customer);
const adminToken = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));

const watchings: Watching[] = [];
afterAll(() => watchings.forEach(({ leave }) => leave()));

async function watch(input: unknown, as = token, server = app) {
  const watching = await watchMap(server, input, { token: as });
  watchings.push(watching);
  return watching;
}

/** A customer who may hold seats, with the token. */
async function givenWatcher(): Promise<User & { token: string }> {
  const user = await givenCustomer(app.deps);
  return { ...user, token: await tokenOf(app.deps, user) };
}

async function hold(showId: number, ...seatNumbers: string[]): Promise<Hold> {
  const { token: own } = await givenWatcher();
  return await holdAs(own, showId, ...seatNumbers);
}

async function holdAs(own: string, showId: number, ...seatNumbers: string[]): Promise<Hold> {
  const { data, text } = await mutate<Hold>(
    app,
    "booking.initialize",
    { showId, seatNumbers },
    { token: own },
  );
  if (data === undefined) throw new Error(text);
  return data;
}

async function seatMap(showId: number): Promise<SeatMap> {
  const { data } = await query<SeatMap>(app, "show.seatMap", { showId }, { token });
  if (data === undefined) throw new Error(`No seat map of show ${showId}.`);
  return data;
}

/** Sets the clock so that the check of a second before is the last one that could do what is due. */
function reach(time: Date): void {
  app.clock.set(new Date(time.getTime() - 1_000));
  app.clock.advance(1_000);
}

/** Reads on until the seats stand so, and tells the map as the watcher has it then. */
async function follow(watching: Watching, isThere: (map: SeatMap) => boolean): Promise<SeatMap> {
  while (watching.map === undefined || !isThere(watching.map)) {
    const got = await watching.next();
    if (got?.event === undefined) throw new Error(`The stream ended: ${JSON.stringify(got)}`);
  }
  return watching.map;
}

test("a watcher gets the whole map, and then what changes", async () => {
  const showId = await givenShow(app);
  await hold(showId, "A1");
  const watching = await watch({ showId });
  expect(watching.status).toBe(200);
  const first = await watching.next();
  expect(first?.event).toEqual({ type: "snapshot", seatMap: await seatMap(showId) });
  await hold(showId, "B2", "B3");
  const { version } = await seatMap(showId);
  expect(await watching.next()).toEqual({
    id: String(version),
    event: {
      type: "changed",
      version,
      seats: [
        { seatNumber: "B2", status: "held" },
        { seatNumber: "B3", status: "held" },
      ],
    },
  });
});

test("what watchers fold is what a fresh map says, through hold, payment, cancellation and a sale at the counter", async () => {
  const showId = await givenShow(app);
  const watchers = await Promise.all([watch({ showId }), watch({ showId }, adminToken)]);
  const kept = await holdAs(token, showId, "A1", "A2");
  const given = await holdAs(token, showId, "J9");
  await mutate(app, "booking.cancel", { bookingId: given.bookingId }, { token });
  const paying = { bookingId: kept.bookingId, method: "Card", card: goodCard };
  expect(await mutate(app, "booking.pay", paying, { token })).toMatchObject({ status: 200 });
  const sale = { showId, seatNumbers: ["C3"], customerName: "Anna Lee", phoneNumber: "9876543210" };
  const sold = await mutate(app, "admin.createBooking", sale, { token: adminToken });
  expect(sold).toMatchObject({ status: 200 });
  const fresh = await seatMap(showId);
  for (const watching of watchers)
    expect(await follow(watching, ({ version }) => version === fresh.version)).toEqual(fresh);
});

test("a hold that is overdue turns free at its time, before that is written", async () => {
  const showId = await givenShow(app);
  const watching = await watch({ showId });
  const { bookingId, expiresAt } = await hold(showId, "A1");
  app.deps.monitors.disarm(bookingId);
  const held = await follow(watching, (map) => statusOf(map, "A1") === "held");
  reach(expiresAt);
  expect(await watching.next()).toEqual({
    id: String(held.version),
    event: { type: "changed", version: held.version, seats: [{ seatNumber: "A1", status: "free" }] },
  });
  expect(await seatMap(showId)).toMatchObject({ version: held.version });
});

describe("between servers", () => {
  test("a change arrives after its commit", async () => {
    const showId = await givenShow(app);
    const watching = await watch({ showId }, token, other);
    await hold(showId, "A1");
    const seen = await follow(watching, (map) => statusOf(map, "A1") === "held");
    expect(seen).toEqual(await seatMap(showId));
  });

  test("a change of which nothing was heard is noticed within two seconds", async () => {
    const showId = await givenShow(app);
    const watching = await watch({ showId }, token, other);
    expect((await watching.next())?.event).toMatchObject({ type: "snapshot" });
    // The verb itself, which only the router follows with a notice.
    await holdSeats(app.deps, await givenWatcher(), { showId, seatNumbers: ["A1"] });
    app.clock.advance(1_500);
    expect((await watching.next())?.event).toMatchObject({
      type: "changed",
      seats: [{ seatNumber: "A1", status: "held" }],
    });
  });

  test("what was missed while nothing was heard is read when a listener connects again", async () => {
    const showId = await givenShow(app);
    const watching = await watch({ showId }, token, other);
    expect((await watching.next())?.event).toMatchObject({ type: "snapshot" });
    await holdSeats(app.deps, await givenWatcher(), { showId, seatNumbers: ["A1"] });
    await app.sql.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'skyfox-listener'",
    );
    expect((await watching.next())?.event).toMatchObject({
      type: "changed",
      seats: [{ seatNumber: "A1", status: "held" }],
    });
  });
});

describe("many watchers", async () => {
  const proxy = await startCountingProxy(app.databaseUrl);
  afterAll(() => proxy.close());
  const counted = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 1 });
  counted.deps.sessions.proven(Infinity);

  test("share the reading of each change", async () => {
    const showId = await givenShow(app);
    const watchers = await Promise.all(Array.from({ length: 20 }, () => watch({ showId }, token, counted)));
    for (const watching of watchers) await watching.next();
    const trips = await proxy.count(async () => {
      await hold(showId, "A1");
      for (const watching of watchers)
        expect((await watching.next())?.event).toMatchObject({ seats: [{ seatNumber: "A1" }] });
    });
    expect(trips).toBe(1);
    for (const { leave } of watchers) leave();
  });

  test("share a reading for all changes of a twentieth of a second", async () => {
    const askedAt: number[] = [];
    const relay = await startRelay(app.databaseUrl, (client, upstream) => {
      let isAsked = false;
      client.on("data", () => {
        if (!isAsked) askedAt.push(performance.now());
        isAsked = true;
      });
      upstream.on("data", () => (isAsked = false));
    });
    const timed = await createTestApp({ beside: app, databaseUrl: () => relay.url, maxConnections: 1 });
    const showId = await givenShow(app);
    const watching = await watch({ showId }, token, timed);
    await watching.next();
    askedAt.length = 0;
    while (askedAt.length < 8) {
      timed.deps.liveMaps.changed(showId);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A timer counts whole milliseconds.
    for (const [index, at] of askedAt.slice(1).entries())
      expect(at - (askedAt[index] ?? 0)).toBeGreaterThanOrEqual(49);
    watching.leave();
    await timed.deps.liveMaps.close();
    await timed.deps.db.destroy();
    await relay.close();
  });

  test("get what they have not taken as one event", async () => {
    const showId = await givenShow(app);
    const watching = await watch({ showId });
    await watching.next();
    for (let turn = 0; turn < 30; turn += 1) {
      const { bookingId } = await holdAs(token, showId, "A1");
      await mutate(app, "booking.cancel", { bookingId }, { token });
    }
    const { version } = await seatMap(showId);
    expect(version).toBe(60);
    const before = watching.names.length;
    await follow(watching, (map) => map.version === version);
    // A few are on their way through the stream's buffers.
    expect(watching.names.length - before).toBeLessThan(10);
  });
});

describe("the last event", () => {
  test("says that the show was cancelled, and why", async () => {
    const showId = await givenShow(app);
    const watching = await watch({ showId });
    await watching.next();
    await mutate(app, "admin.cancelShow", { showId, reason: "The projector broke." }, { token: adminToken });
    const cancelled = { event: { type: "cancelled", reason: "The projector broke." } };
    expect(await watching.next()).toMatchObject(cancelled);
    expect(await watching.next()).toBeUndefined();
    // The client learns that there is nothing to come back for.
    expect(watching.names.at(-1)).toBe("return");

    const late = await watch({ showId });
    expect((await late.next())?.event).toMatchObject({ type: "snapshot" });
    expect(await late.next()).toMatchObject(cancelled);
    expect(await late.next()).toBeUndefined();
  });

  test("says that the show is over", async () => {
    const showId = await givenShow(app, { date: "2026-03-10", slotId: 2 });
    const watching = await watch({ showId });
    await watching.next();
    const [show] = await app.sql.query("select ends_at from show where id = $1", [showId]);
    reach(show?.["ends_at"] as Date);
    expect((await watching.next())?.event).toEqual({ type: "ended" });
    expect(await watching.next()).toBeUndefined();
    expect(watching.names.at(-1)).toBe("return");
  });
});

describe("after a cut", () => {
  test("only what was missed comes, by the id of the last event, on whatever server", async () => {
    const showId = await givenShow(app);
    const [here, there] = [await watch({ showId }), await watch({ showId }, token, other)];
    await there.next();
    await hold(showId, "A1");
    const seen = await follow(here, (map) => statusOf(map, "A1") === "held");
    here.leave();
    // What one reading brings is missed as a whole.
    await follow(there, (map) => statusOf(map, "A1") === "held");
    await hold(showId, "B1");
    await hold(showId, "C1");
    await follow(there, (map) => statusOf(map, "C1") === "held");
    const missed = [
      { seatNumber: "B1", status: "held" },
      { seatNumber: "C1", status: "held" },
    ];
    const lastEventId = String(seen.version);
    const again = await watch({ showId, lastEventId }, token, other);
    expect((await again.next())?.event).toEqual({ type: "changed", version: 3, seats: missed });
    // As a browser repeats it.
    const headers = { "last-event-id": lastEventId };
    const byHeader = await watchMap(other, { showId }, { token, headers });
    watchings.push(byHeader);
    expect((await byHeader.next())?.event).toEqual({ type: "changed", version: 3, seats: missed });
  });

  test.each([
    "",
    "0",
    "-1",
    "1e3",
    "NaN",
    "Infinity",
    "__proto__",
    "9007199254740993",
    "999999",
    "1.5",
    "\u0661",
  ])("the whole map comes where '%s' is no event that this server knows of", async (lastEventId) => {
    const showId = await givenShow(app);
    await hold(showId, "A1");
    const watching = await watch({ showId, lastEventId });
    expect((await watching.next())?.event).toMatchObject({ type: "snapshot" });
    watching.leave();
  });

  test.each([
    ["8 KB of it", "1".repeat(8_192)],
    ["a number", 1],
    ["an object", { __proto__: null }],
  ])("%s is no id", async (_what, lastEventId) => {
    const watching = await watch({ showId: 1, lastEventId });
    expect((await watching.next())?.error?.data).toMatchObject({
      httpStatus: 400,
      fields: [{ field: "lastEventId" }],
    });
    expect(await watching.next()).toBeUndefined();
  });

  test("an id of 8 KB in the header is refused as one in the input", async () => {
    const headers = { "last-event-id": "1".repeat(8_192) };
    const watching = await watchMap(app, { showId: 1 }, { token, headers });
    expect((await watching.next())?.error?.data).toMatchObject({ httpStatus: 400 });
  });
});

describe("the caller", () => {
  test("asks for a show that there is, within the seven days", async () => {
    const refusalOf = async (input: unknown, as?: string) =>
      (await (await watchMap(app, input, { token: as })).next())?.error?.data;
    const far = await givenShow(app, { date: "2026-03-17" });
    expect(await refusalOf({ showId: 999_999 }, token)).toMatchObject({
      httpStatus: 404,
      domain: { code: "SHOW_NOT_FOUND" },
    });
    expect(await refusalOf({ showId: far }, token)).toMatchObject({ domain: { code: "DATE_OUT_OF_RANGE" } });
    const ofAdmin = await watch({ showId: far }, adminToken);
    expect((await ofAdmin.next())?.event).toMatchObject({ type: "snapshot" });
  });

  test("loses the stream with the session, at once", async () => {
    const { token: own } = await givenWatcher();
    const showId = await givenShow(app);
    const watching = await watch({ showId }, own, other);
    await watching.next();
    await mutate(app, "auth.logout", undefined, { token: own });
    const ended = await watching.next();
    expect(ended?.error?.data).toMatchObject({ code: "UNAUTHORIZED", domain: { code: "SESSION_ENDED" } });
    expect(await watching.next()).toBeUndefined();
  });

  test("gets no map when its session ends while the map is read", async () => {
    const { token: own } = await givenWatcher();
    const showId = await givenShow(app);
    const blocker = await connectOnce(app.databaseUrl);
    await blocker.query("begin; lock table seat in access exclusive mode");
    const first = (await watch({ showId }, own)).next();
    await untilLockWait(app.sql);
    await mutate(app, "auth.logout", undefined, { token: own });
    await blocker.query("commit");
    await blocker.end();
    expect((await first)?.error?.data).toMatchObject({ domain: { code: "SESSION_ENDED" } });
  });

  test("is looked at each minute, also if nothing was heard of the session's end", async () => {
    const deaf = await createTestApp({ beside: app });
    deaf.deps.sessions = { ...createSessionMemory(app.deps.db) };
    const { token: own, sessionId } = await givenWatcher();
    const watching = await watch({ showId: await givenShow(app) }, own, deaf);
    await watching.next();
    await app.sql.query("update session set ended_at = now() where id = $1", [sessionId]);
    app.clock.advance(60_000);
    expect((await watching.next())?.error?.data).toMatchObject({ domain: { code: "SESSION_ENDED" } });
  });

  test("loses the stream when the show's day is over for customers", async () => {
    const showId = await givenShow(app, { date: "2026-03-10", slotId: 4 });
    await app.sql.query("update show set ends_at = '2026-03-10T20:00Z' where id = $1", [showId]);
    const [ofCustomer, ofAdmin] = [await watch({ showId }), await watch({ showId }, adminToken)];
    await Promise.all([ofCustomer.next(), ofAdmin.next()]);
    app.clock.set(new Date("2026-03-10T18:30:00Z"));
    expect((await ofCustomer.next())?.error?.data).toMatchObject({ domain: { code: "DATE_OUT_OF_RANGE" } });
    await mutate(app, "admin.cancelShow", { showId, reason: "Late." }, { token: adminToken });
    expect((await ofAdmin.next())?.event).toMatchObject({ type: "cancelled" });
  });
});

describe("streams are bounded", () => {
  test("in all, and from one network", async () => {
    const narrow = await createTestApp({
      beside: app,
      trustedProxies: 1,
      streams: { inAll: 2, perAddress: 1 },
    });
    const showId = await givenShow(app);
    const from = async (address: string) => {
      const watching = await watchMap(narrow, { showId }, { token, headers: { "x-forwarded-for": address } });
      watchings.push(watching);
      return { watching, got: await watching.next() };
    };
    const first = await from("203.0.113.7");
    expect(first.got?.event).toMatchObject({ type: "snapshot" });
    expect((await from("203.0.113.7")).got?.error?.data).toMatchObject({
      httpStatus: 429,
      domain: { code: "RATE_LIMITED", details: { retryAfterSeconds: 5 } },
    });
    expect((await from("2001:db8::1")).got?.event).toMatchObject({ type: "snapshot" });
    expect((await from("2001:db8::2")).got?.error?.data).toMatchObject({ domain: { code: "RATE_LIMITED" } });
    expect((await from("203.0.113.8")).got?.error?.data).toMatchObject({
      httpStatus: 503,
      domain: { code: "OVERLOADED", details: { retryAfterSeconds: 5 } },
    });
    first.watching.leave();
    // The place is free once the stream has noticed.
    while (narrow.deps.liveMaps.watched.watchers > 1) await app.sql.query("select 1");
    expect((await from("203.0.113.8")).got?.event).toMatchObject({ type: "snapshot" });
  });

  test("and take no place of a call's", async () => {
    const showId = await givenShow(app);
    const watchers = await Promise.all(Array.from({ length: 40 }, () => watch({ showId })));
    await Promise.all(watchers.map((watching) => watching.next()));
    expect(await query(app, "show.seatMap", { showId }, { token })).toMatchObject({ status: 200 });
    for (const { leave } of watchers) leave();
  });
});

test("a watcher that leaves leaves nothing behind", async () => {
  const alone = await createTestApp({ beside: app });
  const { liveMaps } = alone.deps;
  const watching = await watch({ showId: await givenShow(app) }, token, alone);
  await watching.next();
  expect(liveMaps.watched).toEqual({ shows: 1, watchers: 1 });
  watching.leave();
  while (liveMaps.watched.watchers > 0) await app.sql.query("select 1");
  expect(liveMaps.watched).toEqual({ shows: 0, watchers: 0 });
});

test("a server that stops ends its streams without an end, so that their clients connect again", async () => {
  const stopping = await createTestApp({ beside: app });
  const showId = await givenShow(app);
  const watching = await watch({ showId }, token, stopping);
  await watching.next();
  await stopping.deps.liveMaps.close();
  expect(await watching.next()).toBeUndefined();
  expect(watching.names).toEqual(["connected", "message"]);
  const refused = await watch({ showId }, token, stopping);
  expect(await refused.next()).toBeUndefined();
  expect(refused.names).toEqual(["connected"]);
});

test("a stream is passed on as it comes", async () => {
  const watching = await watch({ showId: await givenShow(app) });
  expect(watching.headers.get("content-type")).toBe("text/event-stream");
  expect(watching.headers.get("x-accel-buffering")).toBe("no");
  expect(watching.headers.get("cache-control")).toBe("no-cache, no-transform, no-store");
});

test("it is no call of a batch, nor of a POST", async () => {
  const headers = { ...headersFor({ token }), "content-type": "application/json" };
  const input = encodeURIComponent('{"0":{"json":{"showId":1}},"1":{"json":{}}}');
  const batch = await app.app.request(`/trpc/show.watchSeatMap,show.list?batch=1&input=${input}`, {
    headers,
  });
  expect(batch.status).toBe(400);
  const posted = await send(app, "/trpc/show.watchSeatMap", { method: "POST", headers, body: "{}" });
  expect(posted.status).toBe(405);
});
