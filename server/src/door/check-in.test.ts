import { withSettings } from "@skyfox/db/test-database";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { givenBooking, givenCounterSale, givenHold } from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { getBooking } from "../booking/get-booking.ts";
import { maxCheckIns, type CheckInOutput } from "../contract/index.ts";
import { cancelShow } from "../booking/cancel-show.ts";
import { checkIn } from "./check-in.ts";
import { refundBooking } from "../booking/refund-booking.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps, clock } = app;
const proxy = await startCountingProxy(app.databaseUrl);
afterAll(() => proxy.close());
// Reads tables in the order in which they are stored.
const reader = await createTestApp({
  beside: app,
  databaseUrl: (url) => withSettings(url, "-c enable_indexscan=off -c enable_bitmapscan=off"),
});
const counted = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 1 });
const admin = await givenStaff(deps, "admin");
const staff = await givenStaff(deps, "staff");
beforeEach(() => clock.set(testStart));

/** When the shows of these tests start and end, 16:30 to 19:30 on 2026-03-11 in Asia/Kolkata. */
const startsAt = new Date("2026-03-11T11:00:00Z");
const endsAt = new Date("2026-03-11T14:00:00Z");

function at(time: Date, ms = 0): Date {
  const moment = new Date(time.getTime() + ms);
  clock.set(moment);
  return moment;
}

function checkInAs(user = staff, ...bookingIds: number[]) {
  return checkIn(deps, user, { bookingIds });
}

const nothing: CheckInOutput = { checkedIn: [], alreadyDone: [], invalid: [] };

function refused(bookingId: number, reason: string) {
  return { ...nothing, invalid: [{ bookingId, reason }] };
}

async function storedCheckIn(bookingId: number) {
  const [row] = await app.sql.query(
    'select status::text, checked_in_at as at, checked_in_by as "by" from booking where id = $1',
    [bookingId],
  );
  return row;
}

/** Sells that many seats at the counter, each in a booking of its own, and returns the ids in their order. */
async function givenSales(count: number): Promise<number[]> {
  const showId = await givenShow(app);
  const ids: number[] = [];
  for (let seat = 0; seat < count; seat += 1)
    ids.push(await givenCounterSale(app, showId, `${"ABCDEFGHIJ"[Math.floor(seat / 10)]}${(seat % 10) + 1}`));
  return ids;
}

describe("who comes to the door", () => {
  test("is let in, and it is kept when and by whom", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    const now = at(startsAt, -600_000);
    expect(await checkInAs(staff, bookingId)).toEqual({ ...nothing, checkedIn: [bookingId] });
    expect(await storedCheckIn(bookingId)).toEqual({ status: "CheckedIn", at: now, by: staff.username });
    expect((await getBooking(deps, customer, { bookingId })).status).toBe("CheckedIn");
  });

  test("is let in with what was bought at the counter", async () => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    at(startsAt);
    expect(await checkInAs(admin, bookingId)).toEqual({ ...nothing, checkedIn: [bookingId] });
    expect((await getBooking(deps, staff, { bookingId })).status).toBe("CheckedIn");
  });

  test("a second time, gets when and by whom it was, and nothing changes", async () => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    const first = at(startsAt, -1_000);
    await checkInAs(staff, bookingId);
    const done = { ...nothing, alreadyDone: [{ bookingId, at: first, by: staff.username }] };
    at(startsAt);
    expect(await checkInAs(admin, bookingId)).toEqual(done);
    expect(await storedCheckIn(bookingId)).toEqual({ status: "CheckedIn", at: first, by: staff.username });
  });

  test("a second time, gets that answer whatever the time", async () => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    at(startsAt);
    await checkInAs(staff, bookingId);
    for (const time of [testStart, new Date(endsAt.getTime() + 1)]) {
      at(time);
      expect((await checkInAs(staff, bookingId)).alreadyDone).toHaveLength(1);
    }
  });
});

describe("the doors", () => {
  const moments: [what: string, time: Date, ms: number, reason: string | undefined][] = [
    ["a millisecond before the last hour before the start are shut", startsAt, -3_600_001, "TOO_EARLY"],
    ["open one hour before the start, to the millisecond", startsAt, -3_600_000, undefined],
    ["are open a millisecond later", startsAt, -3_599_999, undefined],
    ["are open at the start", startsAt, 0, undefined],
    ["are open a millisecond before the end", endsAt, -1, undefined],
    ["are open at the end, to the millisecond", endsAt, 0, undefined],
    ["are shut a millisecond after the end", endsAt, 1, "TOO_LATE"],
  ];

  test.each(moments)("%s", async (_, time, ms, reason) => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    at(time, ms);
    expect(await checkInAs(staff, bookingId)).toEqual(
      reason === undefined ? { ...nothing, checkedIn: [bookingId] } : refused(bookingId, reason),
    );
    expect((await storedCheckIn(bookingId))?.["status"]).toBe(reason ? "Confirmed" : "CheckedIn");
  });

  test("do not open for who waits at them while they shut: the time counts, not when the call came", async () => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    at(endsAt);
    await app.sql.query("begin");
    await app.sql.query("select id from booking where id = $1 for update", [bookingId]);
    const waiting = checkInAs(staff, bookingId);
    await untilBlocked(app);
    at(endsAt, 1);
    await app.sql.query("commit");
    expect(await waiting).toEqual(refused(bookingId, "TOO_LATE"));
  });
});

describe("a booking is not let in", () => {
  test("without a booking", async () => {
    at(startsAt);
    expect(await checkInAs(staff, 999_999_999)).toEqual(refused(999_999_999, "NOT_FOUND"));
  });

  test("with a hold, also one that is being paid for or is over", async () => {
    const customer = await givenCustomer(deps);
    at(startsAt, -60_000);
    const { bookingId } = await givenHold(app, customer);
    expect(await checkInAs(staff, bookingId)).toEqual(refused(bookingId, "NOT_CONFIRMED"));
    at(startsAt, 300_000);
    await deps.monitors.settled();
    expect(await checkInAs(staff, bookingId)).toEqual(refused(bookingId, "NOT_CONFIRMED"));
  });

  test("whose money was given back", async () => {
    const { bookingId } = await givenBooking(app, await givenCustomer(deps), "card");
    await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    at(startsAt);
    expect(await checkInAs(staff, bookingId)).toEqual(refused(bookingId, "NOT_CONFIRMED"));
    expect(await storedCheckIn(bookingId)).toEqual({ status: "Refunded", at: null, by: null });
  });

  test("to a cancelled show, whether or not the money has been given back yet", async () => {
    const showId = await givenShow(app);
    const confirmed = await givenCounterSale(app, showId, "A1");
    const inside = await givenCounterSale(app, showId, "A2");
    at(startsAt);
    await checkInAs(staff, inside);
    // A server that died right after it had begun.
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = 'A power cut' where id = $1", [
      showId,
      clock.now(),
    ]);
    const invalid = [confirmed, inside].map((bookingId) => ({ bookingId, reason: "NOT_CONFIRMED" }));
    expect(await checkInAs(staff, confirmed, inside)).toEqual({ ...nothing, invalid });
    await cancelShow(deps, admin, { showId, reason: "A power cut" });
    expect(await checkInAs(staff, confirmed, inside)).toEqual({ ...nothing, invalid });
    // Who had come before is still known.
    expect(await storedCheckIn(inside)).toMatchObject({ status: "Refunded", by: staff.username });
  });

  test("by a customer", async () => {
    at(startsAt);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    const call = { token: await tokenOf(deps, customer) };
    const { error } = await mutate(app, "admin.checkIn", { bookingIds: [bookingId] }, call);
    expect(error?.data.domain).toEqual({
      code: "FORBIDDEN",
      details: { requiredRoles: ["staff", "admin"] },
    });
    expect((await storedCheckIn(bookingId))?.["status"]).toBe("Confirmed");
  });
});

describe("many at once", () => {
  test("are answered in the order asked, each once, whatever became of it", async () => {
    const showId = await givenShow(app);
    const tomorrow = await givenShow(app, { date: "2026-03-12" });
    const yesterday = await givenShow(app, { date: "2026-03-10" });
    const [one, two, three] = [
      await givenCounterSale(app, showId, "A1"),
      await givenCounterSale(app, showId, "A2"),
      await givenCounterSale(app, showId, "A3"),
    ];
    const early = await givenCounterSale(app, tomorrow, "A1");
    const late = await givenCounterSale(app, yesterday, "A1");
    const [gone, other] = [999_999_998, 999_999_999];
    const now = at(startsAt);
    await checkInAs(admin, three);
    const bookingIds = [other, three, two, early, two, one, gone, one, other, three, late];
    expect(await checkIn(deps, staff, { bookingIds })).toEqual({
      checkedIn: [two, one],
      alreadyDone: [{ bookingId: three, at: now, by: admin.username }],
      invalid: [
        { bookingId: other, reason: "NOT_FOUND" },
        { bookingId: early, reason: "TOO_EARLY" },
        { bookingId: gone, reason: "NOT_FOUND" },
        { bookingId: late, reason: "TOO_LATE" },
      ],
    });
  });

  test("are 1 to 200 ids that can be ids", async () => {
    const call = { token: await tokenOf(deps, staff) };
    const ask = async (bookingIds: unknown) =>
      (await mutate<CheckInOutput>(app, "admin.checkIn", { bookingIds }, call)).error?.data.domain?.code;
    const ids = Array.from({ length: maxCheckIns }, (_, index) => 900_000_000 + index);
    expect(maxCheckIns).toBe(200);
    expect(await ask(ids)).toBeUndefined();
    for (const wrong of [[], [...ids, 1], [0], [-1], [1.5], ["1"], [2 ** 53], [null], 1, undefined])
      expect([wrong, await ask(wrong)]).toEqual([wrong, "VALIDATION_ERROR"]);
    expect(await ask([Number.MAX_SAFE_INTEGER])).toBeUndefined();
  });

  test("take as many statements as one: a lock, a look and a change", async () => {
    const [first, ...sold] = await givenSales(41);
    at(startsAt);
    const rest = [...sold, ...Array.from({ length: maxCheckIns - 40 }, (_, index) => 900_000_000 + index)];
    // Opens the one connection.
    await checkIn(counted.deps, staff, { bookingIds: [1] });
    // BEGIN and COMMIT are two more.
    const tripsOf = (bookingIds: number[]) => proxy.count(() => checkIn(counted.deps, staff, { bookingIds }));
    expect(await tripsOf([first!])).toBe(5);
    expect(await tripsOf(rest)).toBe(5);
    expect(await tripsOf(rest)).toBe(4);
  });
});

describe("at two doors at once", () => {
  test("of ten one lets in, and the others learn by whom", async () => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    const people = [];
    while (people.length < 10) people.push(await givenStaff(deps, "staff"));
    const now = at(startsAt);
    const { won } = outcomesOf(
      await together(people.map((person) => () => checkIn(deps, person, { bookingIds: [bookingId] }))),
    );
    const winners = won.filter(({ checkedIn }) => checkedIn.length === 1);
    expect([won.length, winners.length]).toEqual([10, 1]);
    const by = (await storedCheckIn(bookingId))?.["by"];
    for (const { alreadyDone } of won.filter(({ checkedIn }) => checkedIn.length === 0))
      expect(alreadyDone).toEqual([{ bookingId, at: now, by }]);
  });

  test("many bookings in opposite orders end each checked in once, without a deadlock", async () => {
    const ids = await givenSales(60);
    const deadlocks = async () =>
      (await app.sql.query("select deadlocks from pg_stat_database where datname = current_database()"))[0];
    const before = await deadlocks();
    at(startsAt);
    const orders = [ids, ids.toReversed(), [...ids.slice(30), ...ids.slice(0, 30)], ids.toReversed()];
    const { won, lost } = outcomesOf(
      await together(orders.map((bookingIds) => () => checkIn(deps, staff, { bookingIds }))),
    );
    expect(lost).toEqual([]);
    expect(won.flatMap(({ checkedIn }) => checkedIn).toSorted((one, other) => one - other)).toEqual(ids);
    expect(won.flatMap(({ alreadyDone }) => alreadyDone)).toHaveLength(3 * ids.length);
    expect(await deadlocks()).toEqual(before);
  });

  test("the locks are taken lowest id first, whatever the order asked", async () => {
    const [low, high] = (await givenSales(2)) as [number, number];
    at(startsAt);
    // Read as the table has them, the higher one would be first.
    await app.sql.query("update booking set booking_time = booking_time where id = $1", [low]);
    await app.sql.query("begin");
    await app.sql.query("select id from booking where id = $1 for update", [low]);
    const waiting = checkIn(reader.deps, staff, { bookingIds: [high, low] });
    await untilBlocked(app);
    // The higher one is still free for the transaction that holds the lower one.
    await app.sql.query("select id from booking where id = $1 for update nowait", [high]);
    await app.sql.query("commit");
    expect((await waiting).checkedIn).toEqual([high, low]);
  });

  test("a booking that is just given back is not let in, and one that is in is not given back", async () => {
    let letIn = 0;
    for (let round = 0; round < 20; round += 1) {
      clock.set(testStart);
      const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
      at(startsAt);
      const give = () => refusalOf(refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" }));
      const open = () => checkInAs(staff, bookingId);
      const settled = await together<unknown>(round % 2 === 0 ? [give, open] : [open, give]);
      const { won } = outcomesOf(round % 2 === 0 ? settled : settled.toReversed());
      const { status } = await getBooking(deps, staff, { bookingId });
      if (status === "CheckedIn") {
        letIn += 1;
        expect(won).toEqual(["INVALID_BOOKING_STATUS", { ...nothing, checkedIn: [bookingId] }]);
      } else {
        expect(status).toBe("Refunded");
        expect(won).toEqual(["accepted", refused(bookingId, "NOT_CONFIRMED")]);
      }
    }
    console.log(`20 refunds against check-ins: ${letIn} were let in, ${20 - letIn} given back, none both.`);
  });

  test.each(["the door", "the refund"])("who comes first to the booking is first: %s", async (first) => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "A1");
    at(startsAt);
    const give = () => refusalOf(refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" }));
    const open = () => checkInAs(staff, bookingId);
    // Both wait for the lock of another transaction, one behind the other.
    await app.sql.query("begin");
    await app.sql.query("select id from booking where id = $1 for update", [bookingId]);
    const [one, two] = first === "the door" ? [open, give] : [give, open];
    const waiting: Promise<unknown> = one();
    await untilBlocked(app, 1);
    const behind: Promise<unknown> = two();
    await untilBlocked(app, 2);
    await app.sql.query("commit");
    expect(await Promise.all([waiting, behind])).toEqual(
      first === "the door"
        ? [{ ...nothing, checkedIn: [bookingId] }, "INVALID_BOOKING_STATUS"]
        : ["accepted", refused(bookingId, "NOT_CONFIRMED")],
    );
  });

  test("a show that is cancelled while people come gives all of them their money back", async () => {
    const showId = await givenShow(app);
    const ids = [
      await givenCounterSale(app, showId, "A1"),
      await givenCounterSale(app, showId, "A2"),
      await givenCounterSale(app, showId, "A3"),
    ];
    at(startsAt);
    await together<unknown>([
      ...ids.map((bookingId) => () => checkInAs(staff, bookingId)),
      () => cancelShow(deps, admin, { showId, reason: "A power cut" }),
      () => checkInAs(admin, ...ids),
    ]);
    await app.reconcile();
    for (const bookingId of ids)
      expect((await getBooking(deps, staff, { bookingId })).status).toBe("Refunded");
  });
});
