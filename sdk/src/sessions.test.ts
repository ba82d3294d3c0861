import { describe, expect, test } from "vitest";
import { refusal, type Reply } from "../test/scripted.ts";
import { eventually } from "../test/settle.ts";
import { createSkyfoxClient, transformer, type SkyfoxClient, type SkyfoxClientOptions } from "./index.ts";

const ended = refusal(401, { code: "SESSION_ENDED", details: null });
const invalid = refusal(401, { code: "INVALID_TOKEN", details: null });

/** A server that lets in whom has this token, and refuses all others. */
function guarded(good: () => string, options: Partial<SkyfoxClientOptions>, refuse: Reply = ended) {
  const tokens: (string | null)[] = [];
  const client = createSkyfoxClient({
    url: "http://cinema.test",
    apiKey: "key",
    async fetch(url, init) {
      const token = new Headers(init.headers).get("authorization");
      tokens.push(token?.replace("Bearer ", "") ?? null);
      const { pathname, searchParams } = new URL(url);
      const isBatch = searchParams.has("batch");
      const refusing = token === `Bearer ${good()}` ? undefined : await refuse(url, init);
      if (pathname.startsWith("/exports/")) {
        if (refusing === undefined)
          return new Response("x", { headers: { "content-disposition": 'attachment; filename="x.csv"' } });
        const refused = { status: "ERROR", code: "SESSION_ENDED", message: "Over.", request_id: "r-1" };
        return Response.json(refused, { status: 401 });
      }
      if (refusing !== undefined) {
        const error = (await refusing.json()) as object;
        return Response.json(isBatch ? [error] : error, { status: 401 });
      }
      const result = { result: { data: transformer.serialize(null) } };
      return Response.json(isBatch ? [result] : result);
    },
    ...options,
  });
  return { client, tokens };
}

describe("a token that is refused", () => {
  test.each([
    ["SESSION_ENDED", ended],
    ["INVALID_TOKEN", invalid],
  ])("by %s is refreshed, and the call is made once more, for its caller unseen", async (_, refuse) => {
    const options = { token: "old", refreshToken: () => Promise.resolve("new") };
    const { client, tokens } = guarded(() => "new", options, refuse);
    expect(await client.auth.logout.mutate()).toBeNull();
    expect(await client.auth.me.query()).toBeNull();
    expect(tokens).toEqual(["old", "new", "new"]);
  });

  test("by many calls at once is refreshed once", async () => {
    let refreshes = 0;
    const refreshToken = async () => {
      refreshes += 1;
      return Promise.resolve("new");
    };
    const { client } = guarded(() => "new", { token: "old", refreshToken });
    await Promise.all(Array.from({ length: 20 }, () => client.auth.logout.mutate()));
    expect(refreshes).toBe(1);
  });

  test("is refreshed for an export too", async () => {
    const options = { token: "old", refreshToken: () => Promise.resolve("new") };
    const { client, tokens } = guarded(() => "new", options);
    expect(await client.exports.bookingsCsv()).toMatchObject({ filename: "x.csv" });
    expect(tokens).toEqual(["old", "new"]);
  });

  test("by an export ends the session when it cannot be refreshed", async () => {
    let ends = 0;
    const { client, tokens } = guarded(() => "good", { token: "old", onSessionEnd: () => (ends += 1) });
    expect(await client.exports.bookingsCsv.safe()).toMatchObject({ error: { code: "SESSION_ENDED" } });
    expect([ends, tokens]).toEqual([1, ["old"]]);
  });

  test("again after its refresh is the caller's error", async () => {
    const { client, tokens } = guarded(() => "another", {
      token: "old",
      refreshToken: () => Promise.resolve("new"),
    });
    expect(await client.auth.logout.safe()).toMatchObject({ error: { code: "SESSION_ENDED" } });
    expect(tokens).toEqual(["old", "new"]);
  });

  test("and cannot be refreshed is the caller's error, and ends the session once", async () => {
    let ends = 0;
    const { client } = guarded(() => "good", {
      token: "old",
      refreshToken: () => Promise.resolve(null),
      onSessionEnd: () => (ends += 1),
    });
    const results = await Promise.all([client.auth.me.safe(), client.auth.logout.safe()]);
    expect(results).toMatchObject([
      { error: { code: "SESSION_ENDED" } },
      { error: { code: "SESSION_ENDED" } },
    ]);
    await client.auth.logout.safe();
    expect(ends).toBe(1);
  });

  test("whose refresh fails is the caller's error, and no end of the session", async () => {
    let ends = 0;
    const { client } = guarded(() => "good", {
      token: "old",
      refreshToken: () => Promise.reject(new Error("Offline.")),
      onSessionEnd: () => (ends += 1),
    });
    expect(await client.auth.me.safe()).toMatchObject({ error: { code: "SESSION_ENDED" } });
    expect(ends).toBe(0);
  });

  test("ends each session of an application that has none to refresh", async () => {
    let ends = 0;
    let token = "first";
    const { client } = guarded(() => "good", { token: () => token, onSessionEnd: () => (ends += 1) });
    await client.auth.me.safe();
    await client.auth.me.safe();
    expect(ends).toBe(1);
    token = "second";
    await client.auth.me.safe();
    expect(ends).toBe(2);
  });
});

const kinds: [string, (client: SkyfoxClient) => Promise<{ ok: boolean }>][] = [
  ["a mutation", (client) => client.auth.logout.safe()],
  ["a query in a batch", (client) => client.auth.me.safe()],
  ["a query that travels alone", (client) => client.booking.ticketQr.safe({ bookingId: 1 })],
  ["an export", (client) => client.exports.bookingsCsv.safe()],
];

describe.each(kinds)("a refusal of %s", (_, callLate) => {
  const sent = async (token: () => string | null, onSessionEnd: () => void) => {
    const releases: (() => void)[] = [];
    const refuse: Reply = async (url, init) => {
      await new Promise<void>((resolve) => releases.push(resolve));
      return await ended(url, init);
    };
    const { client, tokens } = guarded(() => "new", { token, onSessionEnd }, refuse);
    const first = client.auth.logout.safe();
    await eventually(() => releases.length === 1);
    const late = callLate(client);
    await eventually(() => releases.length === 2);
    releases[0]?.();
    await first;
    return { late, release: () => releases[1]?.(), tokens };
  };

  test("ends the session of the present token", async () => {
    let ends = 0;
    const { client } = guarded(() => "new", { token: "old", onSessionEnd: () => (ends += 1) });
    expect(await callLate(client)).toMatchObject({ error: { code: "SESSION_ENDED" } });
    expect(ends).toBe(1);
  });

  test("that comes late does not end a session that has ended already", async () => {
    let token: string | null = "old";
    let ends = 0;
    const onSessionEnd = () => {
      ends += 1;
      token = null;
    };
    const { late, release, tokens } = await sent(() => token, onSessionEnd);
    expect(ends).toBe(1);
    release();
    expect(await late).toMatchObject({ ok: false, error: { code: "SESSION_ENDED" } });
    expect([ends, tokens]).toEqual([1, ["old", "old"]]);
  });

  test("that comes late does not end the session of a later login, and is made once more in it", async () => {
    let token = "old";
    let ends = 0;
    const { late, release, tokens } = await sent(
      () => token,
      () => (ends += 1),
    );
    token = "new";
    release();
    expect(await late).toMatchObject({ ok: true });
    expect([ends, tokens]).toEqual([1, ["old", "old", "new"]]);
  });
});

test("a login while a refresh is asked for is a session of its own, whose refusal is refreshed too", async () => {
  const refreshing: ((token: string | null) => void)[] = [];
  let token = "anna's";
  let ends = 0;
  const { client, tokens } = guarded(() => "ben's second", {
    token: () => token,
    refreshToken: () => new Promise((resolve) => refreshing.push(resolve)),
    onSessionEnd: () => (ends += 1),
  });
  const first = client.auth.logout.safe();
  await eventually(() => refreshing.length === 1);
  token = "ben's";
  const second = client.auth.logout.safe();
  await eventually(() => refreshing.length === 2);
  refreshing[1]?.("ben's second");
  expect(await second).toMatchObject({ ok: true });
  refreshing[0]?.(null);
  expect(await first).toMatchObject({ ok: true });
  expect(tokens).toEqual(["anna's", "ben's", "ben's second", "ben's second"]);
  expect(ends).toBe(0);
});

test("a token that the application gives counts more than the one that an older token was refreshed to", async () => {
  let token = "anna's";
  const refreshToken = () => Promise.resolve("anna's second");
  let good = "anna's second";
  const { client, tokens } = guarded(() => good, { token: () => token, refreshToken });
  await client.auth.me.query();
  token = "ben's";
  good = "ben's";
  await client.auth.me.query();
  expect(tokens).toEqual(["anna's", "anna's second", "ben's"]);
});

test("another refusal refreshes nothing", async () => {
  const refreshToken = () => Promise.reject(new Error("It is not asked for."));
  const denied = refusal(403, { code: "FORBIDDEN", details: { requiredRoles: ["admin"] } });
  const { client, tokens } = guarded(() => "good", { token: "old", refreshToken }, denied);
  expect(await client.auth.logout.safe()).toMatchObject({ ok: false });
  expect(tokens).toEqual(["old"]);
});
