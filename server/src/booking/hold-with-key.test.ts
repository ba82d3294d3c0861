import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { givenCustomer, givenShow, tokenOf } from "../../test/given.ts";
import { mutate, query, type Answer } from "../../test/rpc-call.ts";
import { createTestApp, testStart, type TestApp } from "../../test/test-app.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import type { Hold } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { holdSeats } from "./hold-seats.ts";

const app = await createTestApp();
const proxy = await startDatabaseProxy(app.databaseUrl);
const proxied = await createTestApp({ beside: app, databaseUrl: () => proxy.url });
afterAll(() => proxy.close());
const { deps, clock } = app;
// Nothing but the verbs acts on time here.
for (const server of [app, proxied]) await server.deps.monitors.close();
beforeEach(() => clock.set(testStart));

const isLook = ({ sql }: { sql: string }) => sql.includes("as w (seat_number, position)\n    join show");
const isHold = ({ sql }: { sql: string }) => sql.includes("hold_refusal(");

async function hold(server: TestApp, user: User, input: object, path = "booking.initialize") {
  const options = { token: await tokenOf(deps, user), headers: { "idempotency-key": "k" } };
  return await mutate<Hold>(server, path, input, options);
}

async function keysOf({ username }: User): Promise<unknown[]> {
  return await app.sql.query("select key from idempotency_key where username = $1", [username]);
}

async function countBookings({ username }: User): Promise<number> {
  return (await app.sql.query("select from booking where customer_username = $1", [username])).length;
}

const isReplayed = ({ headers }: Answer<unknown>) => headers.get("idempotent-replayed") === "true";

describe("a hold with a key", () => {
  test("costs one round trip more than without: the look-up of the key", async () => {
    const counting = await startCountingProxy(app.databaseUrl);
    onTestFinished(() => counting.close());
    const counted = await createTestApp({ beside: app, maxConnections: 1, databaseUrl: () => counting.url });
    counted.deps.sessions.proven(Infinity);
    const [customer, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const [token, showId] = [await tokenOf(deps, customer), await givenShow(app)];
    // Opens the one connection, and reads the session.
    await query(counted, "show.list", {}, { token });
    const seats = { showId, seatNumbers: ["A1", "A2"] };
    const tripsOf = (call: () => Promise<Answer<unknown>>) =>
      counting.count(async () => expect(await call()).toMatchObject({ status: 200 }));
    const plain = await tripsOf(() => mutate(counted, "booking.initialize", seats, { token }));
    const next = { showId, seatNumbers: ["B1", "B2"] };
    expect(await tripsOf(() => hold(counted, customer, next))).toBe(plain + 1);
    await query(counted, "show.list", {}, { token: await tokenOf(deps, other) });
    expect(await tripsOf(() => hold(counted, other, { showId, count: 2 }, "booking.initializeBest"))).toBe(
      plain + 1,
    );
  });

  test("has the id that its answer was kept with", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    for (const [path, input] of [
      ["booking.initialize", { showId, seatNumbers: ["A1", "A2"] }],
      ["booking.initializeBest", { showId, count: 2 }],
    ] as const) {
      const first = await hold(app, customer, input, path);
      const [row] = await app.sql.query(
        "select array_agg(seat_number::text order by id) as seats from booking_seat_mapping where booking_id = $1",
        [first.data?.bookingId],
      );
      expect(row?.["seats"]).toEqual(first.data?.seatNumbers);
      const again = await hold(proxied, customer, input, path);
      expect([again.text, isReplayed(again)]).toEqual([first.text, true]);
    }
    expect(await countBookings(customer)).toBe(2);
  });

  test("takes an overdue seat over, and keeps its answer", async () => {
    const [loser, buyer] = [await givenCustomer(deps), await givenCustomer(deps)];
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const overdue = await holdSeats(deps, loser, { ...input, seatNumbers: ["A1", "A2"] });
    clock.set(overdue.expiresAt);
    const first = await hold(app, buyer, input);
    expect(first.status).toBe(200);
    const again = await hold(proxied, buyer, input);
    expect([again.text, isReplayed(again)]).toEqual([first.text, true]);
    expect(await countBookings(buyer)).toBe(1);
    const [row] = await app.sql.query("select status from booking where id = $1", [overdue.bookingId]);
    expect(row).toEqual({ status: "Expired" });
  });

  test("that is refused by its statement leaves the key free", async () => {
    const bounded = await createTestApp({
      beside: app,
      settings: { holdLimits: { seatsPerCustomer: 1, seatsPerAddress: 6_000, abandonedPerHour: 1_000 } },
    });
    const customer = await givenCustomer(deps);
    const refused = await hold(bounded, customer, {
      showId: await givenShow(app),
      seatNumbers: ["A1", "A2"],
    });
    expect(refused.error?.data.domain).toEqual({ code: "TOO_MANY_HOLDS", details: { max: 1 } });
    expect([await keysOf(customer), await countBookings(customer)]).toEqual([[], 0]);
  });

  test("whose seats another customer takes after the look is refused, and leaves the key free", async () => {
    const [customer, rival] = [await givenCustomer(deps), await givenCustomer(deps)];
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const statement = proxy.intercept(isHold, "hold");
    const refused = hold(proxied, customer, input);
    await statement.reached;
    await holdSeats(deps, rival, input);
    statement.release();
    expect((await refused).error?.data.domain).toEqual({
      code: "SEATS_UNAVAILABLE",
      details: { seatNumbers: ["A1"] },
    });
    expect([await keysOf(customer), await countBookings(customer)]).toEqual([[], 0]);
  });

  test("that sees its seats taken by the same call on another server has the answer of that one", async () => {
    const customer = await givenCustomer(deps);
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const look = proxy.intercept(isLook, "hold");
    const second = hold(proxied, customer, input);
    await look.reached;
    const first = await hold(app, customer, input);
    look.release();
    const replayed = await second;
    expect([first.status, replayed.text, isReplayed(replayed)]).toEqual([200, first.text, true]);
    expect(await countBookings(customer)).toBe(1);
  });

  test.each([
    ["booking.initialize", { seatNumbers: ["A1"] }],
    ["booking.initializeBest", { count: 2 }],
  ])(
    "that waits for the same call of %s on another server has the answer of that one",
    async (path, wish) => {
      const customer = await givenCustomer(deps);
      const input = { showId: await givenShow(app), ...wish };
      // The first one has its key, and waits for the show.
      await app.sql.query("begin");
      await app.sql.query("select from show where id = $1 for update", [input.showId]);
      const first = hold(app, customer, input, path);
      await untilBlocked(app);
      const second = hold(proxied, customer, input, path);
      await untilBlocked(app, 2);
      await app.sql.query("commit");
      const [answer, replayed] = [await first, await second];
      expect([answer.status, replayed.text, isReplayed(replayed)]).toEqual([200, answer.text, true]);
      expect(await countBookings(customer)).toBe(1);
    },
  );

  test("whose statement was done without an answer gives that answer when it comes again", async () => {
    const customer = await givenCustomer(deps);
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const lost = proxy.intercept(isHold, "after");
    const first = await hold(proxied, customer, input);
    await lost.reached;
    expect(first.status).toBeGreaterThanOrEqual(500);
    const [again, once] = [await hold(proxied, customer, input), await hold(app, customer, input)];
    expect([again.status, once.text, isReplayed(again)]).toEqual([200, again.text, true]);
    expect(await countBookings(customer)).toBe(1);
  });
});
