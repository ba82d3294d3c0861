import { describe, expect, test } from "vitest";
import { keyedProcedures } from "@skyfox/server/contract";
import { errorOf } from "../test/connect.ts";
import { answer, cutOff, page, refusal, scripted, unreachable, type Reply } from "../test/scripted.ts";
import { domainErrorOf, isSkyfoxError, type SkyfoxClient } from "./index.ts";
import { realTiming, type Timing } from "./retries.ts";

const hold = { showId: 1, seatNumbers: ["A1"] };
const askForShow = (client: SkyfoxClient) => client.show.byId.query({ showId: 1 });
const holdSeats = (client: SkyfoxClient) => client.booking.initialize.mutate(hold);
const logOut = (client: SkyfoxClient) => client.auth.logout.mutate();

describe("a query", () => {
  test.for<[string, Reply]>([
    ["the network fails", unreachable],
    ["its time is over", () => Promise.reject(new DOMException("Too late.", "TimeoutError"))],
    ["the answer is cut off", cutOff],
    [
      "a proxy's server is away",
      () => Promise.resolve(new Response("<h1>Bad Gateway</h1>", { status: 502 })),
    ],
    [
      "a proxy has too much to do",
      () => Promise.resolve(Response.json({ message: "Slow." }, { status: 429 })),
    ],
    ["the database is busy", refusal(503)],
    ["a dependency is down", refusal(503, { code: "STORAGE_UNAVAILABLE", details: null })],
    ["it was too often", refusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 2 } })],
    [
      "the server has too much to do",
      refusal(503, { code: "OVERLOADED", details: { retryAfterSeconds: 2 } }),
    ],
    [
      "the database is away",
      refusal(503, { code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds: 2 } }),
    ],
  ])("is repeated when %s", async ([, failure]) => {
    const { client, requests } = scripted([failure, failure, answer]);
    expect(await askForShow(client)).toBeNull();
    expect(requests).toHaveLength(3);
  });

  test("is repeated three times by default, and its last error is the caller's", async () => {
    const { client, requests } = scripted([refusal(503)]);
    const error = await errorOf(askForShow(client));
    expect(isSkyfoxError(error) && error.data.httpStatus).toBe(503);
    expect(requests).toHaveLength(4);
  });

  test.for([0, 1, 5])("is repeated %i times where that is asked for", async (retries) => {
    const { client, requests } = scripted([unreachable], { retries });
    expect(await errorOf(askForShow(client))).toMatchObject({ cause: { message: "fetch failed" } });
    expect(requests).toHaveLength(retries + 1);
  });

  test.for<[string, Reply]>([
    ["the rules say no", refusal(404, { code: "SHOW_NOT_FOUND", details: null })],
    ["the session has ended", refusal(401, { code: "SESSION_ENDED", details: null })],
    ["the fault is SkyFox's", refusal(500)],
    ["another server answers", () => Promise.resolve(new Response("<h1>Welcome</h1>"))],
    ["the token cannot be had", answer],
  ])("is not repeated when %s", async ([why, reply]) => {
    const token = () => Promise.reject(new TypeError("No token."));
    const { client, requests, waits } = scripted([reply], why.includes("token") ? { token } : {});
    await errorOf(askForShow(client));
    expect(waits).toEqual([]);
    expect(requests.length).toBeLessThan(2);
  });

  test("waits up to twice as long every time", async () => {
    const most = scripted([unreachable], { retries: 8 }, 1);
    await errorOf(askForShow(most.client));
    expect(most.waits).toEqual([300, 600, 1_200, 2_400, 4_800, 9_600, 10_000, 10_000]);
    const least = scripted([unreachable], { retries: 8 }, 0);
    await errorOf(askForShow(least.client));
    expect(least.waits).toEqual(Array.from({ length: 8 }, () => 0));
  });

  test.for<[string, Reply, number]>([
    ["SkyFox", refusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 7 } }), 7_000],
    ["a busy SkyFox", refusal(503, { code: "OVERLOADED", details: { retryAfterSeconds: 3 } }), 3_000],
    [
      "a SkyFox without its database",
      refusal(503, { code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds: 4 } }),
      4_000,
    ],
    ["a proxy in seconds", page(503, { "retry-after": "5" }), 5_000],
    ["a proxy by a moment that has passed", page(503, { "retry-after": "Tue, 10 Mar 2026 06:30:00 GMT" }), 0],
    ["a proxy in other words", page(503, { "retry-after": "soon" }), 0],
  ])("waits as long as %s says, and a little more", async ([, reply, namedMs]) => {
    const { client, waits } = scripted([reply, answer]);
    await askForShow(client);
    expect(waits).toEqual([namedMs + 150]);
  });

  test("that would have to wait long is refused at once", async () => {
    const details = { retryAfterSeconds: 31 };
    for (const [status, code] of [
      [429, "RATE_LIMITED"],
      [503, "OVERLOADED"],
      [503, "DATABASE_UNAVAILABLE"],
    ] as const) {
      const { client, requests } = scripted([refusal(status, { code, details })]);
      expect(domainErrorOf(await errorOf(askForShow(client)))).toMatchObject({ code, details });
      expect(requests).toHaveLength(1);
    }
    const proxied = scripted([page(503, { "retry-after": "31" })]);
    await errorOf(askForShow(proxied.client));
    expect(proxied.requests).toHaveLength(1);
  });

  test("of a batch is repeated without those that were answered", async () => {
    const mixed: Reply = async () => {
      const { error } = (await (await refusal(503)("", {})).json()) as { error: unknown };
      return Response.json([{ result: { data: { json: null } } }, { error }], { status: 207 });
    };
    const { client, requests } = scripted([mixed, answer]);
    await Promise.all([askForShow(client), client.auth.me.query()]);
    expect(requests.map(({ paths }) => paths)).toEqual(["show.byId,auth.me", "auth.me"]);
  });

  test("of a batch that had no answer is repeated with the others", async () => {
    const { client, requests } = scripted([unreachable, answer]);
    await Promise.all([askForShow(client), client.auth.me.query()]);
    expect(requests.map(({ paths }) => paths)).toEqual(["show.byId,auth.me", "show.byId,auth.me"]);
  });
});

describe("a mutation", () => {
  test("that the server answers once has one key for all its attempts, and another the next time", async () => {
    const { client, requests } = scripted([unreachable, refusal(503), answer, answer]);
    await holdSeats(client);
    await holdSeats(client);
    const keys = requests.map(({ key }) => key);
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[3]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test("that the server answers once comes back when a server with too much to do says so", async () => {
    const busy = refusal(503, { code: "OVERLOADED", details: { retryAfterSeconds: 2 } });
    const { client, requests, waits } = scripted([busy, busy, answer]);
    await holdSeats(client);
    expect(waits).toEqual([2_150, 2_300]);
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
  });

  test("has the caller's key where there is one", async () => {
    const { client, requests } = scripted([unreachable, answer]);
    await client.booking.initialize.mutate(hold, { idempotencyKey: "mine" });
    expect(requests.map(({ key }) => key)).toEqual(["mine", "mine"]);
  });

  test.for<[string, Reply]>([
    ["the network fails", unreachable],
    ["the server is busy", refusal(503)],
    ["it was too often", refusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 1 } })],
  ])("that the server would make twice is never repeated: %s", async ([, failure]) => {
    const { client, requests } = scripted([failure]);
    await errorOf(logOut(client));
    expect(requests.map(({ key }) => key)).toEqual([null]);
  });

  test.for(keyedProcedures)("%s carries a key", async (path) => {
    const { client, requests } = scripted([answer]);
    const [feature, verb] = path.split(".");
    const procedures = client as unknown as Record<string, Record<string, { mutate(): Promise<unknown> }>>;
    await procedures[feature ?? ""]?.[verb ?? ""]?.mutate();
    expect(requests.map(({ paths, key }) => [paths, key?.length])).toEqual([[path, 32]]);
  });

  test("whose first call is in flight or in doubt waits for its answer, with the same key", async () => {
    const inFlight = refusal(409, { code: "IDEMPOTENCY_IN_FLIGHT", details: null });
    const inDoubt = refusal(409, { code: "PAYMENT_OUTCOME_UNKNOWN", details: null });
    const replies = [unreachable, inFlight, inFlight, inDoubt, inDoubt, inDoubt, answer];
    const { client, requests, waits } = scripted(replies, { retries: 1 }, 1);
    expect(await holdSeats(client)).toBeNull();
    expect(waits).toEqual([300, 1_250, 2_250, 4_250, 5_250, 5_250]);
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
  });

  test("fails with its payment in doubt after a minute without an outcome", async () => {
    const inDoubt = refusal(409, { code: "PAYMENT_OUTCOME_UNKNOWN", details: null });
    const { client, waits } = scripted([inDoubt], {}, 0.5);
    expect(domainErrorOf(await errorOf(holdSeats(client)))?.code).toBe("PAYMENT_OUTCOME_UNKNOWN");
    const waitedMs = waits.reduce((sum, ms) => sum + ms, 0);
    expect(waitedMs).toBeLessThanOrEqual(60_000);
    expect(waitedMs).toBeGreaterThan(55_000);
  });

  test("fails so at once where nothing is to be repeated", async () => {
    const inFlight = refusal(409, { code: "IDEMPOTENCY_IN_FLIGHT", details: null });
    const { client, requests } = scripted([inFlight], { retries: 0 });
    expect(domainErrorOf(await errorOf(holdSeats(client)))?.code).toBe("IDEMPOTENCY_IN_FLIGHT");
    expect(requests.map(({ key }) => key?.length)).toEqual([32]);
  });

  test.for(["PAYMENT_IN_PROGRESS", "IDEMPOTENCY_MISMATCH", "SEATS_UNAVAILABLE"])(
    "that is refused with %s is not repeated",
    async (code) => {
      const { client, requests } = scripted([refusal(409, { code, details: null })]);
      await errorOf(holdSeats(client));
      expect(requests).toHaveLength(1);
    },
  );
});

describe("a caller who aborts", () => {
  test("during a wait gets the error at once, and nothing is sent any more", async () => {
    const giveUp = new AbortController();
    const cancelled: number[] = [];
    const timing: Timing = {
      random: () => 0.5,
      after(ms) {
        queueMicrotask(() => giveUp.abort());
        return () => cancelled.push(ms);
      },
      now: realTiming.now,
    };
    const { client, requests } = scripted([unreachable], {}, timing);
    const { signal } = giveUp;
    expect(await errorOf(client.booking.initialize.mutate(hold, { signal }))).toMatchObject({
      cause: { name: "AbortError" },
    });
    expect(cancelled[0]).toBe(150);
    expect(requests).toHaveLength(1);
  });

  test("during a call sends no other", async () => {
    const giveUp = new AbortController();
    const { client, requests, waits } = scripted([
      (_url, { signal }) => {
        giveUp.abort();
        return Promise.reject(signal?.reason as Error);
      },
    ]);
    const error = await errorOf(client.show.byId.query({ showId: 1 }, { signal: giveUp.signal }));
    expect(isSkyfoxError(error)).toBe(false);
    expect([requests.length, waits.length]).toEqual([1, 0]);
  });
});

test("chance is at least nothing and less than one", () => {
  for (let turn = 0; turn < 1_000; turn += 1) {
    const chance = realTiming.random();
    expect(chance >= 0 && chance < 1).toBe(true);
  }
});
