import { afterAll, describe, expect, test } from "vitest";
import { startCountingProxy, type CountingProxy } from "../../test/count-round-trips.ts";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import type { Booking, BookingPage, Hold } from "../contract/index.ts";
import { holdSeats } from "../booking/hold-seats.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps, clock } = app;

async function givenSignedIn() {
  const user = await givenCustomer(deps);
  return { user, token: await tokenOf(deps, user) };
}

describe("round trips to the database", () => {
  let proxy: CountingProxy | undefined;
  afterAll(() => proxy?.close());

  test("initialize on free seats, and initializeBest, cost two: a look and one statement that is its own transaction", async () => {
    const counting = await startCountingProxy(app.databaseUrl);
    proxy = counting;
    const counted = await createTestApp({ beside: app, maxConnections: 1, databaseUrl: () => counting.url });
    const { token } = await givenSignedIn();
    const showId = await givenShow(app);
    counted.deps.sessions.proven(Infinity);
    // The first call opens the one connection, and reads the session.
    await query(counted, "show.list", {}, { token });
    for (const seatNumbers of [["A1"], ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10"]]) {
      const trips = await counting.count(async () => {
        const answer = await mutate<Hold>(counted, "booking.initialize", { showId, seatNumbers }, { token });
        expect(answer.data?.seatNumbers).toEqual(seatNumbers);
      });
      expect(trips).toBe(2);
    }
    const trips = await counting.count(async () => {
      const answer = await mutate<Hold>(counted, "booking.initializeBest", { showId, count: 2 }, { token });
      expect(answer.data?.seatNumbers).toEqual(["G5", "G6"]);
    });
    expect(trips).toBe(2);
  });
});

describe("one's own bookings", () => {
  test("are listed newest first in pages, each once, and the latest is the first of them", async () => {
    const { user, token } = await givenSignedIn();
    const showId = await givenShow(app);
    expect((await query(app, "booking.latest", undefined, { token })).data).toBeNull();
    const made: number[] = [];
    for (let index = 1; index <= 5; index += 1) {
      const { bookingId } = await holdSeats(deps, user, { showId, seatNumbers: [`A${index}`] });
      made.unshift(bookingId);
    }
    const seen: number[] = [];
    let cursor: string | null | undefined;
    let pages = 0;
    do {
      const page = await query<BookingPage>(
        app,
        "booking.list",
        { limit: 2, ...(cursor && { cursor }) },
        { token },
      );
      seen.push(...page.data!.items.map(({ bookingId }) => bookingId));
      cursor = page.data!.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect(seen).toEqual(made);
    expect(pages).toBe(3);
    expect((await query<Booking>(app, "booking.latest", {}, { token })).data?.bookingId).toBe(made[0]);
    expect((await query<BookingPage>(app, "booking.list", undefined, { token })).data?.items).toHaveLength(5);
    for (const input of [
      { cursor: "1; drop" },
      { cursor: "0" },
      { limit: 0 },
      { limit: 101 },
      { status: "Paid" },
    ]) {
      const answer = await query(app, "booking.list", input, { token });
      expect([answer.status, answer.error?.data.domain?.code]).toEqual([400, "VALIDATION_ERROR"]);
    }
  });

  test("a hold is shown as a hold, and not as paid", async () => {
    const { user, token } = await givenSignedIn();
    const { bookingId } = await holdSeats(deps, user, { showId: await givenShow(app), seatNumbers: ["A1"] });
    const { data } = await query<Booking>(app, "booking.byId", { bookingId }, { token });
    expect(data).toMatchObject({ status: "Pending", paymentType: null, transactionId: null, refund: null });
    expect(data?.amountPaid.toFixed(2)).toBe("0.00");
    expect(data?.amountDue.toFixed(2)).toBe("200.00");
    expect(data?.expiresAt?.getTime()).toBe(clock.now().getTime() + 300_000);
    expect([data?.showDate, data?.showTime]).toEqual(["2026-03-11", "16:30"]);
  });
});

describe("who may", () => {
  test("read a booking: its owner, staff and admins; to another customer it does not exist", async () => {
    const { user, token } = await givenSignedIn();
    const { bookingId } = await holdSeats(deps, user, { showId: await givenShow(app), seatNumbers: ["A1"] });
    const others = {
      owner: token,
      stranger: (await givenSignedIn()).token,
      staff: await tokenOf(deps, await givenStaff(deps, "staff")),
      admin: await tokenOf(deps, await givenStaff(deps, "admin")),
    };
    const statusFor = async (id: number, who: keyof typeof others) =>
      (await query(app, "booking.byId", { bookingId: id }, { token: others[who] })).status;
    expect(await statusFor(bookingId, "owner")).toBe(200);
    expect(await statusFor(bookingId, "staff")).toBe(200);
    expect(await statusFor(bookingId, "admin")).toBe(200);
    const stranger = await query(app, "booking.byId", { bookingId }, { token: others.stranger });
    const nobody = await query(app, "booking.byId", { bookingId: 999_999_999 }, { token: others.stranger });
    expect([stranger.status, stranger.error?.data.domain]).toEqual([
      404,
      { code: "BOOKING_NOT_FOUND", details: null },
    ]);
    expect({ ...nobody.error?.data, requestId: "" }).toEqual({ ...stranger.error?.data, requestId: "" });
  });

  const forCustomers = [
    "initialize",
    "initializeBest",
    "changeSeats",
    "pay",
    "cancel",
    "list",
    "latest",
  ] as const;
  const mutations = new Set<string>(["initialize", "initializeBest", "changeSeats", "pay", "cancel"]);

  test.each(forCustomers)("call booking.%s: customers only", async (name) => {
    const call = mutations.has(name) ? mutate : query;
    for (const role of ["staff", "admin"] as const) {
      const token = await tokenOf(deps, await givenStaff(deps, role));
      const answer = await call(app, `booking.${name}`, {}, { token });
      expect([answer.status, answer.error?.data.domain]).toEqual([
        403,
        { code: "FORBIDDEN", details: { requiredRoles: ["customer"] } },
      ]);
    }
    const anonymous = await call(app, `booking.${name}`, {});
    expect([anonymous.status, anonymous.error?.data.domain?.code]).toEqual([401, "MISSING_TOKEN"]);
  });
});

describe("input that can never be right", () => {
  const cases: [string, unknown, string][] = [
    ["no seats", [], "VALIDATION_ERROR"],
    ["the same seat twice", ["A1", "A1"], "INVALID_SEAT"],
    ["a lower-case seat", ["a1"], "INVALID_SEAT"],
    ["a padded seat", ["A01"], "INVALID_SEAT"],
    ["eleven seats", Array.from({ length: 11 }, (_, index) => `A${index + 1}`), "TOO_MANY_SEATS"],
    ["two hundred seats", Array.from({ length: 200 }, () => "A1"), "TOO_MANY_SEATS"],
    ["ten thousand seats", Array.from({ length: 10_000 }, () => "A1"), "VALIDATION_ERROR"],
    ["a number", 7, "VALIDATION_ERROR"],
    ["a NUL", ["A1\0"], "VALIDATION_ERROR"],
  ];

  test.each(cases)("%s", async (_what, seatNumbers, code) => {
    const { token } = await givenSignedIn();
    const answer = await mutate(app, "booking.initialize", { showId: 1, seatNumbers }, { token });
    expect([answer.status, answer.error?.data.domain?.code]).toEqual([400, code]);
  });

  const cards: [string, object, string[]][] = [
    ["a wrong check digit", { number: "4242424242424241" }, ["card.number"]],
    ["letters in the number", { number: "4242abcd42424242" }, ["card.number"]],
    ["Arabic digits", { number: "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢" }, ["card.number"]],
    ["month 13 and a long cvv", { expiryMonth: "13", cvv: "12345" }, ["card.cvv", "card.expiryMonth"]],
    ["no name", { cardholderName: "  " }, ["card.cardholderName"]],
    ["a field too many", { pin: "1234" }, ["card.pin"]],
  ];

  test.each(cards)(
    "a card with %s is refused by name of the field, before any call",
    async (_what, change, fields) => {
      const { user, token } = await givenSignedIn();
      const { bookingId } = await holdSeats(deps, user, {
        showId: await givenShow(app),
        seatNumbers: ["A1"],
      });
      const calls = app.gateway.calls().length;
      const card = { ...goodCard, ...change };
      const answer = await mutate(app, "booking.pay", { bookingId, method: "Card", card }, { token });
      expect([answer.status, answer.error?.data.domain?.code]).toEqual([400, "VALIDATION_ERROR"]);
      expect(answer.error?.data.fields?.map(({ field }) => field).toSorted()).toEqual(fields);
      expect(app.gateway.calls()).toHaveLength(calls);
      expect(answer.text).not.toContain(card.number);
    },
  );

  test.each([0, -1, 1.5, 2 ** 53, "1", null])("the booking id %j", async (bookingId) => {
    const { token } = await givenSignedIn();
    const answer = await query(app, "booking.byId", { bookingId }, { token });
    expect([answer.status, answer.error?.data.domain?.code]).toEqual([400, "VALIDATION_ERROR"]);
  });
});

test("a hold made at one server is paid at another, and the first one's monitor does no harm", async () => {
  const other = await createTestApp({ beside: app });
  const { user, token } = await givenSignedIn();
  const { bookingId } = await holdSeats(deps, user, { showId: await givenShow(app), seatNumbers: ["A1"] });
  const answer = await mutate<Booking>(
    other,
    "booking.pay",
    { bookingId, method: "Card", card: goodCard },
    { token },
  );
  expect(answer.data?.status).toBe("Confirmed");
  clock.advance(300_000);
  await deps.monitors.settled();
  expect((await query<Booking>(app, "booking.byId", { bookingId }, { token })).data?.status).toBe(
    "Confirmed",
  );
});

test("a refusal repeats no more of a seat's name than seats have", async () => {
  const { token } = await givenSignedIn();
  const input = { showId: 1, seatNumbers: ["A".repeat(5_000)] };
  const { error } = await mutate(app, "booking.initialize", input, { token });
  expect(error?.data.domain).toEqual({ code: "INVALID_SEAT", details: { seatNumbers: ["A".repeat(20)] } });
});
