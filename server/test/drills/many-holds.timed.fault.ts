import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openDatabase } from "@skyfox/db";
import { expect, test } from "vitest";
import { givenPendingHolds } from "../given.ts";
import type { ManualClock } from "../manual-clock.ts";
import { createTestApp } from "../test-app.ts";
import { scheduleWake } from "../../src/runtime/clock.ts";
import { createExpiryMonitors } from "../../src/booking/expiry-monitors.ts";

test(
  "P6: 100,000 pending holds are rehydrated within three seconds in less than 150 MB of heap",
  { timeout: 120_000 },
  async () => {
    const app = await createTestApp();
    await givenPendingHolds(app, 100_000, new Date(app.clock.now().getTime() + 300_000));
    const db = openDatabase(app.databaseUrl);
    const monitors = createExpiryMonitors({ db, clock: realTimers(app.clock), logger: app.logger });
    const before = heapUsed();
    const startedAt = performance.now();
    expect(await monitors.rehydrate()).toBe(100_000);
    const ms = performance.now() - startedAt;
    expect(monitors.armed).toBe(100_000);
    const megabytes = (heapUsed() - before) / 1_000_000;
    const rss = process.memoryUsage().rss / 1_000_000;
    await monitors.close();
    expect(monitors.armed).toBe(0);
    await db.destroy();
    expect(ms).toBeLessThan(3_000);
    expect(megabytes).toBeLessThan(150);
    console.log(
      `P6: 100,000 monitors in ${ms.toFixed(0)} ms and ${megabytes.toFixed(0)} MB of heap (RSS ${rss.toFixed(0)} MB).`,
    );
  },
);

test("overdue holds of more than a page fire only once all monitors are rebuilt", async () => {
  const app = await createTestApp();
  await givenPendingHolds(app, 10_100, app.clock.now());
  const monitors = createExpiryMonitors({ db: app.deps.db, clock: app.clock, logger: app.logger });
  expect(await monitors.rehydrate()).toBe(10_100);
  expect(monitors.armed).toBe(10_100);
  await monitors.close();
});

// The timers of production under the time of the test, so that their cost is measured and not the manual clock's.
function realTimers(clock: ManualClock) {
  return {
    ...clock,
    wakeAt(at: Date, wake: () => void, signal: AbortSignal) {
      scheduleWake(clock.now, at, wake, signal);
    },
  };
}

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
