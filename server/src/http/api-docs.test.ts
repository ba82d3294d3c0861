import { describe, expect, test } from "vitest";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import { developmentApiKey } from "../config.ts";
import { createApp } from "./app.ts";
import { countInFlight } from "./in-flight.ts";

const app = await createTestApp();

function appWith(apiDocs: boolean, key = testApiKey) {
  return createApp(app.deps, {
    apiDocs,
    apiKeys: [{ name: "tests", key }],
    corsOrigins: undefined,
    trustedProxies: 0,
    maxCalls: 100,
    findUnready: () => Promise.resolve([]),
    inFlight: countInFlight(),
  });
}

const paths = [
  "/docs",
  "/docs/start.js",
  "/docs/openapi.json",
  "/docs/swagger-ui.css",
  "/docs/swagger-ui-bundle.js",
];

describe("the reference at /docs", () => {
  test("is there for every browser where it is on", async () => {
    const types = await Promise.all(
      paths.map(async (path) => {
        const response = await appWith(true).request(path);
        expect([path, response.status]).toEqual([path, 200]);
        expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
        expect(response.headers.get("x-content-type-options")).toBe("nosniff");
        return response.headers.get("content-type");
      }),
    );
    expect(types).toEqual([
      "text/html; charset=utf-8",
      "text/javascript; charset=utf-8",
      "application/json; charset=utf-8",
      "text/css; charset=utf-8",
      "text/javascript; charset=utf-8",
    ]);
  });

  test("is not there where it is off, as nothing else is without a key", async () => {
    for (const path of paths) {
      const response = await appWith(false).request(path);
      expect([path, response.status]).toEqual([path, 403]);
    }
  });

  test.each(["/docs/", "/docs/none.js", "/docs/../package.json", "/docs/constructor", "/docsx"])(
    "has nothing at %s",
    async (path) => {
      expect((await appWith(true).request(path)).status).toBe(403);
    },
  );

  test("asks for nothing of another origin, and needs no key but for the calls", async () => {
    const page = await (await appWith(true).request("/docs")).text();
    expect(page).not.toMatch(/https?:/);
    for (const [, address] of page.matchAll(/(?:src|href)="(\/[^"]*)"/g)) expect(paths).toContain(address);
    expect((await appWith(true).request("/api/v1/cinema")).status).toBe(403);
  });

  test("knows the published key of development, and no other", async () => {
    const startOf = async (key: string) => await (await appWith(true, key).request("/docs/start.js")).text();
    expect(await startOf(developmentApiKey)).toContain(
      `ui.preauthorizeApiKey("apiKey", "${developmentApiKey}")`,
    );
    const ofAnother = await startOf(testApiKey);
    expect(ofAnother).not.toContain(testApiKey);
    expect(ofAnother).not.toContain(developmentApiKey);
  });
});
