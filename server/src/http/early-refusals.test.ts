import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { openPort } from "../../test/open-port.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import { createApp } from "./app.ts";
import { countInFlight } from "./in-flight.ts";

const app = await createTestApp();
const logger = createMemoryLogger();
// One call fits, and that place is for urgent ones: all others find the server busy.
const busy = createApp(
  { ...app.deps, logger },
  {
    apiKeys: [{ name: "tests", key: testApiKey }],
    corsOrigins: ["https://cinema.example"],
    trustedProxies: 0,
    maxCalls: 1,
    findUnready: () => Promise.resolve([]),
    inFlight: countInFlight(),
  },
);
const port = await openPort({ app: busy, logger });

const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);

describe("a call that there is no room for, over a port", () => {
  test("gets a time to come back, in tRPC's envelope, before its body is read", async () => {
    const headers = { ...headersFor(), "x-request-id": "e1", "content-type": "application/json" };
    const body = JSON.stringify({ json: { username: "a", password: "b" } });
    const response = await ask("/trpc/booking.cancel", { method: "POST", headers, body });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(response.headers.get("x-request-id")).toBe("e1");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.json()).toEqual({
      error: {
        json: {
          code: -32_603,
          message: "SkyFox has more calls than it can answer in time. Try again after the time given.",
          data: {
            code: "SERVICE_UNAVAILABLE",
            httpStatus: 503,
            path: null,
            requestId: "e1",
            domain: { code: "OVERLOADED", details: { retryAfterSeconds: 1 } },
            fields: null,
          },
        },
      },
    });
  });

  test("may be read by a page of an origin that is known, and by no other", async () => {
    const from = async (origin: string) =>
      (await ask("/trpc/show.list", { headers: { ...headersFor(), origin } })).headers.get(
        "access-control-allow-origin",
      );
    expect(await from("https://cinema.example")).toBe("https://cinema.example");
    expect(await from("https://evil.example")).toBeNull();
  });

  test("writes no line of its own", async () => {
    const before = logger.lines.length;
    for (let calls = 0; calls < 5; calls += 1) await ask("/trpc/show.list", { headers: headersFor() });
    expect(logger.lines.slice(before).filter(({ msg }) => msg === "Answered.")).toEqual([]);
  });
});

test("a caller who is refused in the middle of a large body sees the answer", async () => {
  const body = JSON.stringify({ json: { image: { base64: "A".repeat(7_000_000) } } });
  for (let calls = 0; calls < 10; calls += 1) {
    const headers = { ...headersFor(), "content-type": "application/json" };
    const refused = await ask("/trpc/auth.updateProfileImage", { method: "POST", headers, body });
    expect(refused.status).toBe(503);
    expect((await ask("/trpc/auth.updateProfileImage", { method: "POST", body })).status).toBe(403);
  }
});

test("a long body is refused by its start, while the rest is still to come", async () => {
  const open = await openPort({ app: app.app, logger });
  const socket = connect(open, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const head = [
    "POST /trpc/auth.signup HTTP/1.1",
    "host: localhost",
    `x-api-key: ${testApiKey}`,
    "content-type: application/json",
    "content-length: 5000000",
    "",
    "",
  ].join("\r\n");
  socket.write(head + `{"json":[${"[],".repeat(30_000)}`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 [^]*more values than this call can take/);
});

describe("a request without a key, over a port", () => {
  test.each(["/trpc/show.list", "/nowhere", "/exports/bookings.csv", "/images", "//health"])(
    "(%s) is refused as it is without one",
    async (path) => {
      const headers = { "x-request-id": "e2" };
      const [early, later] = [await ask(path, { headers }), await app.app.request(path, { headers })];
      expect([early.status, later.status]).toEqual([403, 403]);
      expect(await early.json()).toEqual(await later.json());
      for (const name of ["content-type", "x-request-id", "cache-control", "x-content-type-options"])
        expect(early.headers.get(name)).toBe(later.headers.get(name));
    },
  );

  test("may look at what is open to all", async () => {
    expect((await ask("/health")).status).toBe(200);
    expect((await ask("/ready")).status).toBe(200);
  });

  test("may ask what a page of a known origin may send", async () => {
    const headers = { origin: "https://cinema.example", "access-control-request-method": "POST" };
    expect((await ask("/trpc/show.list", { method: "OPTIONS", headers })).status).toBe(204);
  });
});
