import {
  type DefaultOptions,
  type DehydratedState,
  dehydrate,
  hydrate,
  InfiniteQueryObserver,
  MutationObserver,
  QueryClient,
  QueryObserver,
  skipToken,
} from "@tanstack/react-query";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { goodCard } from "../../server/test/given.ts";
import { errorOf } from "../test/connect.ts";
import { refusal, scripted, unreachable, type Reply } from "../test/scripted.ts";
import { eventually, settle } from "../test/settle.ts";
import { Decimal, isSkyfoxError, transformer, type IntentStorage } from "./index.ts";
import { createSkyfoxQuery, queryClientDefaults } from "./react-query.ts";

const topUp = { amount: new Decimal(10), card: goodCard };
const [misspelt, rateLimited, declined] = [
  refusal(400, { code: "VALIDATION_ERROR", details: null }),
  refusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 60 } }),
  refusal(402, { code: "PAYMENT_DECLINED", details: { retryUntil: null } }),
];

/** The same answer to every call. */
function says(data: unknown): Reply {
  const one = { result: { data: transformer.serialize(data) } };
  return (url, { method }) =>
    Promise.resolve(Response.json(method === "GET" ? new URL(url).pathname.split(",").map(() => one) : one));
}

function connected(replies: Reply[], defaultOptions: DefaultOptions = queryClientDefaults, retries = 0) {
  const { client, requests } = scripted(replies, { retries });
  const queryClient = new QueryClient({ defaultOptions });
  onTestFinished(() => queryClient.clear());
  return { client, skyfox: createSkyfoxQuery(client), queryClient, requests };
}

/** Watches a query, as a component does. */
function watching<Observer extends { subscribe: (listener: () => void) => () => void }>(observer: Observer) {
  onTestFinished(observer.subscribe(() => {}));
  return observer;
}

/** A press of a button, and what the page then sees. */
async function press<Input>(observer: { mutate: (input: Input) => Promise<unknown> }, input: Input) {
  return await observer.mutate(input).catch((error: unknown) => error);
}

describe("a query", () => {
  test("gives what the client gives, and travels with the others of its tick", async () => {
    const { skyfox, queryClient, requests } = connected([says([])]);
    const [shows, screens] = await Promise.all([
      queryClient.fetchQuery(skyfox.show.list.queryOptions({ date: "2026-04-01" })),
      queryClient.fetchQuery(skyfox.admin.screens.queryOptions()),
    ]);
    expect([shows, screens]).toEqual([[], []]);
    expect(requests.map(({ paths }) => paths)).toEqual(["show.list,admin.screens"]);
    expect(queryClient.getQueryData(skyfox.show.list.queryKey({ date: "2026-04-01" }))).toEqual([]);
  });

  test("is repeated by the client alone, whatever the QueryClient does by default", async () => {
    const often = { queries: { retry: 3, retryDelay: 0 } };
    const { skyfox, queryClient, requests } = connected([unreachable], often, 3);
    const options = skyfox.show.byId.queryOptions({ showId: 1 });
    const observer = watching(new QueryObserver(queryClient, options));
    await eventually(() => observer.getCurrentResult().isError);
    expect(requests).toHaveLength(4);
  });

  test("fails with the codes of its procedure, and with the client's error", async () => {
    const { skyfox, queryClient } = connected([
      refusal(404, { code: "SHOW_NOT_FOUND", details: null }),
      refusal(409, { code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["A1"] } }),
      unreachable,
    ]);
    const ask = () => errorOf(queryClient.fetchQuery(skyfox.show.byId.queryOptions({ showId: 1 })));
    const refused = await ask();
    expect(refused).toMatchObject({ code: "SHOW_NOT_FOUND", requestId: "r-1", retryable: false });
    expect(isSkyfoxError(refused)).toBe(true);
    expect(await ask()).toMatchObject({ code: "UNEXPECTED", rawCode: "SEATS_UNAVAILABLE" });
    expect(await ask()).toMatchObject({ code: "NETWORK", procedure: "show.byId", attempts: 1 });
  });

  test("keeps what is equal, Decimals and Dates too", async () => {
    const show = { id: 1, cost: new Decimal("200.00"), startsAt: new Date(0), genres: ["Drama"] };
    const dearer = { ...show, cost: new Decimal("250.00") };
    const replies = [says([show, show]), says([show, show]), says([show, dearer])];
    const { skyfox, queryClient } = connected(replies, {});
    const observer = watching(new QueryObserver(queryClient, skyfox.show.list.queryOptions()));
    await eventually(() => observer.getCurrentResult().isSuccess);
    const first = observer.getCurrentResult().data;
    const { data: second } = await observer.refetch();
    const { data: third } = await observer.refetch();
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(third?.[0]).toBe(first?.[0]);
    expect(third?.[1]?.cost).toEqual(new Decimal("250.00"));
    expect(third?.[1]?.startsAt).toBe(first?.[1]?.startsAt);
  });

  test("of the application's own is not repeated and shares alike, by the defaults", async () => {
    const { client, queryClient, requests } = connected([
      says([new Date(0)]),
      says([new Date(0)]),
      unreachable,
    ]);
    const own = { queryKey: ["own"], queryFn: async () => await client.show.list.query(), retryDelay: 0 };
    const observer = watching(new QueryObserver(queryClient, own));
    await eventually(() => observer.getCurrentResult().isSuccess);
    const { data } = observer.getCurrentResult();
    await observer.refetch();
    expect(observer.getCurrentResult().data).toBe(data);
    expect(await observer.refetch()).toMatchObject({ isError: true });
    expect(requests).toHaveLength(3);
    expect(queryClient.getDefaultOptions().queries?.retry).toBe(false);
  });

  test("asks nothing for skipToken", async () => {
    const { skyfox, queryClient, requests } = connected([says([])]);
    const observer = watching(new QueryObserver(queryClient, skyfox.show.byId.queryOptions(skipToken)));
    await settle();
    expect(observer.getCurrentResult().fetchStatus).toBe("idle");
    expect(requests).toEqual([]);
  });

  test("is aborted when its last component is gone", async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    const { skyfox, queryClient } = connected([
      (_url, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    ]);
    const observer = new QueryObserver(queryClient, skyfox.show.list.queryOptions());
    const leave = observer.subscribe(() => {});
    await eventually(() => signals.length === 1);
    leave();
    await settle();
    expect(signals[0]?.aborted).toBe(true);
  });

  test("of pages follows nextCursor, and keeps beside the plain one", async () => {
    const cursors: unknown[] = [];
    const page: Reply = (url) => {
      const inputs = JSON.parse(new URL(url).searchParams.get("input") ?? "") as Record<
        string,
        { json: object }
      >;
      cursors.push(inputs["0"]?.json);
      return says({ items: [], nextCursor: cursors.length < 2 ? "c-1" : null })(url, { method: "GET" });
    };
    const { skyfox, queryClient } = connected([page]);
    const options = skyfox.booking.list.infiniteQueryOptions({ status: "Confirmed" });
    const observer = watching(new InfiniteQueryObserver(queryClient, options));
    await eventually(() => observer.getCurrentResult().isSuccess);
    await observer.fetchNextPage();
    expect(cursors).toEqual([
      { status: "Confirmed", cursor: null },
      { status: "Confirmed", cursor: "c-1" },
    ]);
    expect(observer.getCurrentResult()).toMatchObject({
      hasNextPage: false,
      data: { pageParams: [null, "c-1"] },
    });
    expect(queryClient.getQueryData(skyfox.booking.list.queryKey({ status: "Confirmed" }))).toBeUndefined();
  });
});

test("keys and filters fit one input, a procedure, a feature or everything", () => {
  const { skyfox, queryClient } = connected([says([])]);
  const april = skyfox.show.list.queryKey({ date: "2026-04-01" });
  queryClient.setQueryData(april, []);
  queryClient.setQueryData(skyfox.show.list.queryKey({ date: "2026-05-01" }), []);
  queryClient.setQueryData(skyfox.booking.latest.queryKey(), null);
  const count = (filter: { queryKey: readonly unknown[] }) =>
    queryClient.getQueryCache().findAll(filter).length;
  expect(count(skyfox.show.list.queryFilter({ date: "2026-04-01" }))).toBe(1);
  expect(count(skyfox.show.list.queryFilter())).toBe(2);
  expect(count(skyfox.show.byId.pathFilter())).toBe(0);
  expect(count(skyfox.show.pathFilter())).toBe(2);
  expect(count(skyfox.pathFilter())).toBe(3);
});

test("what is dehydrated and travels as JSON has its Decimals and Dates again, and no card", async () => {
  const hold = { bookingId: 1, amountDue: new Decimal("200.00"), expiresAt: new Date(0) };
  const { skyfox, queryClient } = connected([says(hold)]);
  const { queryKey } = skyfox.booking.latest.queryOptions();
  await queryClient.prefetchQuery(skyfox.booking.latest.queryOptions());
  const paused = queryClient.getMutationCache().build(queryClient, skyfox.wallet.addFunds.mutationOptions(), {
    context: undefined,
    data: undefined,
    error: null,
    failureCount: 1,
    failureReason: null,
    isPaused: true,
    status: "pending",
    variables: topUp,
    submittedAt: 0,
  });
  expect(paused.state.isPaused).toBe(true);

  const text = JSON.stringify(dehydrate(queryClient));
  const inPage = new QueryClient({ defaultOptions: queryClientDefaults });
  hydrate(inPage, JSON.parse(text) as DehydratedState);

  expect(inPage.getQueryData(queryKey)).toEqual(hold);
  expect(text).not.toContain(goodCard.number);
});

test("what another library's query holds is dehydrated as TanStack does it", () => {
  const [plain, map] = [{ at: new Date(0), list: [1] }, new Map([["a", 1n]])];
  const { queryClient } = connected([says(null)]);
  queryClient.setQueryData(["plain"], plain);
  queryClient.setQueryData(["map"], map);
  const state = dehydrate(queryClient);
  const inPage = new QueryClient({ defaultOptions: queryClientDefaults });
  hydrate(inPage, state);
  // A page that renders twice hydrates twice.
  hydrate(new QueryClient({ defaultOptions: queryClientDefaults }), state);
  expect(inPage.getQueryData(["plain"])).toEqual(plain);
  expect(inPage.getQueryData(["map"])).toBe(map);
});

describe("a mutation", () => {
  const observing = (
    skyfox: ReturnType<typeof connected>["skyfox"],
    queryClient: QueryClient,
    options: Parameters<typeof skyfox.wallet.addFunds.mutationOptions>[0] = {},
  ) => new MutationObserver(queryClient, skyfox.wallet.addFunds.mutationOptions(options));

  test("has one key for all of TanStack's tries, and each press its own", async () => {
    const { skyfox, queryClient, requests } = connected([unreachable, unreachable, says(null)]);
    const observer = observing(skyfox, queryClient, { retry: 2, retryDelay: 0 });
    await observer.mutate(topUp);
    await observer.mutate(topUp);
    const [first, second, third, fourth] = requests.map(({ key }) => key);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
  });

  test("keeps the keys of two presses apart that run side by side", async () => {
    const { skyfox, queryClient, requests } = connected([unreachable, unreachable, says(null)]);
    const retry = { retry: 1, retryDelay: 0 };
    await Promise.all([
      observing(skyfox, queryClient, retry).mutate(topUp),
      observing(skyfox, queryClient, retry).mutate(topUp),
    ]);
    const keys = requests.map(({ key }) => key);
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(2);
    expect(new Set(keys.slice(2))).toEqual(new Set(keys.slice(0, 2)));
  });

  test("fails with the codes of its procedure and the key to press again with", async () => {
    const { skyfox, queryClient, requests } = connected([unreachable]);
    const observer = observing(skyfox, queryClient);
    expect(await press(observer, topUp)).toMatchObject({
      code: "NETWORK",
      mayHaveHappened: true,
      idempotencyKey: requests[0]?.key,
    });
    expect(observer.getCurrentResult().error?.code).toBe("NETWORK");
  });

  test("is forgotten with its card a second after its component is gone, whatever the defaults", async () => {
    const { skyfox, queryClient } = connected([says(null)], {});
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const observer = observing(skyfox, queryClient);
    const leave = observer.subscribe(() => {});
    await press(observer, topUp);
    leave();
    expect(queryClient.getMutationCache().getAll()).toHaveLength(1);
    vi.advanceTimersByTime(1_000);
    expect(queryClient.getMutationCache().getAll()).toEqual([]);
  });

  test("that the server does not answer once carries no key", async () => {
    const { skyfox, queryClient, requests } = connected([says({ endedSessions: 1 })]);
    await new MutationObserver(queryClient, skyfox.auth.logout.mutationOptions()).mutate({});
    expect(requests).toEqual([{ paths: "auth.logout", key: null }]);
  });

  test("of an intent has the key of the press before until it is known what became of it", async () => {
    const { skyfox, queryClient, requests } = connected([
      unreachable,
      rateLimited,
      misspelt,
      says(null),
      declined,
      says(null),
    ]);
    const intent = { name: "top-up", storage: storage() };
    for (let presses = 0; presses < 6; presses += 1) {
      // As after a reload: a new page, the same storage.
      await press(observing(skyfox, queryClient, { intent }), topUp);
    }
    const [lost, early, badCard, done, notDone, other] = requests.map(({ key }) => key);
    expect([early, badCard, done]).toEqual([lost, lost, lost]);
    expect(new Set([lost, notDone, other]).size).toBe(3);
  });

  test("of an intent leaves the key of a newer press alone, however late its answer comes", async () => {
    const { promise: late, resolve: answerLate } = Promise.withResolvers<Response>();
    const { skyfox, queryClient, requests } = connected([() => late, says(null), unreachable]);
    const intent = { name: "top-up", storage: storage() };
    const pressing = press(observing(skyfox, queryClient, { intent }), topUp);
    // The same call from another page, which ends the intent; the next press is a newer one.
    await press(observing(skyfox, queryClient, { intent }), topUp);
    await press(observing(skyfox, queryClient, { intent }), topUp);
    answerLate(await says(null)("http://cinema.test", { method: "POST" }));
    await pressing;
    await press(observing(skyfox, queryClient, { intent }), topUp);
    const [older, same, newer, again] = requests.map(({ key }) => key);
    expect([same, again]).toEqual([older, newer]);
    expect(newer).not.toBe(older);
  });
});

function storage(): IntentStorage {
  const items = new Map<string, string>();
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}
