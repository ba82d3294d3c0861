import { Decimal, type SeatMapEvent } from "@skyfox/server/contract";
import { beforeEach, describe, expect, test } from "vitest";
import { createLiveServer, refusal, type LiveServer } from "../test/live-server.ts";
import { seatMapOf } from "../test/seat-map-of.ts";
import { settle } from "../test/settle.ts";
import { createPage, watchAt, type Watching } from "../test/watching.ts";

let server: LiveServer;

beforeEach(() => {
  server = createLiveServer();
});

describe("a watched seat map", () => {
  test("is the whole map after every change", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    send(1, sold("A2", 6));
    await settle();
    expect(watching.maps).toEqual([
      seatMapOf(5, { A1: "free", A2: "free" }),
      seatMapOf(6, { A1: "free", A2: "sold" }),
    ]);
    expect(Decimal.isDecimal(watching.maps[1]?.prices.Standard)).toBe(true);
    expect(watching.statuses).toEqual(["catching-up", "live"]);
    expect(server.connections[0]?.input).toEqual({ showId: 1 });
    watching.abort();
  });

  test("catches up after a cut, from its last event, and is live with the next", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    server.connections[0]?.cut();
    await settle();
    expect(watching.statuses).toEqual(["catching-up", "live", "catching-up"]);
    watching.timing.pass(150);
    await settle();
    expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "5" });
    send(2, sold("A1", 7));
    await settle();
    expect([watching.status, watching.seen]).toEqual(["live", "7 A1:sold A2:free"]);
    watching.abort();
  });

  test("is stale after two silent heartbeats, until it has caught up", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    watching.timing.pass(29_999);
    await settle();
    expect(watching.status).toBe("live");
    server.refuse(new Response("<h1>Bad Gateway</h1>", { status: 502 }));
    watching.timing.pass(1);
    await settle();
    expect(watching.status).toBe("stale");
    watching.timing.pass(150);
    await settle();
    send(2, sold("A1", 6));
    await settle();
    expect(watching.statuses.slice(1)).toEqual(["live", "stale", "catching-up", "live"]);
    watching.abort();
  });

  test("never goes back, and resumes from what it shows", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    send(1, snapshot(4));
    send(1, sold("A1", 3));
    await settle();
    expect(watching.maps.map(({ version }) => version)).toEqual([5]);
    watching.page.turn("hidden");
    watching.page.turn("shown");
    await settle();
    expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "5" });
    watching.abort();
  });

  test("does not change with an event that changes nothing", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    send(1, { type: "changed", version: 5, seats: [] });
    await settle();
    expect(watching.maps).toHaveLength(1);
    watching.abort();
  });

  test("follows a new token without a gap", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    watching.token = "second";
    watching.timing.pass(5_000);
    await settle();
    send(2, sold("A1", 6));
    await settle();
    expect(server.connections[1]?.headers.get("authorization")).toBe("Bearer second");
    expect(server.connections[0]?.isOpen).toBe(false);
    expect([watching.status, watching.seen]).toEqual(["live", "6 A1:sold A2:free"]);
    watching.abort();
  });
});

describe("the end", () => {
  test.for<[string, () => void, unknown]>([
    ["the show is over", () => send(1, { type: "ended" }), { why: "show-over" }],
    ["the server ends it", () => server.connections[0]?.end(), { why: "show-over" }],
    [
      "the show is cancelled",
      () => send(1, { type: "cancelled", reason: "A power cut." }),
      { why: "show-cancelled", reason: "A power cut." },
    ],
    [
      "the session has ended",
      () => server.connections[0]?.fail(refusal("UNAUTHORIZED", { code: "SESSION_ENDED", details: null })),
      { why: "refused", error: { data: { domain: { code: "SESSION_ENDED" } } } },
    ],
  ])("comes once and with its reason when %s", async ([, happen, end]) => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    happen();
    await settle();
    watching.timing.pass(600_000);
    watching.page.turn("hidden");
    watching.page.turn("shown");
    await settle();
    expect(watching.statuses).toEqual(["catching-up", "live", "ended"]);
    expect(watching.end).toMatchObject(end as object);
    expect([server.connections.length, server.connections[0]?.isOpen, watching.timing.pending]).toEqual([
      1,
      false,
      0,
    ]);
  });
});

describe("an abort", () => {
  test("ends the stream, and nothing is called any more", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    watching.abort();
    send(1, sold("A1", 6));
    await settle();
    watching.page.turn("hidden");
    watching.page.turn("shown");
    await settle();
    expect(watching.statuses).toEqual(["catching-up", "live"]);
    expect(watching.maps).toHaveLength(1);
    expect([server.connections.length, server.connections[0]?.isOpen, watching.timing.pending]).toEqual([
      1,
      false,
      0,
    ]);
    expect(watching.page.listeners).toBe(0);
  });

  test("before the beginning opens nothing and says nothing", async () => {
    const watching = watchAt(server, { signal: AbortSignal.abort() });
    await settle();
    expect([server.connections.length, watching.statuses, watching.timing.pending]).toEqual([0, [], 0]);
    expect(watching.page.listeners).toBe(0);
  });

  test.for<[string, (watching: Watching) => void]>([
    ["of a cut", () => server.connections[0]?.cut()],
    [
      "of a new token",
      (watching) => {
        watching.token = "second";
        watching.timing.pass(5_000);
      },
    ],
    ["of silence", ({ timing }) => timing.pass(30_000)],
  ])("by the caller who hears %s leaves nothing", async ([, happen]) => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    watching.heard = watching.abort;
    happen(watching);
    await settle();
    expect([server.connections.length, server.connections[0]?.isOpen, watching.timing.pending]).toEqual([
      1,
      false,
      0,
    ]);
  });

  test("by the caller who has just got a map is followed by no status", async () => {
    const watching = watchAt(server);
    await settle();
    watching.heard = watching.abort;
    send(1, snapshot(5));
    await settle();
    expect([watching.maps.length, watching.statuses]).toEqual([1, ["catching-up"]]);
  });

  test("by the caller who is just being called works as well", async () => {
    const abort = new AbortController();
    const page = createPage(true);
    const watching = watchAt(server, { signal: abort.signal, page });
    watching.heard = () => abort.abort();
    page.turn("shown");
    await settle();
    expect(watching.statuses).toEqual(["stale", "catching-up"]);
    expect([server.connections.length, watching.timing.pending]).toEqual([0, 0]);
  });
});

test("a callback that throws breaks no stream, and its error reaches the page", async () => {
  const watching = watchAt(server);
  await settle();
  watching.heard = () => {
    throw new Error("A mistake of the page's.");
  };
  const before = watching.timing.pending;
  send(1, snapshot(5));
  await settle();
  expect(watching.timing.pending).toBe(before + 2);
  expect(() => watching.timing.pass(0)).toThrow("A mistake of the page's.");
  expect(() => watching.timing.pass(0)).toThrow("A mistake of the page's.");
  watching.heard = () => {};
  send(1, sold("A1", 6));
  await settle();
  expect(watching.maps).toHaveLength(2);
  watching.abort();
});

describe("a hidden page", () => {
  test("has no stream, and catches up when it is shown", async () => {
    const watching = watchAt(server);
    await settle();
    send(1, snapshot(5));
    await settle();
    watching.page.turn("hidden");
    await settle();
    expect([watching.status, server.connections[0]?.isOpen, watching.timing.pending]).toEqual([
      "stale",
      false,
      0,
    ]);
    watching.page.turn("shown");
    expect(watching.status).toBe("catching-up");
    await settle();
    expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "5" });
    send(2, sold("A1", 9));
    await settle();
    expect([watching.status, watching.seen]).toEqual(["live", "9 A1:sold A2:free"]);
    watching.abort();
  });

  test("opens none before it is shown", async () => {
    const page = createPage(true);
    const watching = watchAt(server, { page });
    await settle();
    expect([watching.statuses, server.connections.length]).toEqual([["stale"], 0]);
    page.turn("shown");
    await settle();
    expect(server.connections).toHaveLength(1);
    watching.abort();
  });
});

function send(connection: number, event: SeatMapEvent): void {
  const version =
    event.type === "snapshot" ? event.seatMap.version : event.type === "changed" ? event.version : 0;
  server.connections[connection - 1]?.send(String(version), event);
}

function snapshot(version: number): SeatMapEvent {
  return { type: "snapshot", seatMap: seatMapOf(version, { A1: "free", A2: "free" }) };
}

function sold(seatNumber: string, version: number): SeatMapEvent {
  return { type: "changed", version, seats: [{ seatNumber, status: "sold" }] };
}
