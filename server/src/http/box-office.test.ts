import { describe, expect, test } from "vitest";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import { createApp } from "./app.ts";
import type { BoxOffice, PageFile } from "./box-office.ts";
import { countInFlight } from "./in-flight.ts";

const app = await createTestApp();
const refusal = "A valid API key is needed.";

const file = (type: string, text: string): PageFile => ({ type, body: new TextEncoder().encode(text) });
const files = new Map([
  ["/", file("text/html; charset=utf-8", "<!doctype html>")],
  ["/assets/index-1a2b.js", file("text/javascript; charset=utf-8", "go()")],
]);

function appWith(boxOffice: BoxOffice | undefined, posterOrigin?: string) {
  return createApp(app.deps, {
    apiKeys: [{ name: "tests", key: testApiKey }],
    corsOrigins: undefined,
    trustedProxies: 0,
    maxCalls: 100,
    findUnready: () => Promise.resolve([]),
    inFlight: countInFlight(),
    boxOffice: boxOffice && { files: boxOffice, posterOrigin },
  });
}

const withPage = appWith(() => Promise.resolve(files), "http://127.0.0.1:4321");

describe("the box office", () => {
  test("is at the first path for every browser, with a policy that lets nothing foreign in", async () => {
    const response = await withPage.request("/");
    expect([response.status, await response.text()]).toEqual([200, "<!doctype html>"]);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const policy = response.headers.get("content-security-policy");
    expect(policy?.split("; ")).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data: http://127.0.0.1:4321",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
  });

  test("keeps its other files for good, since their names change with them", async () => {
    const response = await withPage.request("/assets/index-1a2b.js");
    expect([response.status, await response.text()]).toEqual([200, "go()"]);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test.each([
    ["GET", "/assets/none.js"],
    ["GET", "/assets/../package.json"],
    ["GET", "/assets/%2e%2e/%2e%2e/package.json"],
    ["GET", "/assets//etc/passwd"],
    ["GET", "/index.html"],
    ["GET", "/trpc/auth.securityQuestions"],
    ["POST", "/"],
    ["DELETE", "/assets/index-1a2b.js"],
  ])("opens nothing else: %s %s needs a key", async (method, path) => {
    const response = await withPage.request(path, { method });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain(refusal);
  });

  test("is not there unless a start brings it along", async () => {
    for (const path of ["/", "/assets/index-1a2b.js"])
      expect((await appWith(undefined).request(path)).status).toBe(403);
  });

  test("that cannot be built says so, and the next one asks again", async () => {
    let tries = 0;
    const broken = appWith(() => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error("canary")) : Promise.resolve(files);
    });
    const first = await broken.request("/");
    expect([first.status, await first.text()]).toEqual([
      503,
      "The box office could not be built; the log of the server says why.",
    ]);
    expect((await broken.request("/")).status).toBe(200);
  });
});
