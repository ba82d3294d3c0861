import { TRPCError } from "@trpc/server";
import { transformer, type DomainProblem } from "@skyfox/server/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLiveServer, refusal, type Connection, type LiveServer } from "../test/live-server.ts";
import { createManualTiming, type ManualTiming } from "../test/manual-timing.ts";
import { settle } from "../test/settle.ts";
import { domainErrorOf } from "./failures.ts";
import { followStream } from "./live-stream.ts";
import type { Fetch } from "./timeout.ts";

let server: LiveServer;
let timing: ManualTiming;
let token: string | undefined;
let log: string[];
let close: () => void;
let refresh: (authorization: string | undefined) => Promise<boolean>;
/** Called with how often the token was asked for. */
let whenAsked: (time: number) => void;

beforeEach(() => {
  server = createLiveServer();
  timing = createManualTiming();
  token = "first";
  log = [];
  whenAsked = () => {};
  refresh = () => Promise.resolve(false);
});

afterEach(() => close());

describe("a subscription", () => {
  test("is asked for with its headers, and gives its events with their ids", async () => {
    const stream = await followed();
    stream.send("7", { free: 1 });
    stream.sendUntracked({ free: 2 });
    await settle();
    expect(log).toEqual(["connecting", "connected", '7: {"free":1}', '-: {"free":2}']);
    expect(stream.headers.get("authorization")).toBe("Bearer first");
    expect(stream.headers.get("accept")).toBe("text/event-stream");
    expect(stream.url.href).not.toContain("first");
    expect(stream.input).toEqual({ showId: 1 });
  });

  test("begins after the event that its caller has seen", async () => {
    const stream = await followed("7");
    expect(stream.input).toEqual({ showId: 1, lastEventId: "7" });
  });

  test("that was cut is resumed after its last event", async () => {
    const first = await followed("6");
    first.send("7", 1);
    first.sendUntracked(2);
    await settle();
    first.cut();
    await settle();
    timing.pass(150);
    await settle();
    expect(log.slice(2)).toEqual(["7: 1", "-: 2", "connecting: terminated", "connected"]);
    expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "7" });
  });

  test("that ends without a word was cut", async () => {
    const withoutEnd = new Response("event: connected\ndata: {}\n\n", {
      headers: { "content-type": "text/event-stream" },
    });
    server.refuse(withoutEnd);
    await followed();
    timing.pass(150);
    await settle();
    expect(log).toEqual(["connecting", "connected", "connecting: The stream was cut.", "connected"]);
  });

  test("whose generator throws a passing error is resumed", async () => {
    const stream = await followed();
    stream.fail(new TRPCError({ code: "SERVICE_UNAVAILABLE", message: "Going down." }));
    await settle();
    timing.pass(150);
    await settle();
    expect(log.slice(2)).toEqual(["connecting: Going down.", "connected"]);
  });

  test("that its server has ended is over", async () => {
    const stream = await followed();
    stream.end();
    await settle();
    timing.pass(600_000);
    await settle();
    expect(log).toEqual(["connecting", "connected", "ended"]);
    expect([server.connections.length, timing.pending]).toEqual([1, 0]);
  });

  test.for<[string, (stream: Connection) => void]>([
    ["the network is cut", (stream) => stream.cut()],
    ["all is well", () => {}],
  ])("that is closed leaves no stream and no timer, when %s", async ([, happen]) => {
    const stream = await followed();
    happen(stream);
    await settle();
    close();
    await settle();
    expect([timing.pending, stream.isOpen]).toEqual([0, false]);
    timing.pass(600_000);
    stream.send("7", 1);
    await settle();
    expect([server.connections.length, log.includes("7: 1")]).toEqual([1, false]);
  });

  test("that is closed while its token is fetched asks nothing", async () => {
    let calls = 0;
    follow({ fetch: (_url, { signal }) => ((calls += 1), hang(signal)) });
    close();
    await settle();
    expect(calls).toBe(0);
  });

  test("that is closed while another token is looked for says and asks nothing", async () => {
    server.refuse(refusal("UNAUTHORIZED", { code: "SESSION_ENDED", details: null }));
    follow();
    whenAsked = (time) => {
      if (time === 2) close();
    };
    await settle();
    expect([log, timing.pending]).toEqual([["connecting", "connected"], 0]);
  });

  test("that is closed while its token is compared opens no other stream", async () => {
    await followed();
    token = "second";
    whenAsked = (time) => {
      if (time === 2) close();
    };
    timing.pass(5_000);
    await settle();
    expect([server.connections.length, timing.pending]).toEqual([1, 0]);
  });
});

describe("waits between connections", () => {
  test("are twice as long after each failure, up to ten seconds, and short again once a stream has lasted", async () => {
    for (let turn = 0; turn < 8; turn += 1) server.refuse(proxyPage());
    await followed();
    for (const ms of [150, 300, 600, 1_200, 2_400, 4_800, 5_000, 5_000]) {
      const before = log.length;
      timing.pass(ms - 1);
      await settle();
      expect(log).toHaveLength(before);
      timing.pass(1);
      await settle();
      expect(log.length).toBeGreaterThan(before);
    }
    expect(server.connections).toHaveLength(1);
    timing.pass(10_000);
    server.connections[0]?.cut();
    await settle();
    timing.pass(150);
    await settle();
    expect(server.connections).toHaveLength(2);
  });

  test("are as long as SkyFox says, and a little more", async () => {
    server.refuse(plainRefusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 29 } }));
    await followed();
    timing.pass(29_149);
    await settle();
    expect(server.connections).toHaveLength(0);
    timing.pass(1);
    await settle();
    expect(server.connections).toHaveLength(1);
  });

  test.for<[string, () => Response]>([
    [
      "SkyFox says so",
      () => plainRefusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 2_147_484 } }),
    ],
    ["a proxy says so in seconds", () => proxyPage({ "retry-after": "9".repeat(400) })],
    ["a proxy names a date", () => proxyPage({ "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" })],
  ])("are of 30 seconds and a little more at most, when %s", async ([, answer]) => {
    server.refuse(answer());
    await followed();
    timing.pass(30_149);
    await settle();
    expect(server.connections).toHaveLength(0);
    timing.pass(1);
    await settle();
    expect(server.connections).toHaveLength(1);
  });

  test("are as long as SkyFox says in a stream, also with a new token", async () => {
    const stream = await followed();
    const details = { retryAfterSeconds: 20 };
    stream.fail(refusal("TOO_MANY_REQUESTS", { code: "RATE_LIMITED", details }));
    await settle();
    token = "second";
    timing.pass(20_149);
    await settle();
    expect(server.connections).toHaveLength(1);
    timing.pass(1);
    await settle();
    expect(server.connections).toHaveLength(2);
  });
});

describe("a refusal", () => {
  test.for(["before the stream", "in the stream"])("ends the subscription, %s", async (where) => {
    const domain = { code: "SHOW_NOT_FOUND", details: null } as const;
    server.refuse(where === "in the stream" ? refusal("NOT_FOUND", domain) : plainRefusal(404, domain));
    await followed();
    timing.pass(600_000);
    await settle();
    expect(log.at(-1)).toBe("refused: SHOW_NOT_FOUND");
    expect(log.filter((line) => line === "connecting")).toHaveLength(1);
    expect(timing.pending).toBe(0);
  });

  test.for<[string, () => TRPCError | Response]>([
    ["a fault of the server", () => refusal("INTERNAL_SERVER_ERROR")],
    ["an overload", () => refusal("SERVICE_UNAVAILABLE")],
    ["too many calls", () => refusal("TOO_MANY_REQUESTS")],
    ["a proxy's page", () => proxyPage()],
    ["another server's page", () => new Response("<h1>Welcome</h1>")],
    [
      "another tRPC server's error",
      () =>
        Response.json(
          { error: transformer.serialize({ code: -32_004, message: "No.", data: { httpStatus: 404 } }) },
          { status: 404 },
        ),
    ],
    ["an answer of JSON that is no error", () => Response.json(["Welcome"])],
  ])("is none, and tried again: %s", async ([, answer]) => {
    server.refuse(answer());
    await followed();
    timing.pass(150);
    await settle();
    expect(log.at(-1)).toBe("connected");
  });

  test("of a token that was replaced meanwhile is none", async () => {
    const stream = await followed();
    stream.fail(refusal("UNAUTHORIZED", { code: "SESSION_ENDED", details: null }));
    token = "second";
    await settle();
    timing.pass(150);
    await settle();
    expect(log.at(-1)).toBe("connected");
    expect(server.connections[1]?.headers.get("authorization")).toBe("Bearer second");
  });

  test.for<[string, string | undefined]>([
    ["stays one when there is no other", "first"],
    ["stays one when none can be had", undefined],
  ])("of a token %s", async ([, next]) => {
    server.refuse(refusal("UNAUTHORIZED", { code: "INVALID_TOKEN", details: null }));
    follow();
    if (next === undefined) queueMicrotask(() => (token = undefined));
    await settle();
    expect(log.at(-1)).toBe("refused: INVALID_TOKEN");
  });
});

describe("a token", () => {
  test("that changes opens the stream again, without a wait", async () => {
    const first = await followed();
    first.send("7", 1);
    await settle();
    token = "second";
    timing.pass(5_000);
    await settle();
    expect(first.isOpen).toBe(false);
    const { headers, input } = server.connections[1] ?? {};
    expect(headers?.get("authorization")).toBe("Bearer second");
    expect(input).toEqual({ showId: 1, lastEventId: "7" });
    expect(log.slice(3)).toEqual(["connecting", "connected"]);
  });

  test("that cannot be had now leaves the stream as it is", async () => {
    const first = await followed();
    token = undefined;
    timing.pass(5_000);
    await settle();
    expect([first.isOpen, server.connections.length]).toEqual([true, 1]);
  });

  test("that cannot be had at first is asked for again", async () => {
    token = undefined;
    follow();
    await settle();
    token = "first";
    timing.pass(150);
    await settle();
    expect(log).toEqual(["connecting", "connecting: No token.", "connected"]);
  });
});

describe("silence", () => {
  test("of two heartbeats opens the stream again and resumes it", async () => {
    const first = await followed();
    first.send("7", 1);
    await settle();
    timing.pass(29_999);
    await settle();
    expect(log).toHaveLength(3);
    timing.pass(1);
    await settle();
    expect(log.slice(3)).toEqual([
      "silent",
      "connecting: Nothing was heard for two heartbeats.",
      "connected",
    ]);
    expect(first.isOpen).toBe(false);
    expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "7" });
  });

  test("is broken by a ping", async () => {
    const first = await followed();
    for (let beat = 0; beat < 10; beat += 1) {
      timing.pass(15_000);
      first.ping();
      await settle();
    }
    expect(server.connections).toHaveLength(1);
  });

  test("of a server that does not even answer is noticed", async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    follow({ fetch: (_url, { signal }) => (signals.push(signal), hang(signal)) });
    await settle();
    timing.pass(30_000);
    await settle();
    expect(log).toEqual(["connecting", "silent", "connecting: Nothing was heard for two heartbeats."]);
    timing.pass(29_999);
    await settle();
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
    timing.pass(1);
    await settle();
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, false]);
  });

  test("while the device slept is noticed within five seconds after it woke up", async () => {
    await followed();
    timing.pass(1_000);
    timing.sleep(30_000);
    timing.pass(4_000);
    await settle();
    expect(log.slice(2)).toEqual([
      "silent",
      "connecting: Nothing was heard for two heartbeats.",
      "connected",
    ]);
  });

  test("is noticed also when the clock was set back", async () => {
    await followed();
    timing.sleep(-3_600_000);
    timing.pass(30_000);
    await settle();
    expect(log[2]).toBe("silent");
  });
});

describe("a stream whose token is refused", () => {
  const sessionEnded = () => refusal("UNAUTHORIZED", { code: "SESSION_ENDED", details: null });

  test("goes on after its last event with a token that was refreshed", async () => {
    const refused: (string | undefined)[] = [];
    refresh = async (authorization) => {
      refused.push(authorization);
      token = "second";
      return Promise.resolve(true);
    };
    const stream = await followed();
    stream.send("7", 1);
    await settle();
    stream.fail(sessionEnded());
    await settle();
    timing.pass(150);
    await settle();
    expect(server.connections[1]?.headers.get("authorization")).toBe("Bearer second");
    expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "7" });
    expect(refused).toEqual(["Bearer first"]);
  });

  test("again after its refresh is refused", async () => {
    let refreshes = 0;
    refresh = () => Promise.resolve((refreshes += 1) > 0);
    for (let turn = 0; turn < 2; turn += 1) server.refuse(sessionEnded());
    await followed();
    timing.pass(150);
    await settle();
    expect(log.at(-1)).toBe("refused: SESSION_ENDED");
    expect([server.connections.length, refreshes]).toEqual([0, 1]);
  });

  test.each([
    ["cannot be refreshed", () => Promise.resolve(false)],
    ["whose refresh fails", () => Promise.reject(new Error("Offline."))],
  ])("and %s is refused", async (_, fails) => {
    refresh = fails;
    server.refuse(sessionEnded());
    await followed();
    expect(log.at(-1)).toBe("refused: SESSION_ENDED");
  });

  test("for another reason refreshes nothing", async () => {
    refresh = () => Promise.reject(new Error("It is not asked for."));
    server.refuse(refusal("FORBIDDEN", { code: "FORBIDDEN", details: { requiredRoles: ["admin"] } }));
    await followed();
    expect(log.at(-1)).toBe("refused: FORBIDDEN");
  });
});

/** Follows, and gives the stream as soon as the server has it. */
async function followed(lastEventId?: string): Promise<Connection> {
  follow({ lastEventId });
  await settle();
  return server.connections[0] as Connection;
}

function follow({
  lastEventId,
  fetch = server.fetch,
}: { lastEventId?: string | undefined; fetch?: Fetch } = {}): void {
  let asked = 0;
  const access = {
    url: "http://cinema.test/trpc",
    fetch,
    headers: async () => {
      asked += 1;
      whenAsked(asked);
      if (token === undefined) throw new Error("No token.");
      return { authorization: `Bearer ${token}` };
    },
    refreshToken: async (authorization: string | undefined) => await refresh(authorization),
    timing,
  };
  close = followStream(
    access,
    { path: "show.watchSeatMap", input: { showId: 1 }, lastEventId },
    {
      connecting: (error) => log.push(error ? `connecting: ${error.message}` : "connecting"),
      connected: () => log.push("connected"),
      silent: () => log.push("silent"),
      event: (data, id) => log.push(`${id ?? "-"}: ${JSON.stringify(data)}`),
      ended: () => log.push("ended"),
      refused: (error) => log.push(`refused: ${domainErrorOf(error)?.code ?? error.message}`),
    },
  );
}

/** An error that is answered without a stream. */
function plainRefusal(httpStatus: number, domain: DomainProblem): Response {
  const data = { code: "OF_THE_TEST", httpStatus, path: null, requestId: "r-1", domain, fields: null };
  const error = transformer.serialize({ code: -32_004, message: "No.", data });
  return Response.json({ error }, { status: httpStatus });
}

function proxyPage(headers: Record<string, string> = {}): Response {
  return new Response("<h1>Bad Gateway</h1>", { status: 502, headers });
}

function hang(signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}
