import { afterEach, describe, expect, test, vi } from "vitest";
import { givenCustomer, givenStaff, tokenOf } from "../../test/given.ts";
import { headersFor, mutate, query } from "../../test/rpc-call.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import { appRouter } from "../app-router.ts";
import { createApp } from "./app.ts";
import { countInFlight } from "./in-flight.ts";

// Addresses of their own, since what one address is refused is counted after ten a second.
const app = await createTestApp({ trustedProxies: 1 });
let addresses = 0;
const nextAddress = () => `10.${(addresses += 1) >> 16}.${(addresses >> 8) & 0xff}.${addresses & 0xff}`;
const sentence = "A valid API key is needed.";

/** The audit lines that this wrote, but for the numbers of what requests without an address were refused before. */
async function auditOf(run: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const before = app.logger.lines.length;
  await run();
  return app.logger.lines
    .slice(before)
    .filter((line) => line["audit"] !== undefined && line["address"] !== "unknown");
}

const appOptions: Parameters<typeof createApp>[1] = {
  apiKeys: [{ name: "tests", key: testApiKey }],
  corsOrigins: undefined,
  trustedProxies: 0,
  maxCalls: 10,
  findUnready: () => Promise.resolve([]),
  inFlight: countInFlight(),
};

describe("the API key", () => {
  const paths = [
    "/",
    "/trpc/auth.login",
    "/trpc/auth.none",
    "/trpc",
    "/exports/bookings.csv",
    "/exports/bookings.xlsx",
    "/tickets/keys",
    "/nowhere",
    "/images/0a1b",
  ];

  test.each([
    ["none", undefined],
    ["an empty one", ""],
    ["a wrong one", "key-of-the-testz"],
    ["one that begins right", `${testApiKey}x`],
    ["the beginning of ours", testApiKey.slice(0, -1)],
    ["ours in other letters", testApiKey.toUpperCase()],
    ["ours twice", `${testApiKey}, ${testApiKey}`],
    ["ours with its name", `tests:${testApiKey}`],
    ["100 KB", "k".repeat(100_000)],
  ])("%s opens no path, and every path says so alike", async (_, key) => {
    const bodies = { byTrpc: new Set<string>(), elsewhere: new Set<string>() };
    for (const path of paths) {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        const headers = key === undefined ? {} : { "x-api-key": key };
        const response = await app.app.request(path, {
          method,
          headers: { ...headers, "x-request-id": "r1" },
        });
        expect(response.status).toBe(403);
        expect(response.headers.get("x-request-id")).toBe("r1");
        bodies[path.startsWith("/trpc") ? "byTrpc" : "elsewhere"].add(await response.text());
      }
    }
    expect([...bodies.elsewhere].map((text) => JSON.parse(text) as unknown)).toEqual([
      { status: "ERROR", code: "INVALID_API_KEY", message: sentence, request_id: "r1" },
    ]);
    const domain = { code: "INVALID_API_KEY", details: null };
    const data = { code: "FORBIDDEN", httpStatus: 403, path: null, requestId: "r1", domain, fields: null };
    expect([...bodies.byTrpc].map((text) => JSON.parse(text) as unknown)).toEqual([
      { error: { json: { message: sentence, code: -32_003, data } } },
    ]);
  });

  test("is not needed for the open paths", async () => {
    for (const path of ["/health", "/ready"]) expect((await app.app.request(path)).status).toBe(200);
    for (const path of ["/health/", "/health/x", "/Health", "/healthz", "//health"])
      expect((await app.app.request(path)).status).toBe(403);
  });

  test("may be the older or the newer of two while they are exchanged", async () => {
    const rotated = createApp(app.deps, {
      ...appOptions,
      apiKeys: [
        { name: "old", key: "the-older-key-of-two" },
        { name: "new", key: "the-newer-key-of-two" },
      ],
    });
    const statusWith = async (key: string) =>
      (await rotated.request("/trpc/auth.securityQuestions", { headers: { "x-api-key": key } })).status;
    expect(await statusWith("the-older-key-of-two")).toBe(200);
    expect(await statusWith("the-newer-key-of-two")).toBe(200);
    expect(await statusWith(testApiKey)).toBe(403);
    expect(await statusWith("the-older-key-of-two,the-newer-key-of-two")).toBe(403);
  });

  test("is looked at before anything of the call is", async () => {
    const headers = { "content-type": "text/plain" };
    const big = await app.app.request("/trpc/auth.login", {
      method: "POST",
      headers,
      body: "x".repeat(100_000),
    });
    expect(big.status).toBe(403);
  });
});

const ask = (path: string, headers: Record<string, string>, address: string) => async () =>
  await app.app.request(path, {
    method: "PATCH",
    headers: { "x-request-id": "r2", "x-forwarded-for": address, ...headers },
  });

describe("the audit", () => {
  test("has one line for each refusal, with who, what and why", async () => {
    const address = nextAddress();
    const line = { level: "warn", audit: "forbidden", address, method: "PATCH", requestId: "r2" };
    expect(await auditOf(ask("/nowhere?key=x", {}, address))).toEqual([
      expect.objectContaining({ ...line, path: "/nowhere", reason: "no API key" }),
    ]);
    expect(await auditOf(ask("/nowhere", { "x-api-key": "x" }, address))).toEqual([
      expect.objectContaining({ ...line, path: "/nowhere", reason: "wrong API key" }),
    ]);
    expect(await auditOf(ask("/.env", headersFor(), address))).toEqual([
      expect.objectContaining({ ...line, path: "/.env", reason: "scanner path" }),
    ]);
    expect(await auditOf(ask("/nowhere", headersFor(), address))).toEqual([]);
  });

  test("has a line for a role that may not, also inside a batch", async () => {
    const token = await tokenOf(app.deps, await givenStaff(app.deps, "staff"));
    const address = nextAddress();
    const options = { token, headers: { "x-request-id": "r3", "x-forwarded-for": address } };
    const line = { audit: "forbidden", address, reason: "role", requestId: "r3" };
    const lines = await auditOf(async () => {
      expect((await mutate(app, "booking.cancel", { bookingId: 1 }, options)).status).toBe(403);
    });
    expect(lines).toEqual([
      expect.objectContaining({ ...line, method: "POST", path: "/trpc/booking.cancel" }),
    ]);
    const ofBatch = await auditOf(
      async () =>
        await app.app.request("/trpc/booking.list,auth.me,booking.latest?batch=1", {
          headers: headersFor(options),
        }),
    );
    expect(ofBatch).toEqual([
      expect.objectContaining({ ...line, method: "GET" }),
      expect.objectContaining({ ...line, method: "GET" }),
    ]);
  });

  test("has no line for what is allowed, or refused for another reason", async () => {
    const token = await tokenOf(app.deps, await givenCustomer(app.deps));
    const lines = await auditOf(async () => {
      expect((await query(app, "auth.me", undefined, { token })).status).toBe(200);
      expect((await query(app, "auth.me")).status).toBe(401);
      expect((await query(app, "auth.none")).status).toBe(404);
      expect((await query(app, "show.byId", { showId: 0 }, { token })).status).toBe(400);
    });
    expect(lines).toEqual([]);
  });

  test("keeps to its line, whatever the path is", async () => {
    const [line] = await auditOf(async () => await ask('/a%0d%0a{"level":"info"}%00', {}, nextAddress())());
    expect(line).toMatchObject({ audit: "forbidden", reason: "no API key" });
  });
});

describe("a flood of refusals", () => {
  afterEach(() => vi.useRealTimers());

  test("has ten lines a second and address, and one with the number of the others", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const [flood, neighbour] = [nextAddress(), nextAddress()];
    // A server of its own, in whose second no other test has begun.
    const flooded = createApp(app.deps, { ...appOptions, trustedProxies: 1 });
    const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
    const summary = { audit: "forbidden", address: flood, refused: 90 };
    const lines = await auditOf(async () => {
      for (let number = 0; number < 100; number += 1) await flooded.request("/nowhere", from(flood));
      await flooded.request("/nowhere", from(neighbour));
      await vi.advanceTimersByTimeAsync(1_000);
    });
    expect(lines).toHaveLength(12);
    expect(lines.filter(({ address }) => address === neighbour)).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject(summary);
    // And the next second begins anew.
    expect(await auditOf(async () => flooded.request("/nowhere", from(flood)))).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
  });

  test("without a key writes nothing else", async () => {
    const before = app.logger.lines.length;
    await ask("/nowhere", {}, nextAddress())();
    expect(app.logger.lines.slice(before)).toHaveLength(1);
  });
});

test("the name of the key is in the line of every call, and its value in none", async () => {
  const headers = { ...headersFor(), "x-request-id": "r5" };
  await app.app.request("/trpc/auth.securityQuestions", { headers });
  const lines = app.logger.lines.filter(({ requestId }) => requestId === "r5");
  expect(lines).toMatchObject([{ msg: "Answered.", apiKeyName: "tests" }]);
  expect(JSON.stringify(lines)).not.toContain(testApiKey);
});

describe("scanners", () => {
  const methods = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"];

  test.each([
    "/.env",
    "/.ENV",
    "/.env.production",
    "/api/.env",
    "/%2eenv",
    "/%2E%65nv",
    "/env",
    "/env/",
    "/env/production",
    "/ENV/x",
    "/secrets",
    "/secrets/",
    "/secret/key",
    "/secrets/production.json",
    "/config",
    "/config/",
    "/config/database",
    "/config.json",
    "/a/config/b",
    "/.git",
    "/.git/config",
    "/%2egit%2fconfig",
    "/x%2f.env",
    "/x%2Fenv%2fproduction",
    "/x%2fwp-login",
    "/.aws/credentials",
    "/.ssh/id_rsa",
    "/wp-admin",
    "/wp-login.php",
    "/blog/wp-includes/x",
    "/phpmyadmin/",
    "/index.php",
    "/x.PHP",
    "/backup.zip",
    "/dump.sql",
    "/app.log",
    "/docker-compose.yml",
    "/server-status",
    "/actuator/env",
    "/cgi-bin/x",
    "/vendor/phpunit",
    "/trpc/.env",
    "/%zz/.env",
    "//.env",
  ])("%s is refused whatever the key", async (path) => {
    for (const headers of [{}, headersFor(), headersFor({ apiKey: "wrong" })])
      expect((await app.app.request(path, { headers })).status).toBe(403);
  });

  test("learn nothing from five hundred paths in every method, and each 403 is audited", async () => {
    const names = [
      ".env", ".env.local", ".env.bak", ".git/HEAD", ".git/config", ".svn/entries", ".hg/store", ".aws/credentials", ".ssh/id_rsa",
      ".htaccess", ".htpasswd", ".DS_Store", ".vscode/sftp.json", ".npmrc", ".docker/config.json", ".well-known/security.txt",
      "env", "env/prod", "secrets", "secrets/db.json", "config", "config/app.json", "config.php", "configuration.yml",
      "wp-admin", "wp-login.php", "wp-content/uploads", "wp-json/wp/v2/users", "xmlrpc.php", "phpinfo.php", "phpmyadmin",
      "admin", "admin.php", "administrator", "login", "signin", "console", "actuator/health", "actuator/heapdump", "server-status",
      "backup.sql", "backup.tar.gz", "dump.sql", "db.sqlite", "database.yml", "docker-compose.yml", "Dockerfile", "package.json",
      "package-lock.json", "node_modules/hono/package.json", "server.key", "id_rsa", "composer.json", "vendor/autoload.php",
      "cgi-bin/test.cgi", "solr/admin", "jenkins", "manager/html", "graphql", "swagger.json", "openapi.json", "api-docs", "v1/users",
      "api/v1/users", "debug", "trace", "metrics/all", "status", "info", "robots.txt", "favicon.ico", "sitemap.xml", "index.html",
      "etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//etc/passwd", "%252e%252e%252fetc", "a%00.html",
      "%", "%zz", "%c0%ae%c0%ae/", "~root", "$%7Bjndi:ldap:x%7D", "'%20or%201=1--", "<script>", "a".repeat(4_000),
    ]; // prettier-ignore
    const paths = ["", "api/", "v2/", "static/", "old/", "app/"].flatMap((folder) =>
      names.map((name) => `/${folder}${name}`),
    );
    expect(paths.length).toBeGreaterThan(500);

    const logger = createMemoryLogger();
    const scanned = createApp({ ...app.deps, logger }, { ...appOptions, trustedProxies: 1 });
    const problems: string[] = [];
    let forbidden = 0;
    for (const path of paths) {
      for (const method of methods) {
        for (const key of [{}, headersFor()]) {
          const headers: Record<string, string> = { ...key, "x-forwarded-for": nextAddress() };
          const response = await scanned.request(path, { method, headers });
          const what = `${method} ${path} ${response.status}`;
          const text = await response.text();
          if (response.status === 403) forbidden += 1;
          else if (response.status !== 404 || headers["x-api-key"] === undefined) problems.push(what);
          const { request_id: requestId, ...body } = (text === "" ? {} : JSON.parse(text)) as Record<
            string,
            unknown
          >;
          const expected =
            response.status === 403
              ? { status: "ERROR", code: "INVALID_API_KEY", message: sentence }
              : { status: "ERROR", code: "NOT_FOUND", message: "There is nothing at this path." };
          if (method === "HEAD" ? text !== "" : JSON.stringify(body) !== JSON.stringify(expected))
            problems.push(what);
          if (method !== "HEAD" && requestId !== response.headers.get("x-request-id")) problems.push(what);
          if (response.headers.has("server") || response.headers.has("x-powered-by")) problems.push(what);
        }
      }
    }
    expect(problems).toEqual([]);
    const audited = logger.lines.filter((line) => line["audit"] === "forbidden");
    expect(audited).toHaveLength(forbidden);
    expect(new Set(audited.map((line) => line["requestId"])).size).toBe(forbidden);
    for (const line of audited)
      expect(Object.keys(line)).toEqual(
        expect.arrayContaining(["address", "method", "path", "reason", "requestId"]),
      );
  });
});

describe("what is ours is never taken for a scanner's", () => {
  const procedures = Object.keys(appRouter._def.procedures);
  // Also those of the published interface that are still to come.
  const planned =
    "auth.securityQuestion auth.verifySecurityAnswer auth.resetPassword auth.changePassword auth.updateProfile auth.profileImage auth.updateProfileImage show.watchSeatMap booking.ticketQr booking.ticketPdf wallet.balance wallet.addFunds wallet.transactions admin.movies admin.slots admin.allSlots admin.createShow admin.staff admin.createStaff admin.updateStaff admin.screens admin.createScreen admin.createBooking admin.doorList admin.checkIn admin.checkInTicket admin.revenue admin.refundBooking admin.cancelShow admin.showCancellation admin.paymentsInDoubt admin.resolvePayment admin.settlePayment admin.settleRefund admin.integrity";

  test.each([
    ...procedures.map((path) => `/trpc/${path}`),
    ...planned.split(" ").map((path) => `/trpc/${path}`),
    `/trpc/${procedures.join(",")}`,
    "/health",
    "/ready",
    "/metrics",
    "/tickets/keys",
    "/exports/bookings.csv",
    "/exports/bookings.xlsx",
    "/exports/bookings.csv?month=4&year=2026",
    "/images/3f2c9f9a-8a53-4b8e-9d0b-1f2e3d4c5b6a",
    "/images/3f2c9f9a8a534b8e9d0b1f2e3d4c5b6a.jpg?expires=1&signature=abc",
    "/",
    "/docs",
    "/assets/app.js",
  ])("%s", async (path) => {
    expect((await app.app.request(path, { headers: headersFor() })).status).not.toBe(403);
  });
});
