import { describe, expect, test } from "vitest";
import { givenHold } from "../../test/given-money.ts";
import { givenCustomer, givenShow } from "../../test/given.ts";
import { rest } from "../../test/rest-call.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { readEvents } from "../../test/watch-seat-map.ts";
import type { SeatMapEvent } from "../contract/index.ts";

const app = await createTestApp();

/** The events of a show as any client of Server-Sent Events reads them, without comments. */
async function watch(showId: number, headers: Record<string, string> = {}, search = "") {
  const leaving = new AbortController();
  const response = await app.app.request(`/api/v1/shows/${showId}/seat-map/events${search}`, {
    headers: headersFor({ headers }),
    signal: leaving.signal,
  });
  const events = readEvents(response.body!);
  return {
    response,
    leave: () => leaving.abort(),
    async next() {
      for (;;) {
        const { value } = await events.next();
        if (value === undefined || value.data !== "")
          return value && { ...value, data: JSON.parse(value.data) as SeatMapEvent };
      }
    },
  };
}

describe("the live seat map", () => {
  test("is a stream of plain events with ids, after which a caller goes on", async () => {
    const showId = await givenShow(app, { cost: "200" });
    const first = await watch(showId);
    expect(first.response.status).toBe(200);
    expect(first.response.headers.get("content-type")).toBe("text/event-stream");
    expect(first.response.headers.get("cache-control")).toBe("no-store");
    const snapshot = await first.next();
    expect(snapshot).toMatchObject({
      name: "message",
      data: { type: "snapshot", seatMap: { showId, prices: { Standard: "200.00", Deluxe: "350.00" } } },
    });
    await givenHold(app, await givenCustomer(app.deps), { showId, seat: "A1" });
    app.deps.liveMaps.changed(showId);
    expect(await first.next()).toMatchObject({
      id: expect.any(String) as string,
      data: { type: "changed", seats: [{ seatNumber: "A1", status: "held" }] },
    });
    // The header is newer than what a browser's first request had in its address.
    const again = await watch(showId, { "last-event-id": snapshot!.id! }, "?lastEventId=none");
    expect(await again.next()).toMatchObject({ data: { type: "changed", seats: [{ seatNumber: "A1" }] } });
    again.leave();
    first.leave();
    expect(await first.next()).toBeUndefined();
  });

  test("is refused with a status before it begins", async () => {
    const { status, body } = await rest(app, "GET /shows/999999/seat-map/events");
    expect([status, body.code]).toEqual([404, "SHOW_NOT_FOUND"]);
    const few = await createTestApp({ beside: app, streams: { inAll: 1, perAddress: 1 } });
    const showId = await givenShow(app);
    const only = await few.app.request(`/api/v1/shows/${showId}/seat-map/events`, { headers: headersFor() });
    const full = await rest(few, `GET /shows/${showId}/seat-map/events`);
    expect([full.status, full.headers.get("retry-after")]).toEqual([
      429,
      String(full.body.details?.["retryAfterSeconds"]),
    ]);
    await only.body?.cancel();
    const next = await few.app.request(`/api/v1/shows/${showId}/seat-map/events`, { headers: headersFor() });
    expect(next.status).toBe(200);
    await next.body?.cancel();
  });

  test("that waits for its first event keeps no other call waiting", async () => {
    const showId = await givenShow(app);
    await app.sql.query("begin");
    await app.sql.query("lock table seat_claim in access exclusive mode");
    const watches = Promise.all(Array.from({ length: 8 }, async () => await watch(showId)));
    await app.sql.query("select 1");
    expect((await rest(app, "GET /cinema")).status).toBe(200);
    await app.sql.query("rollback");
    for (const { response, leave } of await watches) {
      expect(response.status).toBe(200);
      leave();
    }
  });
});
