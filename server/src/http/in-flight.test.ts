import { Hono } from "hono";
import { expect, test } from "vitest";
import type { AppEnv } from "./caller.ts";
import { countInFlight } from "./in-flight.ts";

/** A server whose calls end when the test says so. */
function givenServer() {
  const inFlight = countInFlight();
  const calls: PromiseWithResolvers<void>[] = [];
  const app = new Hono<AppEnv>();
  app.use(inFlight.middleware);
  app.get("/", async (context) => {
    const call = Promise.withResolvers<void>();
    calls.push(call);
    await call.promise;
    return context.text("done");
  });
  app.onError((_, context) => context.text("failed", 500));
  let isIdle = false;
  return {
    calls,
    ask: async () => (await app.request("/")).status,
    waitUntilIdle: () => inFlight.idle().then(() => (isIdle = true)),
    isIdle: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return isIdle;
    },
  };
}

test("a server without a call is idle", async () => {
  const server = givenServer();
  void server.waitUntilIdle();
  expect(await server.isIdle()).toBe(true);
});

test("a server is idle once its last call has ended, well or badly", async () => {
  const server = givenServer();
  const answers = [server.ask(), server.ask()];
  void server.waitUntilIdle();
  expect(await server.isIdle()).toBe(false);
  server.calls[0]?.resolve();
  expect(await server.isIdle()).toBe(false);
  server.calls[1]?.reject(new Error("broken"));
  expect(await server.isIdle()).toBe(true);
  expect(await Promise.all(answers)).toEqual([200, 500]);
});

test("all who wait learn of it, and those who ask later too", async () => {
  const server = givenServer();
  const answer = server.ask();
  const waiting = Promise.all([server.waitUntilIdle(), server.waitUntilIdle()]);
  server.calls[0]?.resolve();
  expect(await waiting).toEqual([true, true]);
  expect(await server.waitUntilIdle()).toBe(true);
  expect(await answer).toBe(200);
});
