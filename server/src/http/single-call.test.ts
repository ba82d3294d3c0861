import { beforeAll, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, tokenOf } from "../../test/given.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { transformer } from "../contract/index.ts";
import { findSingleCall } from "./single-call.ts";

const app = await createTestApp();
const origin = "http://localhost";

let token: string;
let showId: number;
beforeAll(async () => {
  token = await tokenOf(app.deps, await givenCustomer(app.deps));
  showId = await givenShow(app);
});

const written = (input: unknown) => encodeURIComponent(JSON.stringify(transformer.serialize(input)));
const withInput = (json: string) => `?input=${encodeURIComponent(json)}`;

function recognised(path: string, init: { method?: string; headers?: Record<string, string> } = {}) {
  const { method = "GET", headers = {} } = init;
  const head = { method, path: path.split("?", 1)[0]!, header: (name: string) => headers[name] };
  return findSingleCall({ ...head, connection: undefined }, origin + path);
}

/** The answer, without what differs from one call to the next. */
async function answerTo(path: string, init: RequestInit): Promise<unknown> {
  const response = await app.app.request(path, init);
  const headers = Object.fromEntries(response.headers);
  delete headers["date-ms"];
  return { status: response.status, headers, body: await response.text() };
}

describe("a call on its own is answered as tRPC's adapter answers it:", () => {
  const queries: [string, () => string, Record<string, string>?][] = [
    ["without input", () => "/trpc/auth.me"],
    ["with an empty input", () => "/trpc/auth.me?input="],
    ["with input", () => `/trpc/show.byId?input=${written({ showId })}`],
    [
      "with spaces written as +",
      () => `/trpc/show.byId${withInput(`{ "json": { "showId": ${showId} } }`).replaceAll("%20", "+")}`,
    ],
    ["answered by text that is ready", () => `/trpc/show.seatMap?input=${written({ showId })}`],
    [
      "with the tag of any answer",
      () => `/trpc/show.seatMap?input=${written({ showId })}`,
      { "if-none-match": "*" },
    ],
    [
      "with another tag",
      () => `/trpc/show.seatMap?input=${written({ showId })}`,
      { "if-none-match": '"other"' },
    ],
    ["of what there is none of", () => `/trpc/show.byId?input=${written({ showId: 999_999 })}`],
    ["with a wrong input", () => `/trpc/show.byId?input=${written({ showId: "one", more: 1 })}`],
    ["with input that is no JSON", () => `/trpc/show.byId${withInput('{"json":')}`],
    ["with input that is not SuperJSON's", () => `/trpc/show.byId${withInput("null")}`],
    [
      "with a type that is not allowed",
      () => `/trpc/show.byId${withInput('{"json":{"showId":1},"meta":{"values":{"showId":["map"]}}}')}`,
    ],
    ["without a token", () => "/trpc/auth.me", { authorization: "" }],
    ["by the wrong role", () => "/trpc/admin.screens"],
    ["from a page of another origin", () => "/trpc/auth.me", { origin: "http://localhost:5173" }],
  ];
  test.each(queries)("a query %s", async (_, path, more) => {
    expect(recognised(path())).toBeDefined();
    const headers = { ...headersFor({ token }), "x-request-id": "same", ...more };
    // With this header a request is the adapter's.
    const byAdapter = { headers: { ...headers, "trpc-accept": "application/json" } };
    expect(recognised(path(), byAdapter)).toBeUndefined();
    expect(await answerTo(path(), { headers })).toEqual(await answerTo(path(), byAdapter));
  });

  const bodies: [string, string, string][] = [
    [
      "that is refused",
      "/trpc/booking.cancel",
      JSON.stringify(transformer.serialize({ bookingId: 999_999 })),
    ],
    ["with a wrong input", "/trpc/booking.cancel", JSON.stringify(transformer.serialize({}))],
    ["without a body", "/trpc/booking.cancel", ""],
    ["with a body that is no JSON", "/trpc/booking.cancel", "{"],
    ["with a picture that is none", "/trpc/auth.updateProfileImage", "[]"],
    [
      "that is locked out for longer than it takes to ask",
      "/trpc/auth.login",
      JSON.stringify(transformer.serialize({ username: "nobody", password: "Wrong-1" })),
    ],
  ];
  test.each(bodies)("a mutation %s", async (_, path, body) => {
    const headers = { ...headersFor({ token }), "x-request-id": "same", "content-type": "application/json" };
    const byAdapter = { ...headers, "trpc-accept": "application/json" };
    expect(recognised(path, { method: "POST", headers })).toBeDefined();
    expect(recognised(path, { method: "POST", headers: byAdapter })).toBeUndefined();
    const post = (sent: Record<string, string>) => answerTo(path, { method: "POST", headers: sent, body });
    expect(await post(headers)).toEqual(await post(byAdapter));
  });

  test("a mutation that is repeated with its key", async () => {
    const headers = {
      ...headersFor({ token }),
      "x-request-id": "same",
      "content-type": "application/json",
      "idempotency-key": crypto.randomUUID(),
    };
    const body = JSON.stringify(transformer.serialize({ showId, seatNumbers: ["A1"] }));
    const path = "/trpc/booking.initialize";
    await answerTo(path, { method: "POST", headers, body });
    const again = await answerTo(path, { method: "POST", headers, body });
    expect(again).toMatchObject({ status: 200, headers: { "idempotent-replayed": "true" } });
    const byAdapter = { ...headers, "trpc-accept": "application/json" };
    expect(again).toEqual(await answerTo(path, { method: "POST", headers: byAdapter, body }));
  });
});

test.each([
  ["a batch", "/trpc/auth.me?batch=1", {}],
  ["a batch with an input", "/trpc/auth.me?batch=1&input={}", {}],
  ["two calls", "/trpc/auth.me,auth.me", {}],
  ["a subscription", "/trpc/show.watchSeatMap?input={}", {}],
  ["a procedure that there is not", "/trpc/auth.none", {}],
  ["what every object has", "/trpc/constructor", {}],
  ["a path with more slashes", "/trpc//auth.me", {}],
  ["an encoded path", "/trpc/auth%2Eme", {}],
  ["other parameters", "/trpc/auth.me?connectionParams={}", {}],
  ["an input and more", "/trpc/auth.me?input={}&connectionParams={}", {}],
  ["a fragment", "/trpc/auth.me?input={}#x", {}],
  ["an input that is encoded wrongly", "/trpc/auth.me?input=%zz", {}],
  ["an answer in parts", "/trpc/auth.me", { headers: { accept: "text/html, application/jsonl" } }],
  ["a form", "/trpc/auth.me", { headers: { "content-type": "multipart/form-data" } }],
  ["a question for the head only", "/trpc/auth.me", { method: "HEAD" }],
  ["a mutation by GET", "/trpc/auth.logout", {}],
  ["a query by POST", "/trpc/auth.me", { method: "POST" }],
  ["a mutation with an input in its URL", "/trpc/auth.logout?input={}", { method: "POST" }],
])("%s is left to tRPC's adapter", (_, path, init) => {
  expect(recognised(path, init)).toBeUndefined();
});
