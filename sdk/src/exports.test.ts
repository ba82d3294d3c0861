import { describe, expect, onTestFinished, test, vi } from "vitest";
import { errorOf } from "../test/connect.ts";
import {
  createSkyfoxClient,
  domainErrorOf,
  isSkyfoxError,
  type BookingsCsvOptions,
  type SkyfoxClientOptions,
} from "./index.ts";

const csv = {
  "content-type": "text/csv; charset=utf-8",
  "content-disposition": 'attachment; filename="bookings.csv"',
};

// A server that gives the same answer to everything, and remembers what it was asked.
function answering(options: Partial<SkyfoxClientOptions> & { answer?: () => Response } = {}) {
  const requests: { url: string; init: RequestInit }[] = [];
  const { answer = () => new Response("text", { headers: csv }), ...rest } = options;
  const client = createSkyfoxClient({
    url: "http://cinema.test/",
    apiKey: "key",
    fetch(url, init) {
      requests.push({ url, init });
      return Promise.resolve(answer());
    },
    ...rest,
  });
  return { client, requests };
}

const refusing = (status: number, body: object) =>
  answering({ answer: () => Response.json(body, { status }) }).client;

/** Never answers, and heeds its signal. */
async function hang(_url: string, { signal }: RequestInit): Promise<Response> {
  signal?.throwIfAborted();
  return await new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

describe("an export", () => {
  test.each<[BookingsCsvOptions | undefined, string]>([
    [undefined, ""],
    [{}, ""],
    [{ month: undefined, year: undefined }, ""],
    [{ month: 1 }, "?month=1"],
    [{ year: 2025 }, "?year=2025"],
    [{ month: 12, year: 2025 }, "?month=12&year=2025"],
  ])("of %j is asked for below the server's address", async (options, search) => {
    const { client, requests } = answering();
    await client.exports.bookingsCsv(options);
    expect(requests.map(({ url }) => url)).toEqual([`http://cinema.test/exports/bookings.csv${search}`]);
  });

  test("carries the API key, and the token as it is when the request leaves", async () => {
    let token: string | null = null;
    const { client, requests } = answering({ token: () => Promise.resolve(token) });
    await client.exports.bookingsCsv();
    token = "first";
    await client.exports.bookingsCsv();
    expect(requests.map(({ init }) => init.headers)).toEqual([
      { "x-api-key": "key" },
      { "x-api-key": "key", authorization: "Bearer first" },
    ]);
  });

  test("of a workbook goes to an address of its own, with the same options", async () => {
    const { client, requests } = answering();
    await client.exports.bookingsXlsx({ month: 4, year: 2025 });
    expect(requests.map(({ url }) => url)).toEqual([
      "http://cinema.test/exports/bookings.xlsx?month=4&year=2025",
    ]);
  });

  test("gives the file's name and its bytes as they come", async () => {
    const { client } = answering({ answer: () => new Response("\uFEFFBooking ID", { headers: csv }) });
    const { filename, stream } = await client.exports.bookingsCsv();
    expect(filename).toBe("bookings.csv");
    const chunks = await Array.fromAsync(stream);
    expect(Buffer.concat(chunks).toString()).toBe("\uFEFFBooking ID");
  });

  test("that has begun may take as long as it likes", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { client, requests } = answering({ timeoutMs: 1_000 });
    await client.exports.bookingsCsv();
    vi.advanceTimersByTime(1_000_000);
    expect(requests[0]?.init.signal?.aborted).toBe(false);
  });

  test("leaves the calls of procedures as they were", async () => {
    const { client } = answering({ answer: () => Response.json([{ result: { data: { json: null } } }]) });
    expect(await client.booking.latest.query()).toBeNull();
    expect((client as unknown as { then: unknown }).then).toBeUndefined();
  });
});

describe("a refused export is the error that a call would be", () => {
  const plain = (code: string, more = {}) => ({
    status: "ERROR",
    code,
    message: "No.",
    request_id: "r-1",
    ...more,
  });

  test.each([
    [403, "INVALID_API_KEY", "FORBIDDEN", null],
    [401, "MISSING_TOKEN", "UNAUTHORIZED", null],
    [401, "INVALID_TOKEN", "UNAUTHORIZED", null],
    [401, "SESSION_ENDED", "UNAUTHORIZED", null],
    [403, "FORBIDDEN", "FORBIDDEN", { requiredRoles: ["staff", "admin"] }],
    [429, "RATE_LIMITED", "TOO_MANY_REQUESTS", { retryAfterSeconds: 2 }],
    [503, "OVERLOADED", "SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 }],
    [503, "DATABASE_UNAVAILABLE", "SERVICE_UNAVAILABLE", { retryAfterSeconds: 2 }],
  ])("%i %s", async (status, code, transportCode, details) => {
    const body = plain(code, details === null ? {} : { details });
    const error = await errorOf(refusing(status, body).exports.bookingsCsv());
    if (!isSkyfoxError(error)) throw new Error("SkyFox answered.");
    expect(error.message).toBe("No.");
    const domain = { code, details };
    expect(error.data).toEqual({
      code: transportCode,
      httpStatus: status,
      path: "exports.bookingsCsv",
      requestId: "r-1",
      domain,
      fields: null,
    });
    const retryable = status === 429 || status === 503;
    const facts = { message: "No.", requestId: "r-1", fields: [], retryable, mayHaveHappened: false };
    expect(domainErrorOf(error)).toEqual({ ...domain, ...facts });
  });

  test("with the fields that are wrong", async () => {
    const errors = [{ field: "month", message: "From 1 to 12." }];
    const month = 13 as 12;
    const error = await errorOf(
      refusing(400, plain("VALIDATION_ERROR", { errors })).exports.bookingsCsv({ month }),
    );
    expect(domainErrorOf(error)).toMatchObject({ code: "VALIDATION_ERROR", fields: errors });
  });

  test.each([
    [503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE"],
    [500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR"],
    [418, "A_NEWER_CODE", "INTERNAL_SERVER_ERROR"],
  ])("and one about no rule (%i) has no domain error", async (status, code, transportCode) => {
    const error = await errorOf(refusing(status, plain(code)).exports.bookingsCsv());
    expect(isSkyfoxError(error)).toBe(true);
    expect(error).toMatchObject({ data: { code: transportCode, httpStatus: status, requestId: "r-1" } });
    expect(domainErrorOf(error)).toBeUndefined();
  });
});

describe("an export without an answer is not SkyFox's error", () => {
  test("when no server listens", async () => {
    const client = createSkyfoxClient({ url: "http://127.0.0.1:1", apiKey: "key" });
    const error = await errorOf(client.exports.bookingsCsv());
    expect(error).toMatchObject({
      name: "TRPCClientError",
      message: "exports.bookingsCsv: 127.0.0.1:1 could not be reached: fetch failed (1 attempt).",
    });
    expect(isSkyfoxError(error)).toBe(false);
  });

  test("when it does not begin in time", async () => {
    const { client } = answering({ timeoutMs: 20, fetch: hang });
    const error = await errorOf(client.exports.bookingsCsv());
    expect(error).toMatchObject({ cause: { name: "TimeoutError" } });
    expect(isSkyfoxError(error)).toBe(false);
  });

  test("when the caller gives up, before or after it was asked for", async () => {
    const { client } = answering({ fetch: hang });
    const giveUp = new AbortController();
    const asked = errorOf(client.exports.bookingsCsv({ signal: giveUp.signal }));
    giveUp.abort();
    expect(await asked).toMatchObject({ cause: { name: "AbortError" } });
    expect(isSkyfoxError(await asked)).toBe(false);
    const aborted = answering({ fetch: globalThis.fetch, url: "http://127.0.0.1:1" });
    expect(await errorOf(aborted.client.exports.bookingsCsv({ signal: giveUp.signal }))).toMatchObject({
      cause: { name: "AbortError" },
    });
  });

  test.each([
    ["a proxy's page", () => new Response("<h1>Bad Gateway</h1>", { status: 502 })],
    ["the page of another server", () => new Response("<h1>Welcome</h1>")],
    [
      "a file without a name",
      () => new Response("text", { headers: { "content-disposition": "attachment" } }),
    ],
    [
      "a name with a folder",
      () => new Response("x", { headers: { "content-disposition": 'attachment; filename="../x.csv"' } }),
    ],
    ["JSON of another server", () => Response.json({ status: "ERROR" }, { status: 400 })],
    ["null", () => Response.json(null, { status: 400 })],
  ])("when it is %s", async (_what, answer) => {
    const error = await errorOf(answering({ answer }).client.exports.bookingsCsv());
    expect(error).toMatchObject({
      name: "TRPCClientError",
      message: expect.stringContaining("not with SkyFox's answer (1 attempt)") as string,
    });
    expect(isSkyfoxError(error)).toBe(false);
  });
});
