import { describe, expect, test } from "vitest";
import { givenCustomer, tokenOf } from "../../test/given.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import { createApp, isOpen } from "./app.ts";
import { countInFlight } from "./in-flight.ts";

const app = await createTestApp();
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function appWith(options: Partial<Parameters<typeof createApp>[1]>) {
  return createApp(app.deps, {
    apiKeys: [{ name: "tests", key: testApiKey }],
    corsOrigins: undefined,
    trustedProxies: 0,
    maxCalls: 100,
    findUnready: () => Promise.resolve([]),
    inFlight: countInFlight(),
    ...options,
  });
}

test.each([
  ["/health", true],
  ["/images/abc.jpg", true],
  ["/images/../trpc/show.list", false],
  ["/images/%2E%2e/trpc/show.list", false],
  ["/trpc/show.list", false],
])("%s needs no key: %s, also when dots make another path of it", (path, open) => {
  expect(isOpen(path)).toBe(open);
});

describe("health and readiness", () => {
  test("say that the process is there, and that everything is", async () => {
    const health = await app.app.request("/health");
    expect([health.status, await health.json()]).toEqual([200, { status: "healthy" }]);
    const ready = await app.app.request("/ready");
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
  });

  test("say what is not ready, and the process is healthy all the same", async () => {
    const starting = appWith({ findUnready: () => Promise.resolve(["database", "migrations"]) });
    const ready = await starting.request("/ready");
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "not ready", notReady: ["database", "migrations"] },
    ]);
    expect((await starting.request("/health")).status).toBe(200);
  });

  test("are looked for once for all who ask at the same time", async () => {
    const looks: PromiseWithResolvers<string[]>[] = [];
    const asked = appWith({
      findUnready: () => {
        const look = Promise.withResolvers<string[]>();
        looks.push(look);
        return look.promise;
      },
    });
    const asking = Array.from({ length: 50 }, async () => (await asked.request("/ready")).status);
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toHaveLength(1);
    looks[0]?.resolve([]);
    expect(new Set(await Promise.all(asking))).toEqual(new Set([200]));
    void asked.request("/ready");
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toHaveLength(2);
  });

  test("that cannot be found out is our fault, answered without its reason", async () => {
    const broken = appWith({ findUnready: () => Promise.reject(new Error("canary")) });
    const response = await broken.request("/ready", { headers: { "x-request-id": "r1" } });
    expect(response.status).toBe(500);
    expect(response.headers.get("x-request-id")).toBe("r1");
    expect(await response.json()).toEqual({
      status: "ERROR",
      code: "INTERNAL_SERVER_ERROR",
      message: "Something went wrong on our side. If you ask about it, name the request r1.",
      request_id: "r1",
    });
    const line = app.logger.lines.find((one) => one["requestId"] === "r1" && one["level"] === "error");
    expect(line).toMatchObject({ err: { message: "canary" } });
  });
});

const idFor = async (headers: Record<string, string>, path = "/health") =>
  (await app.app.request(path, { headers })).headers.get("x-request-id");

const withId = (headers: Record<string, string> = {}) => ({
  headers: { "x-request-id": "r2", ...headers },
});

describe("the request id", () => {
  test.each(["a", "0", "abc.DEF_1-2", "x".repeat(64), "..", "-"])("of the caller is kept: %s", async (id) => {
    expect(await idFor({ "x-request-id": id })).toBe(id);
  });

  test.each(["", "x".repeat(65), "a b", "a/b", "a,b", 'a"b', "a;b", "<x>", "é", "${x}", "%41"])(
    "in another form is replaced: %s",
    async (id) => {
      expect(await idFor({ "x-request-id": id })).toMatch(uuid);
    },
  );

  test("is a new one every time when there is none", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => idFor({})));
    expect(new Set(ids).size).toBe(20);
    for (const id of ids) expect(id).toMatch(uuid);
  });

  test("is in every error too, from every part that answers one", async () => {
    for (const response of [
      await app.app.request("/nowhere", withId()),
      await app.app.request("/nowhere", withId(headersFor())),
      await app.app.request("/.env", withId(headersFor())),
      await app.app.request("/trpc/auth.me", withId()),
      await app.app.request("/trpc/auth.me", withId(headersFor())),
      await app.app.request("/trpc/auth.none", withId(headersFor())),
      await app.app.request("/trpc/auth.login", { method: "POST", ...withId(headersFor()) }),
    ]) {
      expect(response.headers.get("x-request-id")).toBe("r2");
      expect(await response.text()).toMatch(/"(request_id|requestId)":"r2"/);
    }
  });

  test("is in the log of the call", async () => {
    await app.app.request("/trpc/auth.me?input=x", { headers: { ...headersFor(), "x-request-id": "r3" } });
    expect(app.logger.lines.filter((line) => line["requestId"] === "r3")).toMatchObject([
      { method: "GET", path: "/trpc/auth.me", status: 401, msg: "Answered." },
    ]);
  });
});

describe("a path that there is not", () => {
  test.each(["/nowhere", "/trpcx", "/trpc%2Fauth.me", "/health/x", "/exports", "/%00", "/%"])(
    "(%s) is a 404 in the plain shape",
    async (path) => {
      for (const method of ["GET", "POST", "PUT", "DELETE"]) {
        const response = await app.app.request(path, {
          method,
          headers: { ...headersFor(), "x-request-id": "r4" },
        });
        expect(response.status).toBe(404);
        expect(response.headers.get("content-type")).toContain("application/json");
        expect(await response.json()).toEqual({
          status: "ERROR",
          code: "NOT_FOUND",
          message: "There is nothing at this path.",
          request_id: "r4",
        });
      }
    },
  );

  test("is one also for a body beyond every limit, which is not read", async () => {
    let pulled = 0;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const init = { method: "POST", headers: headersFor(), body, duplex: "half" } as RequestInit;
    expect((await app.app.request("/nowhere", init)).status).toBe(404);
    expect(pulled).toBeLessThan(3);
  });
});

test("no answer may be kept, or be taken for another type", async () => {
  const token = await tokenOf(app.deps, await givenCustomer(app.deps));
  for (const [path, headers] of [
    ["/health", {}],
    ["/nowhere", {}],
    ["/trpc/auth.me", headersFor({ token })],
    ["/trpc/auth.me", headersFor()],
  ] as const) {
    const response = await app.app.request(path, { headers });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  }
});

async function addressWith(trustedProxies: number, forwarded: string | undefined): Promise<unknown> {
  const before = app.logger.lines.length;
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  await appWith({ trustedProxies }).request("/nowhere", { headers });
  return app.logger.lines.slice(before).find((line) => line["audit"] !== undefined)?.["address"];
}

describe("the address of the caller", () => {
  test.each([
    [0, "1.1.1.1", "unknown"],
    [0, undefined, "unknown"],
    [1, undefined, "unknown"],
    [1, "1.1.1.1", "1.1.1.1"],
    [1, "9.9.9.9, 1.1.1.1", "1.1.1.1"],
    [1, "9.9.9.9,1.1.1.1", "1.1.1.1"],
    [2, "9.9.9.9, 1.1.1.1, 2.2.2.2", "1.1.1.1"],
    [2, "1.1.1.1", "1.1.1.1"],
    [1, "9.9.9.9, ::1", "::1"],
    [1, "", "unknown"],
    [1, " , ", "unknown"],
  ])("behind %i proxies that say %j is %s", async (proxies, forwarded, address) => {
    expect(await addressWith(proxies, forwarded)).toBe(address);
  });
});

const preflight = (on: ReturnType<typeof appWith>, origin: string, path = "/trpc/auth.login") =>
  on.request(path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-api-key,authorization,idempotency-key,x-request-id",
    },
  });

function expectAllowed(response: Response, origin: string): void {
  expect(response.headers.get("access-control-allow-origin")).toBe(origin);
  expect(response.headers.get("vary")?.toLowerCase()).toContain("origin");
  expect(response.headers.has("access-control-allow-credentials")).toBe(false);
}

function expectNotAllowed(response: Response): void {
  for (const name of response.headers.keys()) expect(name).not.toMatch(/^access-control-/);
}

describe("cross-origin calls", () => {
  const loopback = [
    "http://localhost",
    "https://localhost:5173",
    "http://127.0.0.1:3000",
    "http://[::1]:8080",
  ];
  const strangers = [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://evil.example:3000",
    "http://localhost:3000.evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost:123456",
    "http://localhost:3000/",
    "http://user@localhost",
    "http://LOCALHOST.evil",
    "ftp://localhost",
    "file://",
    "*",
    "",
  ];

  test.each(loopback)("from %s are let in in development, the preflight without a key", async (origin) => {
    const answer = await preflight(app.app, origin);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expectAllowed(answer, origin);
    const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(",") ?? [];
    expect(allowed).toEqual(
      expect.arrayContaining([
        "content-type",
        "x-api-key",
        "authorization",
        "idempotency-key",
        "x-request-id",
        "x-skyfox-client",
        "traceparent",
        "baggage",
        "sentry-trace",
      ]),
    );
    const methods = answer.headers.get("access-control-allow-methods")?.split(",");
    expect(methods).toEqual(["GET", "POST", "PUT", "PATCH"]);

    const call = await app.app.request("/trpc/auth.securityQuestions", {
      headers: { ...headersFor(), origin },
    });
    expect(call.status).toBe(200);
    expectAllowed(call, origin);
    expect(call.headers.get("access-control-expose-headers")?.split(",")).toEqual([
      "x-request-id",
      "retry-after",
      "idempotent-replayed",
      "content-disposition",
      "etag",
      "date-ms",
      "x-skyfox-contract",
    ]);
  });

  test.each(["/nowhere", "/trpc/auth.me", "/trpc/auth.none", "/.env"])(
    "can read also the errors of %s",
    async (path) => {
      const origin = "http://localhost:3000";
      for (const headers of [{ origin }, { ...headersFor(), origin }]) {
        const response = await app.app.request(path, { headers });
        expect(response.status).toBeGreaterThanOrEqual(400);
        expectAllowed(response, origin);
        expect(response.headers.get("access-control-expose-headers")).toContain("x-request-id");
      }
    },
  );

  test.each(strangers)("from %j get a 403 for their preflight and no leave to read", async (origin) => {
    const answer = await preflight(app.app, origin);
    expect(answer.status).toBe(403);
    expectNotAllowed(answer);
    expectNotAllowed(
      await app.app.request("/trpc/auth.securityQuestions", { headers: { ...headersFor(), origin } }),
    );
  });

  test("in production are let in from the named origins only, to the letter", async () => {
    const production = appWith({ corsOrigins: ["https://cinema.example", "http://localhost:3000"] });
    for (const origin of ["https://cinema.example", "http://localhost:3000"]) {
      const answer = await preflight(production, origin);
      expect(answer.status).toBe(204);
      expectAllowed(answer, origin);
    }
    for (const origin of [
      "http://cinema.example",
      "https://cinema.example:443",
      "https://www.cinema.example",
      "https://cinema.example.evil.example",
      "https://CINEMA.example",
      "http://localhost",
      "http://localhost:3001",
      ...strangers,
    ]) {
      const answer = await preflight(production, origin);
      expect(answer.status).toBe(403);
      expectNotAllowed(answer);
    }
  });

  test("in production are let in from nowhere when no origin is named", async () => {
    for (const origin of [...loopback, ...strangers]) {
      const answer = await preflight(appWith({ corsOrigins: [] }), origin);
      expect(answer.status).toBe(403);
      expectNotAllowed(answer);
    }
  });

  test("need their key all the same", async () => {
    const headers = { origin: "http://localhost:3000" };
    expect((await app.app.request("/trpc/auth.securityQuestions", { headers })).status).toBe(403);
    expect((await app.app.request("/trpc/auth.login", { method: "OPTIONS" })).status).toBe(403);
  });
});
