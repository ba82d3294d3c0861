import type { SeatMapEvent } from "@skyfox/server/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLiveServer, refusal, type Connection, type LiveServer } from "../test/live-server.ts";
import { seatMapOf } from "../test/seat-map-of.ts";
import { eventually, settle } from "../test/settle.ts";
import { realTabs, watchAt, type Watching, type WatchingOptions } from "../test/watching.ts";
import { domainErrorOf } from "./failures.ts";
import type { Tabs } from "./tabs.ts";

let server: LiveServer;
let opened: Watching[];

beforeEach(() => {
  server = createLiveServer();
  opened = [];
});

afterEach(async () => {
  for (const { abort } of opened) abort();
  await settle();
  await expectNothingLeft();
});

describe("tabs of one browser", () => {
  test("share one stream, and all follow it", async () => {
    const tabs = [await leader(), ...(await followers(6))];
    stream(0).send("6", sold("A1", 6));
    await eventually(() => tabs.every(({ seen }) => seen === "6 A1:sold A2:free"));
    expect(server.connections).toHaveLength(1);
    expect(tabs.map(({ status }) => status)).toEqual(tabs.map(() => "live"));
    expect(new Set(tabs.map(({ maps }) => String(maps.at(-1)?.prices.Standard)))).toEqual(new Set(["200"]));
  });

  test("have the map at once when they come later", async () => {
    await leader();
    const later = open();
    await eventually(() => later.status === "live");
    expect(later.statuses).toEqual(["catching-up", "live"]);
    expect(later.seen).toBe("5 A1:free A2:free");
    expect(server.connections).toHaveLength(1);
  });

  test("are not drawn again when another one comes", async () => {
    await leader();
    const [second] = (await followers(1)) as [Watching];
    await followers(1);
    await settle();
    expect(opened.map(({ maps }) => maps.length)).toEqual([1, 1, 1]);
    stream(0).send("6", sold("A1", 6));
    await eventually(() => second.seen === "6 A1:sold A2:free");
  });

  test("have it also when they come before its first snapshot", async () => {
    const first = open();
    await server.next();
    const second = open();
    await settle();
    expect(second.statuses).toEqual(["catching-up"]);
    stream(0).send("5", snapshot(5));
    await eventually(() => first.status === "live" && second.status === "live");
    expect(second.seen).toBe("5 A1:free A2:free");
  });

  test("hear how far the map can be trusted", async () => {
    const first = await leader();
    const [second] = await followers(1);
    stream(0).cut();
    await eventually(() => second?.status === "catching-up");
    first.timing.pass(150);
    await eventually(() => server.connections.length === 2);
    stream(1).send("6", sold("A1", 6));
    await eventually(() => second?.status === "live");
    expect(second?.seen).toBe("6 A1:sold A2:free");
  });

  test("hear of a change in one message", async () => {
    const posted: unknown[] = [];
    const tabs: Tabs = {
      locks: realTabs.locks,
      openChannel(name) {
        const channel = realTabs.openChannel(name);
        const post = channel.postMessage.bind(channel);
        channel.postMessage = (message) => {
          posted.push(message);
          post(message);
        };
        return channel;
      },
    };
    await leader({ tabs });
    const [second] = await followers(1);
    posted.length = 0;
    stream(0).send("6", sold("A1", 6));
    await eventually(() => second?.seen === "6 A1:sold A2:free");
    expect(posted).toHaveLength(1);
  });

  test("go on without a gap when the one with the stream is closed", async () => {
    const first = await leader();
    const [second, third] = await followers(2);
    stream(0).send("6", sold("A1", 6));
    await eventually(() => third?.seen === "6 A1:sold A2:free");
    first.abort();
    await eventually(() => server.connections.length === 2);
    expect(stream(0).isOpen).toBe(false);
    expect(stream(1).input).toEqual({ showId: 1, lastEventId: "6" });
    stream(1).send("7", sold("A2", 7));
    await eventually(() => third?.seen === "7 A1:sold A2:sold" && third.status === "live");
    expect([second?.seen, second?.status]).toEqual(["7 A1:sold A2:sold", "live"]);
    expect(server.connections).toHaveLength(2);
  });

  test("pass the stream on when their page is hidden, and follow when it is shown again", async () => {
    const first = await leader();
    const [second] = await followers(1);
    first.page.turn("hidden");
    await eventually(() => server.connections.length === 2);
    expect([first.status, stream(0).isOpen]).toEqual(["stale", false]);
    stream(1).send("6", sold("A1", 6));
    await eventually(() => second?.status === "live");
    expect(first.seen).toBe("5 A1:free A2:free");
    first.page.turn("shown");
    await eventually(() => first.status === "live");
    expect(first.seen).toBe("6 A1:sold A2:free");
    expect(server.connections).toHaveLength(2);
  });

  test("have no stream when all are hidden", async () => {
    const first = await leader();
    const [second] = await followers(1);
    second?.page.turn("hidden");
    first.page.turn("hidden");
    await settle();
    expect([server.connections.length, stream(0).isOpen]).toEqual([1, false]);
  });

  test("end together with the show", async () => {
    const tabs = [await leader(), ...(await followers(2))];
    stream(0).send("6", { type: "cancelled", reason: "A power cut." });
    await eventually(() => tabs.every(({ status }) => status === "ended"));
    expect(tabs.map(({ end }) => end)).toEqual(
      tabs.map(() => ({ why: "show-cancelled", reason: "A power cut." })),
    );
  });

  test("hear each for itself what SkyFox refuses", async () => {
    const first = await leader();
    const [second, third] = await followers(2);
    const error = refusal("UNAUTHORIZED", { code: "SESSION_ENDED", details: null });
    stream(0).fail(error);
    await eventually(() => first.status === "ended" && server.connections.length === 2);
    stream(1).send("6", sold("A1", 6));
    await eventually(() => second?.status === "live" && third?.seen === "6 A1:sold A2:free");
    expect(first.end?.why === "refused" && domainErrorOf(first.end.error)?.code).toBe("SESSION_ENDED");
  });
});

describe("streams are not shared", () => {
  test.for<[string, WatchingOptions]>([
    ["with another account", { token: "second" }],
    ["of another show", { showId: 2 }],
    [
      "where locks are refused",
      { tabs: { ...realTabs, locks: { request: () => Promise.reject(new Error()) } } },
    ],
    [
      "where channels are refused",
      {
        tabs: {
          ...realTabs,
          openChannel() {
            throw new Error("No channels here.");
          },
        },
      },
    ],
  ])("%s", async ([, options]) => {
    await leader();
    const other = open(options);
    await eventually(() => server.connections.length === 2);
    stream(1).send("9", snapshot(9));
    await eventually(() => other.status === "live");
    expect([opened[0]?.seen, other.seen]).toEqual(["5 A1:free A2:free", "9 A1:free A2:free"]);
  });

  test("with a token that another tab could read out of a name", async () => {
    const names: string[] = [];
    const tabs: Tabs = {
      locks: realTabs.locks,
      openChannel(name) {
        names.push(name);
        return realTabs.openChannel(name);
      },
    };
    await leader({ tabs, token: "secret" });
    expect(names).toEqual([expect.stringMatching(/^skyfox-seat-map-1-[0-9a-f]{64}$/)]);
  });
});

describe("a tab that is closed at once", () => {
  afterEach(() => vi.unstubAllGlobals());

  test.for(["with", "without"])("leaves nothing, %s Web Crypto", async (what) => {
    if (what === "without") vi.stubGlobal("crypto", {});
    open().abort();
    await settle();
    vi.unstubAllGlobals();
    const other = await leader({ token: "second" });
    expect([other.status, server.connections.length]).toEqual(["live", 1]);
  });
});

describe("a new token", () => {
  test("takes the tab with the stream to the tabs with that token, and leaves the stream to the others", async () => {
    const first = await leader();
    const [second] = await followers(1);
    first.token = "second";
    first.timing.pass(5_000);
    await eventually(() => server.connections.length === 3);
    const tokens = server.connections.map(({ headers }) => headers.get("authorization"));
    expect(tokens.filter((token) => token === "Bearer second")).toHaveLength(1);
    expect(server.connections.map(({ input }) => input)).toEqual([
      { showId: 1 },
      { showId: 1, lastEventId: "5" },
      { showId: 1, lastEventId: "5" },
    ]);
    expect([stream(0).isOpen, second?.seen]).toEqual([false, "5 A1:free A2:free"]);
  });

  test("takes a tab without a stream away as well", async () => {
    await leader();
    const [second] = await followers(1);
    if (second !== undefined) second.token = "second";
    second?.timing.pass(5_000);
    await eventually(() => server.connections.length === 2);
    expect(stream(1).headers.get("authorization")).toBe("Bearer second");
    expect(stream(0).isOpen).toBe(true);
  });

  test("that comes after the end begins nothing anew", async () => {
    const first = await leader();
    const [second] = (await followers(1)) as [Watching];
    const { promise, resolve } = Promise.withResolvers<void>();
    second.fetching = promise;
    second.token = "second";
    second.timing.pass(5_000);
    stream(0).send("5", { type: "ended" });
    await eventually(() => first.status === "ended" && second.status === "ended");
    const before = server.connections.length;
    resolve();
    await settle();
    expect([second.status, server.connections.length]).toEqual(["ended", before]);
  });

  test("that cannot be had at first is asked for again, and leads to the others", async () => {
    await leader();
    const second = open({ token: null });
    await eventually(() => second.timing.pending === 3);
    second.token = "first";
    second.timing.pass(150);
    await eventually(() => second.status === "live");
    expect([second.seen, server.connections.length]).toEqual(["5 A1:free A2:free", 1]);
  });
});

describe("a tab without the stream", () => {
  test("is stale and takes over when the one that has it says nothing for two heartbeats", async () => {
    await leader();
    const [second] = await followers(1);
    second?.timing.pass(29_999);
    await settle();
    expect([second?.status, server.connections.length]).toEqual(["live", 1]);
    second?.timing.pass(1);
    await eventually(() => server.connections.length === 2);
    expect(second?.statuses.at(-2)).toBe("stale");
    expect(stream(0).isOpen).toBe(false);
    stream(1).send("6", sold("A1", 6));
    await eventually(() => opened.every(({ seen }) => seen === "6 A1:sold A2:free"));
    expect(server.connections).toHaveLength(2);
  });

  test("leaves the stream where it is while that tab gives signs of life, though the server is quiet", async () => {
    const first = await leader();
    const [second] = await followers(1);
    for (let turn = 0; turn < 20; turn += 1) {
      stream(0).ping();
      await settle();
      first.timing.pass(5_000);
      await settle();
      second?.timing.pass(5_000);
      await settle();
    }
    expect([second?.statuses, server.connections.length]).toEqual([["catching-up", "live"], 1]);
  });

  test("asks for the map when the device slept, and takes nothing over", async () => {
    await leader();
    const [second] = await followers(1);
    second?.timing.sleep(60_000);
    second?.timing.pass(5_000);
    expect(second?.status).toBe("stale");
    await eventually(() => second?.status === "live");
    expect(server.connections).toHaveLength(1);
  });

  test("that has missed a change gets the whole map", async () => {
    await leader();
    const lossy = createLossyTabs();
    const second = open({ tabs: lossy.tabs });
    await eventually(() => second.status === "live");
    lossy.lose();
    stream(0).send("6", sold("A1", 6));
    await settle();
    expect(second.seen).toBe("5 A1:free A2:free");
    stream(0).send("7", sold("A2", 7));
    await eventually(() => second.status === "live" && second.seen === "7 A1:sold A2:sold");
    expect(second.statuses).toEqual(["catching-up", "live", "catching-up", "live"]);
  });

  test("that has missed a change and the map after it is not live before it has one", async () => {
    const first = await leader();
    const lossy = createLossyTabs();
    const second = open({ tabs: lossy.tabs });
    await eventually(() => second.status === "live");
    lossy.lose();
    stream(0).send("6", sold("A1", 6));
    await settle();
    second.heard = () => {
      if (second.status === "catching-up" && lossy.lost === 1) lossy.lose();
    };
    stream(0).send("7", sold("A2", 7));
    await eventually(() => lossy.lost === 2);
    first.timing.pass(5_000);
    await eventually(() => second.status === "live");
    expect(second.seen).toBe("7 A1:sold A2:sold");
  });

  test("that came back takes no change before it has the map", async () => {
    await leader();
    const lossy = createLossyTabs();
    const second = open({ tabs: lossy.tabs });
    await eventually(() => second.status === "live");
    second.page.turn("hidden");
    stream(0).send("6", sold("A1", 6));
    await settle();
    lossy.lose();
    second.page.turn("shown");
    await eventually(() => lossy.lost > 0);
    stream(0).send("7", sold("A2", 7));
    await eventually(() => second.status === "live");
    expect(second.seen).toBe("7 A1:sold A2:sold");
  });

  test("that missed the answer to its greeting is in step with the next sign of life", async () => {
    const first = await leader();
    const lossy = createLossyTabs();
    lossy.lose();
    const second = open({ tabs: lossy.tabs });
    await eventually(() => lossy.lost > 0);
    expect(second.status).toBe("catching-up");
    first.timing.pass(5_000);
    await eventually(() => second.status === "live");
    expect(second.seen).toBe("5 A1:free A2:free");
  });
});

describe("a tab whose caller stops the watch", () => {
  test.for<[string, "leader" | "follower", (tabs: { first: Watching; second: Watching }) => void]>([
    ["hears of silence, in place of taking over,", "follower", ({ second }) => second.timing.pass(30_000)],
    [
      "hears of silence after a sleep",
      "follower",
      ({ second }) => {
        second.timing.sleep(60_000);
        second.timing.pass(5_000);
      },
    ],
    ["gets a change", "follower", () => stream(0).send("6", sold("A1", 6))],
    ["hears of a cut", "follower", () => stream(0).cut()],
    ["is about to lead", "follower", ({ first }) => first.page.turn("hidden")],
    ["gets a change from the server", "leader", () => stream(0).send("6", sold("A1", 6))],
    ["hears of a cut itself", "leader", () => stream(0).cut()],
    ["hears of the server's silence", "leader", ({ first }) => first.timing.pass(30_000)],
  ])("as it %s leaves nothing", async ([, role, happen]) => {
    const first = await leader();
    const [second] = (await followers(1)) as [Watching];
    const stopped = role === "leader" ? first : second;
    const left = role === "leader" ? second : first;
    const heard = stopped.maps.length + stopped.statuses.length;
    stopped.heard = stopped.abort;
    happen({ first, second });
    await eventually(() => stopped.maps.length + stopped.statuses.length > heard);
    expect([stopped.maps.length + stopped.statuses.length, stopped.timing.pending]).toEqual([heard + 1, 0]);
    left.page.turn("hidden");
    await settle();
    await expectNothingLeft();
  });

  test("as it falls behind leaves nothing", async () => {
    const first = await leader();
    const lossy = createLossyTabs();
    const second = open({ tabs: lossy.tabs });
    await eventually(() => second.status === "live");
    lossy.lose();
    stream(0).send("6", sold("A1", 6));
    await settle();
    second.heard = second.abort;
    stream(0).send("7", sold("A2", 7));
    await eventually(() => second.status === "catching-up");
    expect([first.status, stream(0).isOpen, server.connections.length]).toEqual(["live", true, 1]);
    first.abort();
    await settle();
    await expectNothingLeft();
  });

  test("as it hears of silence leaves the stream where it is", async () => {
    const first = await leader();
    const [second] = (await followers(1)) as [Watching];
    second.heard = second.abort;
    second.timing.pass(30_000);
    await settle();
    stream(0).send("6", sold("A1", 6));
    await eventually(() => first.seen === "6 A1:sold A2:free");
    expect([stream(0).isOpen, server.connections.length]).toEqual([true, 1]);
  });
});

async function expectNothingLeft(): Promise<void> {
  expect(opened.filter(({ timing }) => timing.pending > 0)).toEqual([]);
  expect(server.connections.filter(({ isOpen }) => isOpen)).toEqual([]);
  const { held, pending } = await navigator.locks.query();
  expect([...held, ...pending]).toEqual([]);
}

/** Opens a tab and waits until it has the stream and shows version 5. */
async function leader(options?: WatchingOptions): Promise<Watching> {
  const watching = open(options);
  const connection = await server.next();
  connection.send("5", snapshot(5));
  await eventually(() => watching.status === "live");
  return watching;
}

/** Opens more tabs and waits until they follow. */
async function followers(count: number): Promise<Watching[]> {
  const tabs = Array.from({ length: count }, () => open());
  await eventually(() => tabs.every(({ status }) => status === "live"));
  return tabs;
}

function open(options: WatchingOptions = {}): Watching {
  const watching = watchAt(server, { tabs: realTabs, ...options });
  opened.push(watching);
  return watching;
}

function stream(index: number): Connection {
  const connection = server.connections[index];
  if (connection === undefined) throw new Error("There is no such stream.");
  return connection;
}

/** Tabs that lose the next message they would hear. */
function createLossyTabs() {
  let toLose = 0;
  const lossy = {
    lost: 0,
    lose: () => void (toLose += 1),
    tabs: {
      locks: realTabs.locks,
      openChannel(name: string) {
        const channel = realTabs.openChannel(name);
        const listen = channel.addEventListener.bind(channel);
        channel.addEventListener = (type, listener) =>
          listen(type, (event) => {
            if (toLose === 0) return listener(event);
            toLose -= 1;
            lossy.lost += 1;
          });
        return channel;
      },
    } satisfies Tabs,
  };
  return lossy;
}

function snapshot(version: number): SeatMapEvent {
  return { type: "snapshot", seatMap: seatMapOf(version, { A1: "free", A2: "free" }) };
}

function sold(seatNumber: string, version: number): SeatMapEvent {
  return { type: "changed", version, seats: [{ seatNumber, status: "sold" }] };
}
