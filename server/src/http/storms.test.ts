import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";

const app = await createTestApp({ hashGate: { atOnce: 1, waiting: 0 } });
afterEach(() => vi.useRealTimers());

/** Calls that many times at once, and counts the answers. */
function storm(count: number, path: string, init?: RequestInit) {
  const answered = { count: 0, statuses: new Set<number>() };
  for (let number = 0; number < count; number += 1) {
    void Promise.resolve(app.app.request(path, init)).then(({ status }) => {
      answered.count += 1;
      answered.statuses.add(status);
    });
  }
  return answered;
}

test("callers who are refused by a full line wait until the others have been answered", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const ending = Promise.withResolvers<void>();
  const working = app.deps.hashQueue.run(() => ending.promise);
  const headers = { ...headersFor(), "content-type": "application/json" };
  const refused = storm(40, "/trpc/auth.login", { method: "POST", headers, body: "{}" });
  expect((await app.app.request("/health")).status).toBe(200);
  const perTurn = [refused.count];
  while (refused.count < 40) {
    const before = refused.count;
    await vi.advanceTimersByTimeAsync(10);
    await setImmediate();
    perTurn.push(refused.count - before);
  }
  expect(perTurn).toEqual([0, 16, 16, 8]);
  expect(refused.statuses).toEqual(new Set([429]));
  ending.resolve();
  await working;
});
