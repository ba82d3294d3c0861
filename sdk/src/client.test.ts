import { describe, expect, test } from "vitest";
import { errorOf } from "../test/connect.ts";
import {
  createSkyfoxClient,
  domainErrorOf,
  isSkyfoxError,
  transformer,
  type SkyfoxClientOptions,
} from "./index.ts";

describe("requests", () => {
  test("queries of one tick travel in one request, at most ten together", async () => {
    const { client, requests } = recording();
    await Promise.all(Array.from({ length: 12 }, (_, day) => client.show.byId.query({ showId: day + 1 })));
    expect(requests.map(({ calls }) => calls.length)).toEqual([10, 2]);
    expect(requests[0]?.method).toBe("GET");
  });

  test("every mutation travels alone, also beside queries", async () => {
    const { client, requests } = recording();
    await Promise.all([
      client.auth.logout.mutate(),
      client.auth.logout.mutate({ everywhere: true }),
      client.auth.me.query(),
      client.booking.latest.query(),
    ]);
    expect(requests.map(({ method, calls }) => `${method} ${calls.join()}`).toSorted()).toEqual([
      "GET auth.me,booking.latest",
      "POST auth.logout",
      "POST auth.logout",
    ]);
  });

  test("queries that may take seconds keep no other waiting", async () => {
    const { client, requests } = recording();
    await Promise.all([
      client.admin.screens.query(),
      client.admin.movies.query(),
      client.admin.staff.query(),
      client.admin.revenue.query({ year: 2026 }),
    ]);
    expect(requests.map(({ calls }) => calls.join()).toSorted()).toEqual([
      "admin.movies",
      "admin.revenue",
      "admin.screens,admin.staff",
    ]);
  });

  test("one of a batch that its caller aborts ends at once, and the others get their answers", async () => {
    const sent = Promise.withResolvers<AbortSignal | null | undefined>();
    const answered = Promise.withResolvers<Response>();
    const { client } = recording({
      fetch(_url, { signal }) {
        sent.resolve(signal);
        return answered.promise;
      },
    });
    const giveUp = new AbortController();
    const one = client.auth.me.safe(undefined, { signal: giveUp.signal });
    const other = client.booking.latest.safe();
    const signal = await sent.promise;
    giveUp.abort();
    expect(await one).toMatchObject({ error: { code: "ABORTED" } });
    expect(signal?.aborted ?? false).toBe(false);
    answered.resolve(Response.json([null, null].map((json) => ({ result: { data: { json } } }))));
    expect(await other).toEqual({ ok: true, data: null });
  });

  test("queries whose address would grow too long travel apart", async () => {
    const { client, requests } = recording();
    const cursor = "x".repeat(300);
    await Promise.all(
      Array.from({ length: 10 }, () => client.booking.list.query({ cursor, status: "Confirmed" })),
    );
    expect(requests.length).toBeGreaterThan(1);
    expect(requests.every(({ url }) => url.length <= 2_000)).toBe(true);
  });

  test.each(["http://cinema.test", "http://cinema.test/", new URL("http://cinema.test")])(
    "calls to %s go to /trpc below it",
    async (url) => {
      const { client, requests } = recording({ url });
      await client.auth.me.query();
      expect(requests[0]?.url).toMatch(/^http:\/\/cinema\.test\/trpc\/auth\.me\?/);
    },
  );

  test("the API key travels always, the token as it is when the request leaves", async () => {
    let token: string | null = null;
    const { client, requests } = recording({ token: () => Promise.resolve(token) });
    await client.auth.securityQuestions.query();
    token = "first";
    await client.auth.me.query();
    token = "second";
    await client.auth.logout.mutate();
    expect(requests.map(({ headers }) => headers.get("x-api-key"))).toEqual(["key", "key", "key"]);
    expect(requests.map(({ headers }) => headers.get("authorization"))).toEqual([
      null,
      "Bearer first",
      "Bearer second",
    ]);
  });
});

describe("a call without an answer", () => {
  test("is not SkyFox's error when no server listens", async () => {
    const client = createSkyfoxClient({ url: "http://127.0.0.1:1", apiKey: "key", retries: 0 });
    const error = await errorOf(client.auth.me.query());
    expect(error).toMatchObject({ cause: { message: "fetch failed" } });
    expect(isSkyfoxError(error)).toBe(false);
    expect(domainErrorOf(error)).toBeUndefined();
  });

  test("ends when its time is over", async () => {
    const { client } = recording({ timeoutMs: 20, retries: 0, fetch: hang });
    const error = await errorOf(client.auth.me.query());
    expect(error).toMatchObject({ cause: { name: "TimeoutError" } });
    expect(isSkyfoxError(error)).toBe(false);
  });

  test("ends when the caller gives up", async () => {
    const { client } = recording({ fetch: hang });
    const giveUp = new AbortController();
    const call = errorOf(client.auth.logout.mutate({}, { signal: giveUp.signal }));
    giveUp.abort();
    expect(isSkyfoxError(await call)).toBe(false);
  });

  test.each([
    ["a proxy", "<h1>Bad Gateway</h1>"],
    ["another tRPC server", JSON.stringify({ error: { json: { code: -32_603, message: "No.", data: {} } } })],
  ])("is not SkyFox's error when %s answers", async (_who, body) => {
    const { client } = recording({
      retries: 0,
      fetch: () => Promise.resolve(new Response(body, { status: 502 })),
    });
    expect(isSkyfoxError(await errorOf(client.auth.me.query()))).toBe(false);
  });
});

test("an error that is about no rule is SkyFox's, without a domain error", async () => {
  const data = { code: "INTERNAL_SERVER_ERROR", httpStatus: 500, path: null, requestId: "r-1" };
  const shape = {
    code: -32_603,
    message: "Something went wrong.",
    data: { ...data, domain: null, fields: null },
  };
  const { client } = recording({
    fetch: () => Promise.resolve(Response.json([{ error: transformer.serialize(shape) }], { status: 500 })),
  });
  const error = await errorOf(client.auth.me.query());
  if (!isSkyfoxError(error)) throw new Error("It has a request id, so it is SkyFox's.");
  expect(error.data.requestId).toBe("r-1");
  expect(domainErrorOf(error)).toBeUndefined();
});

test("an input that cannot be written fails its own call by its field's name, and is not sent", async () => {
  const { client, requests } = recording();
  const [refused, mutation, other] = await Promise.all([
    client.show.byId.safe({ showId: 1n as never }),
    client.booking.cancel.safe({ bookingId: new Map() as never }),
    client.auth.me.query(),
  ]);
  expect(refused).toMatchObject({
    error: {
      code: "UNEXPECTED",
      message: expect.stringContaining('The value of "showId" is a BigInt.') as string,
      mayHaveHappened: false,
    },
  });
  expect(mutation).toMatchObject({ error: { code: "UNEXPECTED", mayHaveHappened: false } });
  expect(other).toBeNull();
  expect(requests.map(({ calls }) => calls)).toEqual([["auth.me"]]);
});

test("what is no error of a call is no error of SkyFox", () => {
  expect(isSkyfoxError(new Error("Something else"))).toBe(false);
  expect(isSkyfoxError({ data: { requestId: "r-1", domain: null } })).toBe(false);
  expect(domainErrorOf(undefined)).toBeUndefined();
});

interface Recorded {
  method: string;
  url: string;
  calls: string[];
  headers: Headers;
}

// A server that answers null to everything, and remembers what it was asked.
function recording(options: Partial<SkyfoxClientOptions> = {}) {
  const requests: Recorded[] = [];
  const client = createSkyfoxClient({
    url: "http://cinema.test",
    apiKey: "key",
    fetch(url, init) {
      const calls = new URL(url).pathname.replace("/trpc/", "").split(",");
      requests.push({ method: init.method ?? "", url, calls, headers: new Headers(init.headers) });
      const answer = { result: { data: { json: null } } };
      const isBatch = new URL(url).searchParams.has("batch");
      return Promise.resolve(Response.json(isBatch ? calls.map(() => answer) : answer));
    },
    ...options,
  });
  return { client, requests };
}

// Never answers; ends as a fetch does when its signal says so.
function hang(_url: string, init: RequestInit): Promise<Response> {
  return new Promise((_resolve, reject) => {
    const { signal } = init;
    if (signal?.aborted) reject(signal.reason as Error);
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

describe("a list of pages", () => {
  test("gives every item, page by page, and stops where its reader stops", async () => {
    const cursors: unknown[] = [];
    const client = createSkyfoxClient({
      url: "http://cinema.test",
      apiKey: "key",
      fetch(url) {
        const input = JSON.parse(new URL(url).searchParams.get("input") ?? "") as Record<
          string,
          { json: object }
        >;
        const { json } = input["0"] ?? { json: {} };
        cursors.push(json);
        const page =
          "cursor" in json ? { items: [3], nextCursor: null } : { items: [1, 2], nextCursor: "older" };
        return Promise.resolve(Response.json([{ result: { data: { json: page } } }]));
      },
    });
    const items: unknown[] = [];
    for await (const item of client.booking.list.all({ status: "Confirmed", limit: 2 })) items.push(item);
    expect(items).toEqual([1, 2, 3]);
    expect(cursors).toEqual([
      { status: "Confirmed", limit: 2 },
      { status: "Confirmed", limit: 2, cursor: "older" },
    ]);
    for await (const _item of client.wallet.transactions.all()) break;
    expect(cursors).toHaveLength(3);
  });
});

test("a client that a promise resolves to stays a client, and its calls stay the same objects", async () => {
  const { client } = recording();
  const same = await Promise.resolve(client);
  expect(same.booking.pay).toBe(client.booking.pay);
  expect(same.booking.pay.mutate).toBe(client.booking.pay.mutate);
});
