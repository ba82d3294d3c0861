import { expect, test } from "vitest";
import { givenCustomer, givenShow, tokenOf } from "../../test/given.ts";
import { headersFor, mutate } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { transformer } from "../contract/index.ts";

const app = await createTestApp();
const customer = await givenCustomer(app.deps);
const token = await tokenOf(app.deps, customer);
const date = "2026-03-12";
const showId = await givenShow(app, { date });
const inputs = { "show.seatMap": { showId }, "show.list": { date } };
type Path = keyof typeof inputs;
const paths = Object.keys(inputs) as Path[];

async function send(path: string, headers: Record<string, string> = {}) {
  const response = await app.app.request(`/trpc/${path}`, {
    headers: { ...headersFor({ token }), ...headers },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const encode = (input: unknown) => `input=${encodeURIComponent(JSON.stringify(input))}`;
const one = (path: Path) => `${path}?${encode(transformer.serialize(inputs[path]))}`;
const batch = (...calls: [path: string, input: unknown][]) => {
  const written = calls.map(([, input], index) => [index, transformer.serialize(input)]);
  return `${calls.map(([path]) => path).join(",")}?batch=1&${encode(Object.fromEntries(written))}`;
};

test.each(paths)("%s has a tag, and answers 304 without a body while its text is the same", async (path) => {
  const first = await send(one(path));
  const etag = first.headers.get("etag")!;
  expect(first.status).toBe(200);
  expect(first.headers.get("content-type")).toBe("application/json");
  expect(first.headers.get("cache-control")).toBe("private, no-cache");
  expect(etag).toMatch(/^"[\w-]{27}"$/);

  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await send(one(path), { "if-none-match": known });
    expect([known, again.status, again.text]).toEqual([known, 304, ""]);
    expect(again.headers.get("etag")).toBe(etag);
    expect(again.headers.get("cache-control")).toBe("private, no-cache");
    expect(again.headers.get("content-type")).toBeNull();
  }
  for (const stale of ['"other"', etag.slice(1, -1)]) {
    const again = await send(one(path), { "if-none-match": stale });
    expect([again.status, again.text]).toEqual([200, first.text]);
  }

  const [seatNumber] = path === "show.list" ? ["A1"] : ["A2"];
  const held = await mutate(app, "booking.initialize", { showId, seatNumbers: [seatNumber] }, { token });
  expect(held.status).toBe(200);
  const changed = await send(one(path), { "if-none-match": etag });
  expect(changed.status).toBe(200);
  expect(changed.text).not.toBe(first.text);
  expect(changed.headers.get("etag")).not.toBe(etag);
});

test("a refusal has no tag and is not kept, whatever the caller knows", async () => {
  const refused = await send(`show.list?${encode(transformer.serialize({ date: "2020-01-01" }))}`, {
    "if-none-match": "*",
  });
  expect(refused.status).toBe(400);
  expect(refused.headers.get("etag")).toBeNull();
  expect(refused.headers.get("cache-control")).toBe("no-store");
});

test("a batch gets the same answers, in its order, without a tag", async () => {
  const [map, list] = [await send(one("show.seatMap")), await send(one("show.list"))];
  const calls = (...called: Path[]) => called.map((path) => [path, inputs[path]] as [string, unknown]);
  const [{ result: mapResult }, { result: listResult }] = [map, list].map(
    ({ text }) => JSON.parse(text) as { result: unknown },
  ) as [{ result: unknown }, { result: unknown }];

  const written = await send(batch(...calls("show.seatMap", "show.list")), { "if-none-match": "*" });
  expect(written.status).toBe(200);
  expect(written.text).toBe(`[${map.text},${list.text}]`);
  expect(written.headers.get("etag")).toBeNull();
  expect(written.headers.get("cache-control")).toBe("no-store");
  expect((await send(batch(...calls("show.list")))).text).toBe(`[${list.text}]`);

  // Beside an answer that is not written, and one that is refused.
  const mixed = await send(batch(...calls("show.list"), ["auth.me", undefined], ...calls("show.seatMap")));
  expect(mixed.status).toBe(200);
  expect(JSON.parse(mixed.text)).toMatchObject([
    { result: listResult },
    { result: { data: { json: { username: customer.username } } } },
    { result: mapResult },
  ]);
  const partly = await send(batch(...calls("show.list"), ["show.seatMap", { showId: 999_999 }]));
  expect(partly.status).toBe(207);
  expect(JSON.parse(partly.text)).toMatchObject([
    { result: listResult },
    { error: { json: { data: { domain: { code: "SHOW_NOT_FOUND" } } } } },
  ]);
});

test("a stream of answers has them too", async () => {
  const streamed = await send(batch(["show.list", inputs["show.list"]]), {
    "trpc-accept": "application/jsonl",
  });
  expect(streamed.status).toBe(200);
  expect(streamed.text).toContain('"availableSeats":98,');
});
