import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { watchMap } from "../../test/watch-seat-map.ts";
import type { BestSeats, Hold, SeatMap, Show } from "../contract/index.ts";

const app = await createTestApp();
beforeEach(() => app.clock.set(testStart));

const customer = await givenCustomer(app.deps);
const token = await tokenOf(app.deps, customer);
const showId = await givenShow(app, { date: "2026-03-12" });
const beyond = await givenShow(app, { date: "2026-03-17" });

/** The reads of a show, each with what it takes. */
const reads: [string, (showId: number) => object][] = [
  ["show.byId", (id) => ({ showId: id })],
  ["show.seatMap", (id) => ({ showId: id })],
  ["show.bestAvailable", (id) => ({ showId: id, count: 2 })],
];

describe("a visitor", () => {
  test("sees what is on, as a customer does", async () => {
    const input = { date: "2026-03-12" };
    const { status, data } = await query<Show[]>(app, "show.list", input);
    expect(status).toBe(200);
    expect(data?.map(({ id }) => id)).toEqual([showId]);
    expect(data).toEqual((await query(app, "show.list", input, { token })).data);
  });

  test.each(reads)("asks %s of a show and gets what a customer gets", async (path, inputOf) => {
    const { status, data } = await query(app, path, inputOf(showId));
    expect(status).toBe(200);
    expect(data).toEqual((await query(app, path, inputOf(showId), { token })).data);
  });

  test.each(reads)("is refused %s of a show outside the seven days", async (path, inputOf) => {
    const details = { from: "2026-03-10", to: "2026-03-16" };
    const { status, error } = await query(app, path, inputOf(beyond));
    expect([status, error?.data.domain]).toEqual([400, { code: "DATE_OUT_OF_RANGE", details }]);
  });

  test.each(["2026-03-09", "2026-03-17"])("is refused the list of %s", async (date) => {
    const { error } = await query(app, "show.list", { date });
    expect(error?.data.domain?.code).toBe("DATE_OUT_OF_RANGE");
  });

  test("sees no show of a day that is over, though a customer has a booking of it", async () => {
    const tonight = await givenShow(app, { date: "2026-03-10", slotId: 4 });
    const seats = { showId: tonight, seatNumbers: ["E5"] };
    const { data } = await mutate<Hold>(app, "booking.initialize", seats, { token });
    const payment = { bookingId: data!.bookingId, method: "Card", card: goodCard };
    expect((await mutate(app, "booking.pay", payment, { token })).status).toBe(200);
    app.clock.set(new Date("2026-03-10T18:30:00Z"));
    expect((await query(app, "show.byId", { showId: tonight }, { token })).status).toBe(200);
    expect((await query(app, "show.byId", { showId: tonight })).status).toBe(400);
  });

  test("still needs the API key", async () => {
    for (const [path, inputOf] of [...reads, ["show.cinema", () => ({})] as const]) {
      const { status, error } = await query(app, path, inputOf(showId), { apiKey: null });
      expect([status, error?.data.domain?.code]).toEqual([403, "INVALID_API_KEY"]);
    }
  });

  test("is told that a token is not good, instead of being shown less", async () => {
    const ended = await tokenOf(app.deps, await givenCustomer(app.deps));
    await mutate(app, "auth.logout", {}, { token: ended });
    for (const [path, inputOf] of reads) {
      const forged = await query(app, path, inputOf(showId), { token: "forged" });
      expect([forged.status, forged.error?.data.domain?.code]).toEqual([401, "INVALID_TOKEN"]);
      const over = await query(app, path, inputOf(showId), { token: ended });
      expect([over.status, over.error?.data.domain?.code]).toEqual([401, "SESSION_ENDED"]);
    }
  });

  test("may not hold seats", async () => {
    const input = { showId, seatNumbers: ["A1"] };
    expect((await mutate(app, "booking.initialize", input)).error?.data.domain?.code).toBe("MISSING_TOKEN");
  });

  test("finds the best seats and the same map as customers, live", async () => {
    const watching = await watchMap(app, { showId });
    expect((await watching.next())?.event).toMatchObject({ type: "snapshot" });
    const best = await query<BestSeats>(app, "show.bestAvailable", { showId, count: 2 });
    const seatNumbers = best.data!.seatNumbers;
    expect((await mutate(app, "booking.initialize", { showId, seatNumbers }, { token })).status).toBe(200);
    expect((await watching.next())?.event).toMatchObject({
      type: "changed",
      seats: seatNumbers.map((seatNumber) => ({ seatNumber, status: "held" })),
    });
    const map = (await query<SeatMap>(app, "show.seatMap", { showId })).data;
    expect(watching.map).toEqual(map);
    watching.leave();
  });

  test("loses the stream when the show's day is over, which is looked at each minute", async () => {
    const tonight = await givenShow(app, { date: "2026-03-10", slotId: 4 });
    await app.sql.query("update show set ends_at = '2026-03-10T20:00Z' where id = $1", [tonight]);
    const watching = await watchMap(app, { showId: tonight });
    await watching.next();
    app.clock.set(new Date("2026-03-10T18:30:00Z"));
    expect((await watching.next())?.error?.data).toMatchObject({ domain: { code: "DATE_OUT_OF_RANGE" } });
  });
});

describe("the cinema", () => {
  const asked = async (on = app) => (await query(on, "show.cinema")).data;

  test("says its name, zone, currency, time and limits", async () => {
    expect(await asked()).toEqual({
      name: "The Test Cinema",
      timeZone: "Asia/Kolkata",
      currency: "INR",
      today: "2026-03-10",
      now: testStart,
      holdSeconds: 300,
      maxSeatsPerBooking: 10,
      maxLiveHolds: 5,
    });
  });

  test("has the date of its own zone, as the server is set up", async () => {
    const settings = {
      cinemaName: "Roxy",
      cinemaTimeZone: "America/New_York",
      currency: "USD",
      holdSeconds: 60,
    };
    const roxy = await createTestApp({ beside: app, settings });
    roxy.clock.set(new Date("2026-03-11T02:00:00Z"));
    expect(await asked(roxy)).toMatchObject({
      name: "Roxy",
      timeZone: "America/New_York",
      currency: "USD",
      today: "2026-03-10",
      now: new Date("2026-03-11T02:00:00Z"),
      holdSeconds: 60,
    });
  });
});
