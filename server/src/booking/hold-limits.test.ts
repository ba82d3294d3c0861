import { connectOnce, expireAnyDue } from "@skyfox/db";
import { beforeEach, describe, expect, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { problemOf } from "../../test/given-money.ts";
import { givenCustomer, givenCustomers, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { sellAtCounter } from "./sell-at-counter.ts";
import { maxSeatsPerBooking, type Hold } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

// As in production.
const holdLimits = { seatsPerCustomer: 10, seatsPerAddress: 60, abandonedPerHour: 3 };
const app = await createTestApp({ settings: { holdLimits } });
const otherServer = await createTestApp({ beside: app, settings: { holdLimits } });
const { deps, clock } = app;
// Nothing but the verbs, and a test that writes what is due, acts on time here.
await deps.monitors.close();
await otherServer.deps.monitors.close();
beforeEach(() => clock.set(testStart));

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const address = "203.0.113.7";

// All seats of a show, A1 to J10, are asked for one after the other.
const seatsOf = (from: number, count: number) =>
  Array.from(
    { length: count },
    (_, index) => `${"ABCDEFGHIJ"[Math.floor((from + index) / 10)]}${((from + index) % 10) + 1}`,
  );

const hold = async (user: User, showId: number, from: number, count: number, on: Deps = deps) =>
  await holdSeats(on, user, { showId, seatNumbers: seatsOf(from, count) });

const tooMany = (max: number, retryAfterSeconds?: number) => ({
  code: "TOO_MANY_HOLDS",
  details: { max, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
});

/** A millisecond before the time that the refusal names the same call is refused still; at that time it is not. */
async function expectTrueWait(seconds: number, call: () => Promise<unknown>): Promise<void> {
  clock.advance(seconds * 1_000 - 1);
  expect(await refusalOf(call())).toBe("TOO_MANY_HOLDS");
  clock.advance(1);
  expect(await refusalOf(call())).toBe("accepted");
}

async function unpaidSeats(showId: number): Promise<number> {
  const [row] = await app.sql.query(
    "select coalesce(sum(no_of_seats), 0)::int as seats from booking where show_id = $1 and status in ('Pending', 'Paying')",
    [showId],
  );
  return row!["seats"] as number;
}

describe("a customer's unpaid seats of one show", () => {
  test("are ten at most, over all holds; other shows and other customers are not concerned", async () => {
    const [customer, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const showId = await givenShow(app);
    await hold(customer, showId, 0, 4);
    expect(await problemOf(hold(customer, showId, 10, 7))).toEqual(tooMany(10, 300));
    const second = await hold(customer, showId, 10, 6);
    expect(await problemOf(hold(customer, showId, 20, 1))).toEqual(tooMany(10, 300));
    await hold(customer, await givenShow(app), 0, 10);
    await hold(other, showId, 20, 10);
    await cancelBooking(deps, customer, second);
    expect(await problemOf(hold(customer, showId, 30, 7))).toEqual(tooMany(10, 300));
    await hold(customer, showId, 30, 6);
  });

  test("count until they are paid for; while they are being paid no time is named", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const { bookingId } = await hold(customer, showId, 0, 10);
    const slow = app.gateway.script("slow");
    const paying = payBooking(deps, customer, { bookingId, method: "Card", card: goodCard });
    await slow.arrived;
    expect(await problemOf(hold(customer, showId, 10, 1))).toEqual(tooMany(10));
    clock.advance(301_000);
    expect(await problemOf(hold(customer, showId, 10, 1))).toEqual(tooMany(10));
    await slow.release();
    await paying;
    await hold(customer, showId, 10, 10);
  });

  test("are free again from the time that the refusal names: when enough of them have run out", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    await hold(customer, showId, 0, 4);
    clock.advance(100_000);
    await hold(customer, showId, 10, 3);
    clock.advance(50_500);
    await hold(customer, showId, 20, 3);
    // The first four run out after 149.5 s, the next three 100 s later.
    expect(await problemOf(hold(customer, showId, 30, 4))).toEqual(tooMany(10, 150));
    expect(await problemOf(hold(customer, showId, 30, 5))).toEqual(tooMany(10, 250));
    clock.advance(500);
    expect(await problemOf(hold(customer, showId, 30, 5))).toEqual(tooMany(10, 249));
    await expectTrueWait(249, () => hold(customer, showId, 30, 5));
  });

  test("in a hold of more seats than that are refused, and no time is named", async () => {
    const strict = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...holdLimits, seatsPerCustomer: 4 } },
    });
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    expect(await problemOf(hold(customer, showId, 0, 5, strict.deps))).toEqual(tooMany(4));
    await hold(customer, showId, 0, 4, strict.deps);
  });

  test("are ten at most also when twenty holds of them meet, on two servers", async () => {
    const showIds = [await givenShow(app), await givenShow(app), await givenShow(app)];
    for (const showId of showIds) {
      const customer = await givenCustomer(deps);
      const holds = Array.from(
        { length: 20 },
        (_, index) => () => hold(customer, showId, index * 3, 3, [deps, otherServer.deps][index % 2]),
      );
      const { won, lost } = outcomesOf(await together(holds));
      expect(won).toHaveLength(3);
      expect(new Set(lost)).toEqual(new Set(["TOO_MANY_HOLDS"]));
      expect(await unpaidSeats(showId)).toBe(9);
    }
  });
});

test("a customer's hold that is on its way counts for the next one, also from another address and while a third is cancelled", async () => {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const first = await hold(customer, showId, 0, 1);
  // A seat that has been held before is a row that another connection can keep.
  const other = await givenCustomer(deps);
  await cancelBooking(deps, other, await hold(other, showId, 50, 1));
  await using rival = await openRival();
  await rival.query("begin");
  await rival.query("select from seat_claim where show_id = $1 and seat_number = 'F1' for update", [showId]);
  const onItsWay = refusalOf(hold(customer, showId, 50, 9));
  await untilBlocked(app);
  await cancelBooking(deps, customer, first);
  const next = refusalOf(hold({ ...customer, address }, showId, 70, 10, otherServer.deps));
  await Promise.race([next, untilBlocked(app, 2)]);
  await rival.query("commit");
  expect([await onItsWay, await next]).toEqual(["accepted", "TOO_MANY_HOLDS"]);
  expect(await unpaidSeats(showId)).toBe(9);
});

describe("holds of one show that a customer abandons", () => {
  test.each(["merely overdue", "written as Expired", "written late"])(
    "are three in an hour at most: %s ones count until they are an hour past",
    async (how) => {
      const [customer, other] = [await givenCustomer(deps), await givenCustomer(deps)];
      const showId = await givenShow(app);
      for (let round = 0; round < 3; round += 1) {
        await hold(customer, showId, round * 10, 1);
        clock.advance(5 * minuteMs);
        if (how === "written as Expired") await expireAnyDue(deps.db, 1_000, clock.now());
      }
      // The first has run out ten minutes ago.
      expect(await problemOf(hold(customer, showId, 50, 1))).toEqual(tooMany(3, 50 * 60));
      if (how === "written late") await expireAnyDue(deps.db, 1_000, clock.now());
      expect(await problemOf(hold(customer, showId, 50, 1))).toEqual(tooMany(3, 50 * 60));
      expect(await refusalOf(hold(customer, await givenShow(app), 0, 1))).toBe("accepted");
      expect(await refusalOf(hold(other, showId, 60, 1))).toBe("accepted");
      await expectTrueWait(50 * 60, () => hold(customer, showId, 50, 1));
    },
  );

  test("count when they are cancelled after more than a minute, and not when after a minute or paid", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    for (let round = 0; round < 4; round += 1) {
      const quick = await hold(customer, showId, 0, 1);
      clock.advance(minuteMs);
      await cancelBooking(deps, customer, quick);
    }
    const { bookingId } = await hold(customer, showId, 0, 1);
    clock.advance(2 * minuteMs);
    await payBooking(deps, customer, { bookingId, method: "Card", card: goodCard });
    for (let round = 0; round < 3; round += 1) {
      const slow = await hold(customer, showId, 1, 1);
      clock.advance(minuteMs + 1);
      await cancelBooking(deps, customer, slow);
    }
    const waitMs = hourMs - 2 * (minuteMs + 1);
    expect(await problemOf(hold(customer, showId, 1, 1))).toEqual(tooMany(3, Math.ceil(waitMs / 1_000)));
    clock.advance(waitMs - 1);
    expect(await refusalOf(hold(customer, showId, 1, 1))).toBe("TOO_MANY_HOLDS");
    clock.advance(1);
    expect(await refusalOf(hold(customer, showId, 1, 1))).toBe("accepted");
  });

  test("are foreseen: seats that run out while the customer waits are abandoned by then", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    await hold(customer, showId, 0, 4);
    clock.advance(1_000);
    await hold(customer, showId, 10, 3);
    clock.advance(1_000);
    await hold(customer, showId, 20, 3);
    // Seven fit in when two of them have run out; ten only when all three have, and then those are three abandoned ones.
    expect(await problemOf(hold(customer, showId, 30, 7))).toEqual(tooMany(10, 299));
    expect(await problemOf(hold(customer, showId, 30, 10))).toEqual(tooMany(10, 298 + 3_600));
    await expectTrueWait(298 + 3_600, () => hold(customer, showId, 30, 10));
  });
});

describe("unpaid seats of one show from one address", () => {
  test("are sixty at most, over all customers, until some run out", async () => {
    const people = (await givenCustomers(deps, 8)).map((person) => ({ ...person, address }));
    const showId = await givenShow(app);
    for (let index = 0; index < 5; index += 1) await hold(people[index]!, showId, index * 10, 10);
    await hold(people[5]!, showId, 50, 9);
    expect(await problemOf(hold(people[6]!, showId, 59, 2))).toEqual(tooMany(60, 300));
    const paid = await hold(people[6]!, showId, 59, 1);
    expect(await problemOf(hold(people[7]!, showId, 60, 1))).toEqual(tooMany(60, 300));
    for (const [index, elsewhere] of ["203.0.113.8", "unknown"].entries()) {
      const person = { ...(await givenCustomer(deps)), address: elsewhere };
      expect(await refusalOf(hold(person, showId, 61 + index, 1))).toBe("accepted");
    }
    const other = await givenShow(app);
    expect(await refusalOf(hold(people[6]!, other, 0, 1))).toBe("accepted");

    await payBooking(deps, people[6]!, { bookingId: paid.bookingId, method: "Card", card: goodCard });
    await hold(people[7]!, showId, 60, 1);
    expect(await problemOf(hold(people[7]!, showId, 64, 1))).toEqual(tooMany(60, 300));
    await expectTrueWait(300, () => hold(people[7]!, showId, 64, 1));
  });

  test("count those that are being paid, for which no time is named", async () => {
    const strict = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...holdLimits, seatsPerAddress: 2 } },
    });
    const people = (await givenCustomers(deps, 2)).map((person) => ({ ...person, address }));
    const showId = await givenShow(app);
    const { bookingId } = await hold(people[0]!, showId, 0, 2, strict.deps);
    const slow = app.gateway.script("slow");
    const paying = payBooking(strict.deps, people[0]!, { bookingId, method: "Card", card: goodCard });
    await slow.arrived;
    clock.advance(301_000);
    expect(await problemOf(hold(people[1]!, showId, 2, 1, strict.deps))).toEqual(tooMany(2));
    await slow.release();
    await paying;
    await hold(people[1]!, showId, 2, 2, strict.deps);
  });

  test("do not bound the counter, whose sales do not count", async () => {
    const admin = { ...(await givenStaff(deps, "admin")), address };
    const people = (await givenCustomers(deps, 6)).map((person) => ({ ...person, address }));
    const showId = await givenShow(app);
    const holds = [];
    for (const [index, person] of people.entries()) holds.push(await hold(person, showId, index * 10, 10));
    const sale = { showId, customerName: "Walk In", phoneNumber: "9876543210" };
    for (const from of [60, 70, 80])
      await sellAtCounter(deps, admin, { ...sale, seatNumbers: seatsOf(from, 10) });
    await cancelBooking(deps, people[0]!, holds[0]!);
    expect(await refusalOf(hold(people[0]!, showId, 90, 10))).toBe("accepted");
  });

  test("count by the /64 of an IPv6 address, and by the /48 at ten times the limit", async () => {
    const strict = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...holdLimits, seatsPerAddress: 2 } },
    });
    const people = await givenCustomers(deps, 14);
    const showId = await givenShow(app);
    const holdFrom = async (index: number, from: string) =>
      await hold({ ...people[index]!, address: from }, showId, index * 2, 2, strict.deps);
    for (let network = 0; network < 10; network += 1) await holdFrom(network, `2001:db8:1:${network}::1`);
    expect(await problemOf(holdFrom(10, "2001:db8:1:9:ffff::2"))).toEqual(tooMany(2, 300));
    expect(await problemOf(holdFrom(10, "2001:db8:1:ffff::1"))).toEqual(tooMany(20, 300));
    expect(await refusalOf(holdFrom(10, "2001:db8:2::1"))).toBe("accepted");
    expect(await refusalOf(holdFrom(11, "2001:db8::1"))).toBe("accepted");
    expect(await refusalOf(holdFrom(12, "192.0.2.1"))).toBe("accepted");
    await expectTrueWait(300, () => holdFrom(13, "2001:db8:1:ffff::1"));
  });

  test("are sixty at most also when forty customers meet, on two servers", async () => {
    for (const from of [address, "2001:db8:9::"]) {
      const people = await givenCustomers(deps, 40);
      const showId = await givenShow(app);
      const holds = people.map((person, index) => async () => {
        const on = [deps, otherServer.deps][index % 2];
        // Of IPv6 each has an address of its own in the same /64.
        const own = from === address ? from : `${from}${(index + 1).toString(16)}`;
        return await hold({ ...person, address: own }, showId, index * 2, 2, on);
      });
      const { won, lost } = outcomesOf(await together(holds));
      expect(won).toHaveLength(30);
      expect(lost).toEqual(Array.from({ length: 10 }, () => "TOO_MANY_HOLDS"));
      expect(await unpaidSeats(showId)).toBe(60);
    }
  });

  test("in one /48 are ten times that at most also when callers of many networks meet", async () => {
    const strict = { beside: app, settings: { holdLimits: { ...holdLimits, seatsPerAddress: 2 } } };
    const servers = [await createTestApp(strict), await createTestApp(strict)];
    const people = await givenCustomers(deps, 20);
    const showId = await givenShow(app);
    const holds = people.map(
      (person, index) => async () =>
        await hold(
          { ...person, address: `2001:db8:7:${index}::1` },
          showId,
          index * 2,
          2,
          servers[index % 2]!.deps,
        ),
    );
    const { won } = outcomesOf(await together(holds));
    expect(won).toHaveLength(10);
    expect(await unpaidSeats(showId)).toBe(20);
  });

  test("are sixty at most also when they are taken over from holds that are overdue", async () => {
    const showId = await givenShow(app);
    for (const [index, person] of (await givenCustomers(deps, 40)).entries())
      await hold(person, showId, index * 2, 2);
    clock.advance(300_000);
    const people = await givenCustomers(deps, 39);
    // Each takes over from two of them. One that meets another for longer than a claim is waited for asks again.
    const takeover = (person: User, index: number) => async () => {
      const on = [deps, otherServer.deps][index % 2];
      return await refusalOf(hold({ ...person, address }, showId, index * 2 + 1, 2, on));
    };
    const takeovers = people.map(takeover);
    const { won: outcomes } = outcomesOf(await together(takeovers));
    for (const [index, outcome] of outcomes.entries())
      if (outcome === "SEATS_UNAVAILABLE") outcomes[index] = await takeovers[index]!();
    expect(outcomes.filter((outcome) => outcome === "accepted")).toHaveLength(30);
    expect(new Set(outcomes)).toEqual(new Set(["accepted", "TOO_MANY_HOLDS"]));
    const [row] = await app.sql.query(
      "select count(*)::int as holds from booking where show_id = $1 and status = 'Pending' and expires_at > $2",
      [showId, clock.now()],
    );
    expect(row).toEqual({ holds: 30 });
  });
});

test("two fresh accounts at one address hold ten seats each of a show, and ten accounts sixty of its hundred", async () => {
  const people = (await givenCustomers(deps, 10)).map((person) => ({ ...person, address }));
  const showId = await givenShow(app);
  const grab = async (person: User) => {
    for (let from = 0; from < 100; from += 10) await refusalOf(hold(person, showId, from, 10));
  };
  await Promise.all(people.slice(0, 2).map(grab));
  expect(await unpaidSeats(showId)).toBe(20);
  await Promise.all(people.slice(2).map(grab));
  expect(await unpaidSeats(showId)).toBe(60);
});

describe("the bounds", () => {
  test("cost no statement of their own", async () => {
    await using proxy = await startProxy();
    const counted = await createTestApp({
      beside: app,
      settings: { holdLimits },
      maxConnections: 1,
      databaseUrl: () => proxy.url,
    });
    const customer = { ...(await givenCustomer(deps)), address: "192.0.2.9" };
    const showId = await givenShow(app);
    await hold(customer, await givenShow(app), 0, 1, counted.deps);
    // A look, and one statement.
    expect(await proxy.count(() => hold(customer, showId, 0, 10, counted.deps))).toBe(2);
    expect(await proxy.count(() => refusalOf(hold(customer, showId, 10, 1, counted.deps)))).toBe(2);
  });

  test("keep no address where they do not bound addresses", async () => {
    const development = await createTestApp({
      beside: app,
      settings: { holdLimits: { ...holdLimits, seatsPerAddress: 6_000 } },
    });
    const customer = { ...(await givenCustomer(deps)), address: "2001:db8:5::1" };
    const showId = await givenShow(app);
    const held = [
      await hold(customer, showId, 0, 1),
      await hold(customer, showId, 1, 1, development.deps),
      await hold({ ...customer, address: "unknown" }, showId, 2, 1),
    ];
    const rows = await app.sql.query("select held_from from booking where id = any($1) order by id", [
      held.map(({ bookingId }) => bookingId),
    ]);
    expect(rows.map((row) => row["held_from"])).toEqual(["2001:db8:5::/64", null, null]);
  });

  test("are told as a conflict with what they are and the wait; a call that is repeated gets its answer, and a refusal frees its key", async () => {
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    const showId = await givenShow(app);
    const call = async (key: string, from: number) =>
      await mutate<Hold>(
        app,
        "booking.initialize",
        { showId, seatNumbers: seatsOf(from, maxSeatsPerBooking) },
        { token, headers: { "idempotency-key": key } },
      );
    const first = await call("one", 0);
    expect(first.status).toBe(200);
    const refused = await call("two", 10);
    expect([refused.status, refused.error?.data.domain]).toEqual([409, tooMany(10, 300)]);
    const repeated = await call("one", 0);
    expect([repeated.status, repeated.data?.bookingId]).toEqual([200, first.data?.bookingId]);
    expect(repeated.headers.get("idempotent-replayed")).toBe("true");
    await cancelBooking(deps, customer, { bookingId: first.data!.bookingId });
    expect((await call("two", 10)).status).toBe(200);
  });
});

async function openRival() {
  const rival = await connectOnce(app.databaseUrl);
  return { query: rival.query.bind(rival), [Symbol.asyncDispose]: () => rival.end() };
}

async function startProxy() {
  const proxy = await startCountingProxy(app.databaseUrl);
  return { ...proxy, [Symbol.asyncDispose]: () => proxy.close() };
}
