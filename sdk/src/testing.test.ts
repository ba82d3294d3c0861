import { afterEach, describe, expect, test, vi } from "vitest";
import { errorOf } from "../test/connect.ts";
import { Decimal, type SeatMap } from "./index.ts";
import { createTestFetch } from "./test-server.ts";
import { createTestClient, makeBooking, makeHold, makeSeatMap, makeShow } from "./testing.ts";

const card = {
  number: "4242424242424242",
  cvv: "123",
  expiryMonth: "12",
  expiryYear: "39",
  cardholderName: "A. Customer",
};

describe("a handler", () => {
  test("gets the input and gives the output with their types", async () => {
    const given: unknown[] = [];
    const client = createTestClient({
      "show.byId": ({ showId }) => makeShow({ id: showId }),
      "show.list": async () => [makeShow()],
      "wallet.addFunds": ({ amount, card: { number } }) => {
        given.push(amount, number);
        const funds = new Decimal(amount);
        return {
          username: "a",
          balance: funds,
          available: funds,
          updatedAt: new Date(),
          transactionId: "t",
        };
      },
    });
    const [one, list] = await Promise.all([
      client.show.byId.query({ showId: 7 }),
      client.show.list.query({ date: "2026-03-12" }),
    ]);
    expect([one.id, one.startsAt instanceof Date, Decimal.isDecimal(one.cost)]).toEqual([7, true, true]);
    expect(list).toHaveLength(1);
    const { balance } = await client.wallet.addFunds.mutate({ amount: new Decimal("12.50"), card });
    expect(given).toEqual([new Decimal("12.50"), card.number]);
    expect(balance.toFixed(2)).toBe("12.50");
  });

  test("refuses with a code of its procedure, as the server does", async () => {
    const client = createTestClient({
      "booking.initialize": ({ seatNumbers }, { refuse }) => refuse("SEATS_UNAVAILABLE", { seatNumbers }),
      "auth.login": (_input, { refuse }) => refuse("INVALID_CREDENTIALS"),
      "booking.list": (_input, { refuse }) =>
        refuse("VALIDATION_ERROR", [{ field: "cursor", message: "There is no such page." }]),
    });
    expect(await client.booking.initialize.safe({ showId: 1, seatNumbers: ["A1"] })).toMatchObject({
      ok: false,
      error: {
        code: "SEATS_UNAVAILABLE",
        details: { seatNumbers: ["A1"] },
        message: "Some of these seats are taken.",
        requestId: "test-1",
        mayHaveHappened: false,
      },
    });
    const login = client.auth.login.mutate({ username: "a", password: "b" });
    expect(await errorOf(login)).toHaveProperty("data", {
      code: "UNAUTHORIZED",
      httpStatus: 401,
      path: "auth.login",
      requestId: "test-2",
      domain: { code: "INVALID_CREDENTIALS", details: null },
      fields: null,
    });
    expect(await client.booking.list.safe()).toMatchObject({
      error: { code: "VALIDATION_ERROR", details: null, fields: [{ field: "cursor" }] },
    });
  });

  test("that fails says so in the error of the call", async () => {
    const client = createTestClient({
      "auth.me": () => {
        throw new Error("The fixture is missing.");
      },
    });
    expect(await client.auth.me.safe()).toMatchObject({
      error: { code: "UNEXPECTED", message: 'The handler of "auth.me" failed: The fixture is missing.' },
    });
  });
});

describe("a call without a handler", () => {
  afterEach(() => vi.restoreAllMocks());

  test("names it in the error and on the console, and is not repeated", async () => {
    const written = vi.spyOn(console, "error").mockReturnValue();
    const client = createTestClient({});
    const message =
      'The test client has no handler for "booking.list". Add one: createTestClient({ "booking.list": (input) => … }).';
    await expect(client.booking.list.query()).rejects.toThrow(message);
    expect(await client.exports.bookingsCsv.safe()).toMatchObject({
      error: { code: "UNEXPECTED", message: expect.stringContaining('"exports.bookingsCsv"') as string },
    });
    expect(written.mock.calls).toEqual([[message], [expect.stringContaining('"exports.bookingsCsv"')]]);
  });

  test("ends a seat map that is watched", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const end = await watch(createTestClient({})).ended;
    expect(end).toMatchObject({ why: "refused", error: { data: { path: "show.watchSeatMap" } } });
  });
});

describe("the real links", () => {
  afterEach(() => vi.useRealTimers());

  test("repeat a payment whose answer is lost, with its key", async () => {
    const keys: (string | undefined)[] = [];
    const client = createTestClient({
      "booking.pay": ({ bookingId }, { idempotencyKey, loseAnswer }) => {
        keys.push(idempotencyKey);
        return keys.length === 1 ? loseAnswer() : makeBooking({ bookingId });
      },
    });
    vi.useFakeTimers();
    const input = { bookingId: 3, method: "Card", card } as const;
    const paying = client.booking.pay.mutate(input, { idempotencyKey: "order-3" });
    await vi.advanceTimersByTimeAsync(300);
    expect(await paying).toMatchObject({ bookingId: 3 });
    expect(keys).toEqual(["order-3", "order-3"]);
  });

  test("say that nothing was answered when they may not repeat", async () => {
    const client = createTestClient(
      { "booking.cancel": (_input, { loseAnswer }) => loseAnswer() },
      { retries: 0 },
    );
    expect(await client.booking.cancel.safe({ bookingId: 1 })).toMatchObject({
      error: { code: "NETWORK", mayHaveHappened: true },
    });
  });

  test("end a call that takes too long, also outside of tRPC", async () => {
    const never = () => Promise.withResolvers<never>().promise;
    const client = createTestClient(
      { "booking.latest": never, "exports.bookingsXlsx": never },
      { timeoutMs: 10, retries: 0 },
    );
    expect(await client.booking.latest.safe()).toMatchObject({ error: { code: "TIMEOUT" } });
    expect(await client.exports.bookingsXlsx.safe()).toMatchObject({ error: { code: "TIMEOUT" } });
  });

  test("work with the signals of a simulated browser, which the runtime's own Request refuses", async () => {
    const foreign = Object.assign(new EventTarget(), { aborted: false, reason: undefined }) as AbortSignal;
    expect(() => new Request("http://skyfox.test", { signal: foreign })).toThrow(TypeError);
    const answering = createTestFetch({ "booking.latest": () => null });
    const { status } = await answering("http://skyfox.test/trpc/booking.latest", { signal: foreign });
    expect(status).toBe(200);
  });

  test("report each request to hooks", async () => {
    const seen: unknown[] = [];
    const client = createTestClient(
      { "booking.latest": () => null },
      { onResponse: ({ calls, status, requestId }) => seen.push([calls, status, requestId]) },
    );
    await client.booking.latest.query();
    expect(seen).toEqual([[["booking.latest"], 200, "test-1"]]);
  });
});

test("exports and ticket keys are answered, and refused, as the rest is", async () => {
  const client = createTestClient({
    "exports.bookingsCsv": ({ month, year }) => ({
      filename: `bookings_${month}_${year}.csv`,
      stream: new Blob(["a,b"]).stream(),
    }),
    "exports.bookingsXlsx": (_input, { refuse }) => refuse("FORBIDDEN", { requiredRoles: ["staff"] }),
    "tickets.keys": () => ({ keys: [] }),
  });
  const { filename, stream } = await client.exports.bookingsCsv({ month: 4, year: 2026 });
  expect([filename, await new Response(stream).text()]).toEqual(["bookings_4_2026.csv", "a,b"]);
  expect(await client.exports.bookingsXlsx.safe()).toMatchObject({
    error: { code: "FORBIDDEN", details: { requiredRoles: ["staff"] }, requestId: "test-2" },
  });
  expect(await client.tickets.keys()).toEqual({ keys: [] });
});

describe("a seat map that is watched", () => {
  test("is brought up to date by each event, until the show is over", async () => {
    const { maps, ended } = watch(
      createTestClient({
        "show.watchSeatMap": async function* ({ showId }) {
          yield { type: "snapshot", seatMap: makeSeatMap({ showId }) };
          yield { type: "changed", version: 2, seats: [{ seatNumber: "A1", status: "sold" }] };
          yield { type: "ended" };
        },
      }),
    );
    expect(await ended).toEqual({ why: "show-over" });
    expect(maps.map(({ showId, version, rows }) => [showId, version, rows[0]?.seats[0]?.status])).toEqual([
      [5, 1, "free"],
      [5, 2, "sold"],
    ]);
  });

  test("may be refused", async () => {
    const { ended } = watch(
      createTestClient({ "show.watchSeatMap": (_input, { refuse }) => refuse("SHOW_NOT_FOUND") }),
    );
    expect(await ended).toMatchObject({ error: { data: { domain: { code: "SHOW_NOT_FOUND" } } } });
  });

  test("may be one map, which stays as it is until the watch ends", async () => {
    const { signals, live, stop } = watched();
    expect((await live).rows).toHaveLength(5);
    stop.abort();
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).toEqual([true]));
  });

  function watched() {
    const signals: AbortSignal[] = [];
    const stop = new AbortController();
    const first = Promise.withResolvers<SeatMap>();
    createTestClient({
      "show.watchSeatMap": (_input, { signal }) => {
        signals.push(signal);
        return makeSeatMap();
      },
    }).watchSeatMap(5, { onChange: first.resolve, signal: stop.signal });
    return { signals, live: first.promise, stop };
  }
});

test("what makes holds is typed as the client's own", async () => {
  const client = createTestClient({
    "booking.initialize": ({ showId, seatNumbers }) => makeHold({ showId, seatNumbers }),
  });
  const hold = await client.booking.initialize.mutate({ showId: 4, seatNumbers: ["B1"] });
  expect([hold.showId, hold.amountDue.toFixed(2)]).toEqual([4, "200.00"]);
});

function watch(client: ReturnType<typeof createTestClient>) {
  const maps: SeatMap[] = [];
  const ended = new Promise<unknown>((resolve) => {
    client.watchSeatMap(5, {
      onChange: (seatMap) => maps.push(seatMap),
      onStatus: (_status, end) => end && resolve(end),
      signal: new AbortController().signal,
    });
  });
  return { maps, ended };
}
