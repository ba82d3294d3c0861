import { afterEach, beforeEach, expect, test } from "vitest";
import { countDown } from "./countdown.ts";
import type { Timing } from "./retries.ts";
import { forgetServerTime, learnServerTime } from "./server-clock.ts";

const start = new Date("2026-03-10T06:30:00Z").getTime();
let now = start;
let timers: { at: number; wake: () => void }[] = [];
const timing: Timing = {
  random: () => 0,
  now: () => now,
  after(ms, wake) {
    const timer = { at: now + ms, wake };
    timers.push(timer);
    return () => void (timers = timers.filter((one) => one !== timer));
  },
};

beforeEach(() => {
  now = start;
  timers = [];
  forgetServerTime();
});
afterEach(() => {
  forgetServerTime();
  Reflect.deleteProperty(globalThis, "document");
});

function pass(ms: number): void {
  const until = now + ms;
  for (;;) {
    const [next] = timers.toSorted((one, other) => one.at - other.at);
    if (next === undefined || next.at > until) break;
    now = next.at;
    timers = timers.filter((one) => one !== next);
    next.wake();
  }
  now = until;
}

const holdOf = (ms: number) => ({ expiresAt: new Date(start + ms), timeRemainingMs: ms });
const answered = (serverMs: number) => new Headers({ "date-ms": String(serverMs) });

test("a hold is counted down by seconds, to 0 and no further", () => {
  const ticks: number[] = [];
  countDown(holdOf(2_500), (ms) => ticks.push(ms), timing);
  pass(10_000);
  expect(ticks).toEqual([2_500, 2_000, 1_000, 0]);
  expect(timers).toEqual([]);
});

test("it stops when it is stopped", () => {
  const ticks: number[] = [];
  const stop = countDown(holdOf(5_000), (ms) => ticks.push(ms), timing);
  pass(1_000);
  stop();
  pass(10_000);
  expect(ticks).toEqual([5_000, 4_000]);
});

test.each([-360_000, 360_000])("a clock that is %i ms off changes nothing", (offMs) => {
  learnServerTime(answered(start - offMs), start - 20, start + 20);
  const ticks: number[] = [];
  countDown(
    { expiresAt: new Date(start - offMs + 2_000), timeRemainingMs: 2_000 },
    (ms) => ticks.push(ms),
    timing,
  );
  pass(5_000);
  expect(ticks).toEqual([2_000, 1_000, 0]);
});

test.each([
  ["was replayed after its end", { expiresAt: new Date(start + 60_000), timeRemainingMs: 0 }],
  ["is paid", { expiresAt: null, timeRemainingMs: null }],
  ["is over", { expiresAt: new Date(start - 1), timeRemainingMs: 299_000 }],
])("a hold that %s is 0 at once", (_, hold) => {
  const ticks: number[] = [];
  countDown(hold, (ms) => ticks.push(ms), timing);
  pass(60_000);
  expect(ticks).toEqual([0]);
});

test("a page that is shown again after its timers stood still has the true time at once", () => {
  const page = new EventTarget();
  Object.defineProperty(globalThis, "document", { value: page, configurable: true });
  const ticks: number[] = [];
  countDown(holdOf(300_000), (ms) => ticks.push(ms), timing);
  now += 250_500;
  page.dispatchEvent(new Event("visibilitychange"));
  expect(ticks).toEqual([300_000, 49_500]);
  now += 600_000;
  page.dispatchEvent(new Event("visibilitychange"));
  page.dispatchEvent(new Event("visibilitychange"));
  expect(ticks).toEqual([300_000, 49_500, 0]);
});

test("a slow answer does not spoil what a fast one said, and a clock that was set is noticed", () => {
  const left = () => {
    const ticks: number[] = [];
    countDown(holdOf(100_000), (ms) => ticks.push(ms), timing)();
    return ticks[0];
  };
  learnServerTime(answered(start), start - 10, start + 10);
  learnServerTime(answered(start + 1_900), start, start + 2_000);
  expect(left()).toBe(100_000);
  now = start + 3_600_000;
  learnServerTime(answered(start + 3_000), now - 500, now + 500);
  expect(left()).toBe(97_000);
});

test("an answer that a cache may keep teaches nothing", () => {
  const headers = answered(start - 60_000);
  headers.set("cache-control", "private, max-age=300");
  learnServerTime(headers, start, start);
  const ticks: number[] = [];
  countDown(holdOf(1_000), (ms) => ticks.push(ms), timing)();
  expect(ticks).toEqual([1_000]);
});

test.each(["", "soon", "-1", "1e9", "9".repeat(16)])("the header %j teaches nothing", (said) => {
  learnServerTime(new Headers({ "date-ms": said }), start, start);
  const ticks: number[] = [];
  countDown(holdOf(1_000), (ms) => ticks.push(ms), timing)();
  expect(ticks).toEqual([1_000]);
});
