import { createTRPCClient, httpBatchLink, httpLink } from "@trpc/client";
import { describe, expect, test } from "vitest";
import { transformer } from "@skyfox/server/contract";
import { errorOf } from "../test/connect.ts";
import { answer, cutOff, page, refusal, scripted, unreachable, type Reply } from "../test/scripted.ts";
import { domainErrorOf, failureOf, isSkyfoxError, outcome, type AppRouter } from "./index.ts";

const hold = { showId: 1, seatNumbers: ["A1"] };
const taken = refusal(409, { code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["A1"] } });

describe("a call as a value", () => {
  test("has the answer", async () => {
    const { client, requests } = scripted([answer]);
    expect(await client.show.byId.safe({ showId: 1 })).toEqual({ ok: true, data: null });
    expect(await client.auth.logout.safe()).toEqual({ ok: true, data: null });
    expect(requests.map(({ paths }) => paths)).toEqual(["show.byId", "auth.logout"]);
  });

  test("has the refusal, with its key and its request", async () => {
    const { client } = scripted([taken]);
    const result = await client.booking.initialize.safe(hold, { idempotencyKey: "mine" });
    expect(result).toEqual({
      ok: false,
      error: {
        code: "SEATS_UNAVAILABLE",
        details: { seatNumbers: ["A1"] },
        message: "No.",
        requestId: "r-1",
        fields: [],
        retryable: false,
        idempotencyKey: "mine",
        mayHaveHappened: false,
      },
    });
  });

  test.for<[string, Reply, string]>([
    ["the network fails", unreachable, "NETWORK"],
    ["the answer breaks off", cutOff, "NETWORK"],
    ["a proxy's server is away", page(502, {}), "NETWORK"],
    ["the time is over", () => Promise.reject(new DOMException("Late.", "TimeoutError")), "TIMEOUT"],
    ["another server answers", page(200, {}), "UNEXPECTED"],
    ["the fault is SkyFox's", refusal(500), "UNEXPECTED"],
  ])("has a code when %s", async ([, reply, code]) => {
    const { client } = scripted([reply], { retries: 0 });
    const result = await client.booking.pay.safe({ bookingId: 1, method: "Wallet" });
    expect(result).toMatchObject({ ok: false, error: { code, details: null, mayHaveHappened: true } });
    const query = await client.booking.latest.safe();
    expect(query).toMatchObject({ ok: false, error: { code, mayHaveHappened: false } });
  });

  test("has a code when its caller aborts, whatever the reason", async () => {
    for (const reason of [undefined, "left", new Error("The page was left.")]) {
      const { client, requests } = scripted([answer]);
      const signal = AbortSignal.abort(reason);
      const result = await client.booking.initialize.safe(hold, { signal });
      expect(result).toMatchObject({ ok: false, error: { code: "ABORTED", mayHaveHappened: false } });
      expect(requests).toEqual([]);
    }
  });

  test("has a code of a newer server as an unexpected one", async () => {
    const newer = refusal(409, { code: "SEATS_PAINTED", details: { colour: "red" } });
    const foreign = refusal(409, { code: "PASSWORD_REUSE", details: null });
    for (const [reply, rawCode] of [
      [newer, "SEATS_PAINTED"],
      [foreign, "PASSWORD_REUSE"],
    ] as const) {
      const { client } = scripted([reply]);
      const result = await client.booking.initialize.safe(hold);
      expect(result).toMatchObject({
        ok: false,
        error: { code: "UNEXPECTED", rawCode, details: null, requestId: "r-1", message: "No." },
      });
      const error = await errorOf(client.booking.initialize.mutate(hold));
      expect(domainErrorOf(error, "booking.initialize")).toBeUndefined();
      expect(domainErrorOf(error)?.code).toBe(rawCode);
    }
  });

  test("of an export and of the tickets' keys is like that of a procedure", async () => {
    const { client } = scripted([unreachable]);
    expect(await client.exports.bookingsCsv.safe()).toMatchObject({ ok: false, error: { code: "NETWORK" } });
    expect(await client.exports.bookingsXlsx.safe({ month: 1 })).toMatchObject({
      error: { code: "NETWORK" },
    });
    expect(await client.tickets.keys.safe()).toMatchObject({ error: { code: "NETWORK", retryable: true } });
    const body = { status: "ERROR", code: "SESSION_ENDED", message: "No.", request_id: "r-1" };
    const refused = scripted([async () => Response.json(body, { status: 401 })]);
    expect(await refused.client.exports.bookingsCsv.safe()).toMatchObject({
      ok: false,
      error: { code: "SESSION_ENDED", requestId: "r-1", mayHaveHappened: false },
    });
  });
});

describe("a call of plain tRPC as a value", () => {
  const plain = (reply: Reply, batch = false) => {
    const options = { url: "http://cinema.test/trpc", transformer, fetch: reply as never };
    const link = batch ? httpBatchLink(options) : httpLink(options);
    return createTRPCClient<AppRouter>({ links: [link] });
  };

  test("has the answer, the refusal and what came instead", async () => {
    expect(await outcome(plain(answer).booking.cancel.mutate({ bookingId: 1 }))).toEqual({
      ok: true,
      data: null,
    });
    const declined: Reply = async () => {
      const data = {
        code: "CONFLICT",
        httpStatus: 409,
        path: "booking.initialize",
        requestId: "r-1",
        domain: { code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["A1"] } },
        fields: null,
      };
      return Response.json({ error: transformer.serialize({ code: -32_603, message: "No.", data }) });
    };
    expect(await outcome(plain(declined).booking.initialize.mutate(hold))).toMatchObject({
      ok: false,
      error: { code: "SEATS_UNAVAILABLE", mayHaveHappened: false },
    });
    expect(await outcome(plain(unreachable).booking.cancel.mutate({ bookingId: 1 }))).toMatchObject({
      ok: false,
      error: { code: "NETWORK", mayHaveHappened: true },
    });
  });

  test("knows the codes of every call where the answer names no procedure", async () => {
    const key = plain(refusal(403, { code: "INVALID_API_KEY", details: null }), true);
    expect(await outcome(key.auth.me.query())).toMatchObject({ error: { code: "INVALID_API_KEY" } });
    const seats = plain(refusal(409, { code: "SEATS_UNAVAILABLE", details: null }), true);
    expect(await outcome(seats.auth.me.query())).toMatchObject({
      error: { code: "UNEXPECTED", rawCode: "SEATS_UNAVAILABLE" },
    });
  });
});

test("a thrown error gives the same failure, and says itself which call it was", async () => {
  const { client } = scripted([taken]);
  const error = await errorOf(client.booking.initialize.mutate(hold, { idempotencyKey: "mine" }));
  expect(isSkyfoxError(error)).toBe(true);
  const facts = {
    procedure: "booking.initialize",
    attempts: 1,
    idempotencyKey: "mine",
    mayHaveHappened: false,
  };
  expect(error).toMatchObject(facts);
  expect(failureOf(error, "booking.initialize")).toMatchObject({ code: "SEATS_UNAVAILABLE" });
  expect(domainErrorOf(error, "booking.initialize")?.code).toBe("SEATS_UNAVAILABLE");
  expect(domainErrorOf(error, "booking.pay")).toBeUndefined();
  expect(failureOf(new Error("A bug."))).toMatchObject({ code: "UNEXPECTED", message: "A bug." });
});

test.each([
  ["too early to tell", refusal(429, { code: "RATE_LIMITED", details: { retryAfterSeconds: 60 } })],
  ["about the input", refusal(400, { code: "VALIDATION_ERROR", details: null })],
  ["about another call", refusal(409, { code: "IDEMPOTENCY_MISMATCH", details: null })],
])("a refusal that is %s leaves open what an earlier call with the caller's key did", async (_why, early) => {
  const { client } = scripted([early, early, taken]);
  const own = { idempotencyKey: "mine" };
  const hasHappened = (mayHaveHappened: boolean) => ({ ok: false, error: { mayHaveHappened } });
  expect(await client.booking.initialize.safe(hold)).toMatchObject(hasHappened(false));
  expect(await client.booking.initialize.safe(hold, own)).toMatchObject(hasHappened(true));
  expect(await client.booking.initialize.safe(hold, own)).toMatchObject(hasHappened(false));
});
