import { expect, test } from "vitest";
import { page, scripted, unreachable, type Reply } from "../test/scripted.ts";
import type { AnsweredRequest, SentRequest, SkyfoxClientOptions } from "./index.ts";

const answered: Reply = (url) => {
  const one = { result: { data: { json: null } } };
  const isBatch = new URL(url).searchParams.has("batch");
  const headers = { "x-request-id": "r-7", "idempotent-replayed": "true" };
  return Promise.resolve(Response.json(isBatch ? [one, one] : one, { headers }));
};

function observed(replies: Reply[], options: Partial<SkyfoxClientOptions> = {}) {
  const sent: SentRequest[] = [];
  const got: AnsweredRequest[] = [];
  const { client } = scripted(replies, {
    token: "secret token",
    apiKey: "secret-key",
    onRequest: (request) => sent.push(request),
    onResponse: (request) => got.push(request),
    ...options,
  });
  return { client, sent, got };
}

test("each request and its answer are told, with the request id, and without secrets", async () => {
  const { client, sent, got } = observed([answered]);
  await Promise.all([client.auth.me.query(), client.booking.latest.query()]);
  await client.auth.login.mutate({ username: "anna", password: "secret password" });
  await client.booking.cancel.mutate({ bookingId: 1 }, { idempotencyKey: "mine" });
  expect(sent).toEqual([
    { calls: ["auth.me", "booking.latest"], method: "GET", idempotencyKey: null },
    { calls: ["auth.login"], method: "POST", idempotencyKey: null },
    { calls: ["booking.cancel"], method: "POST", idempotencyKey: "mine" },
  ]);
  expect(got).toMatchObject(sent.map((request) => ({ ...request, status: 200, requestId: "r-7" })));
  expect(got.every(({ isReplayed, durationMs }) => isReplayed && durationMs >= 0)).toBe(true);
  expect(JSON.stringify([sent, got])).not.toContain("secret");
});

test("every attempt is told, also one without an answer", async () => {
  const { client, sent, got } = observed([unreachable, page(502, {}), answered]);
  await client.booking.cancel.mutate({ bookingId: 1 });
  expect(sent.map(({ calls }) => calls)).toEqual([
    ["booking.cancel"],
    ["booking.cancel"],
    ["booking.cancel"],
  ]);
  expect(got.map(({ status, requestId }) => [status, requestId])).toEqual([
    [null, null],
    [502, null],
    [200, "r-7"],
  ]);
});

test("what is no procedure is told by its path", async () => {
  const { client, sent } = observed([page(404, {})]);
  await client.exports.bookingsCsv.safe({ year: 2026 });
  expect(sent).toEqual([{ calls: ["/exports/bookings.csv"], method: "GET", idempotencyKey: null }]);
});

test("a hook that throws disturbs no call", async () => {
  const thrown: unknown[] = [];
  const fail = () => {
    throw new Error("The hook is broken.");
  };
  const timing = {
    random: () => 0,
    now: () => 0,
    after(_ms: number, wake: () => void) {
      try {
        wake();
      } catch (error) {
        thrown.push(error);
      }
      return () => {};
    },
  };
  const { client } = scripted([answered], { onRequest: fail, onResponse: fail }, timing);
  expect(await client.booking.cancel.mutate({ bookingId: 1 })).toBeNull();
  expect(thrown).toHaveLength(2);
});
