import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect, onTestFinished, test, vi } from "vitest";
import { findDoorTime } from "./demo/own-cinema.ts";
import { startPaymentGateway } from "./sandbox/payment-gateway.ts";
import { startServer } from "./test/running-server.ts";
import { runScript, type RunOptions } from "./test/run-script.ts";
import { makeStateDirectory } from "./test/state-directory.ts";

// Each test starts several processes, one after the other, and may wait a minute for a door to open.
vi.setConfig({ testTimeout: 120_000 });

test("the demo plays the whole journey beside a running server, which it finds by its port, as often as one likes", async () => {
  const url = await startCinema({});
  const first = await playDemo({ PORT: new URL(url).port });
  expect(first.code).toBe(0);
  expect(first.output).toContain(`the SkyFox that runs at ${url}`);
  expect(first.output).toContain("E5 and F5 are held for you");
  const { code, output } = await playDemo({ SKYFOX_URL: url });
  expect(output).toContain("E6 and F6 are held for you");
  const seen = [
    "a JPEG of 64 × 64 pixels",
    "The card was declined",
    "CONFIRMED",
    "₹250.00 by wallet and exactly",
    "It reads Refunded",
    "SOLD AT THE COUNTER",
    "The public keys verify it offline",
    "no word about any booking",
    "30 days",
    "bookings.csv, ",
    "reads Cancelled",
    "Your session has ended",
  ];
  for (const words of seen) expect(output).toContain(words);
  expect(output).toContain("HOLD_SECONDS=15 npm start");
  expect(output).toMatch(/☆ 2 held for you {4}★ 0 yours[^]*☆ 0 held for you {4}★ 2 yours/);
  expect(output).not.toContain("\u001B");
  expect(code).toBe(0);
});

test("the demo opens a cinema of its own where none runs, at a time when its door is open, and leaves the files it names", async () => {
  const place = await makeStateDirectory();
  const { code, output } = await playDemo(
    { TMPDIR: place.path, PORT: "0", HOLD_SECONDS: "3" },
    { cwd: place.path },
  );
  expect(output).toMatch(
    /^No SkyFox runs here yet.*\n[^]*The hold ends in 0:03\n[^]*reads Expired, and J10 is free again[^]*every step came out as it should/,
  );
  expect(output).toMatch(/The right one is scanned: welcome, Walk-In Guest. It reads CheckedIn/);
  expect(output).toMatch(/used at \d\d:\d\d:\d\d, seen by staff-1/);
  expect(output).not.toContain('"level"');
  expect(code).toBe(0);
  expect((await readdir(place.path)).toSorted()).toEqual(["bookings.csv", "ticket.pdf"]);
  expect(await readFile(join(place.path, "bookings.csv"), "utf8")).toContain(",Walk-In Guest,");
  expect((await readFile(join(place.path, "ticket.pdf"))).subarray(0, 5).toString()).toBe("%PDF-");
});

test("there is a city whose next door is open, at the latest a minute later", () => {
  const start = Temporal.Instant.from("2026-11-26T00:00:00Z");
  const closed = Array.from({ length: 1_440 }, (_, minutes) => start.add({ minutes })).filter(
    (instant) => findDoorTime(new Date(instant.epochMilliseconds)) === undefined,
  );
  const later = closed.map((instant) =>
    findDoorTime(new Date(instant.add({ minutes: 1 }).epochMilliseconds)),
  );
  expect(later).not.toContain(undefined);
});

test("a Ctrl-C ends the demo and its server", async () => {
  const place = await makeStateDirectory();
  const demo = runScript("demo.ts", { TMPDIR: place.path, PORT: "0" }, { cwd: place.path });
  await demo.says(/Time left to pay/);
  demo.signal("SIGINT");
  expect(await demo.ended).toBe(130);
  expect(demo.output()).toMatch(/Stopped before the end\.\n$/);
  expect(demo.output()).not.toContain("Expected:");
  expect(await readdir(place.path)).toEqual([]);
});

test("a demo whose reader has gone, as with | head, ends with its server", async () => {
  const place = await makeStateDirectory();
  const demo = runScript("demo.ts", { TMPDIR: place.path, PORT: "0" }, { cwd: place.path });
  await demo.says(/No SkyFox runs here yet/);
  demo.hangUp();
  expect(await demo.ended).toBe(130);
  expect(await readdir(place.path)).toEqual([]);
});

test("a step that goes wrong is reported with what was expected and what came, and the demo fails", async () => {
  const apiKey = "gateway-key-of-the-tests";
  const gateway = await startPaymentGateway({ apiKey });
  onTestFinished(gateway.stop);
  gateway.script("declined");
  gateway.script("declined");
  const url = await startCinema({
    PAYMENT_GATEWAY_URL: gateway.url,
    PAYMENT_GATEWAY_API_KEY: apiKey,
    HOLD_SECONDS: "4",
  });
  const { code, output } = await playDemo({ SKYFOX_URL: url });
  expect(code).toBe(1);
  expect(output).toMatch(
    / 9\. Pay with a good card\n\n +This step .*\n +Expected: this step to go through\n +Came: +PAYMENT_DECLINED: The card was declined/,
  );
  expect(output).not.toContain("My bookings");
});

test("a card that pays where it must be declined is a wrong step too", async () => {
  const apiKey = "gateway-key-of-the-tests";
  const gateway = await startPaymentGateway({ apiKey });
  onTestFinished(gateway.stop);
  gateway.script("success");
  const url = await startCinema({
    PAYMENT_GATEWAY_URL: gateway.url,
    PAYMENT_GATEWAY_API_KEY: apiKey,
    HOLD_SECONDS: "4",
  });
  const { code, output } = await playDemo({ SKYFOX_URL: url });
  expect(code).toBe(1);
  expect(output).toMatch(/Expected: a refusal, PAYMENT_DECLINED\n +Came: +the call went through/);
});

test("a key that the server does not know is reported with the setting to correct", async () => {
  const url = await startCinema({});
  const { code, output } = await playDemo({ SKYFOX_URL: url, API_GATEWAY_KEY: "not-a-key-of-this-server" });
  expect(code).toBe(1);
  expect(output).toMatch(/INVALID_API_KEY: .*\n.*API_GATEWAY_KEY/);
});

test("a server that is named but does not answer is one sentence", async () => {
  expect(await playDemo({ SKYFOX_URL: "http://127.0.0.1:1" })).toEqual({
    code: 1,
    output:
      "The demo could not be played. No SkyFox answers at http://127.0.0.1:1. Start it there, or correct SKYFOX_URL.\n",
  });
});

test("in production the demo starts no server", async () => {
  const { code, output } = await playDemo({ APP_ENV: "production", PORT: "0" });
  expect(code).toBe(1);
  expect(output).toMatch(/With APP_ENV=production .* SKYFOX_URL=/);
});

async function startCinema(settings: Record<string, string>): Promise<string> {
  const server = await startServer({ DATABASE_URL: (await createTestDatabase()).url, ...settings });
  return server.url;
}

async function playDemo(settings: Record<string, string>, options: RunOptions = {}) {
  // What it saves goes with the test.
  options.cwd ??= (await makeStateDirectory()).path;
  const demo = runScript("demo.ts", settings, options);
  return { code: await demo.ended, output: demo.output() };
}
