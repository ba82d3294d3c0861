import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAnnouncements } from "./announcements.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first change is announced at once, those of the next quarter of a second together", () => {
  const sent: string[] = [];
  const announcements = createAnnouncements((text) => void sent.push(text));
  const others = createAnnouncements(() => {});
  announcements.add(1);
  expect(sent.map(others.read)).toEqual([[1]]);
  for (const showId of [2, 3, 2]) announcements.add(showId);
  vi.advanceTimersByTime(249);
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sent.map(others.read)).toEqual([[1], [2, 3]]);
  vi.advanceTimersByTime(10_000);
  announcements.add(4);
  expect(sent.map(others.read)).toEqual([[1], [2, 3], [4]]);
  announcements.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("a server takes no notice of its own announcements", () => {
  const sent: string[] = [];
  const announcements = createAnnouncements((text) => void sent.push(text));
  announcements.add(1);
  expect(sent.map(announcements.read)).toEqual([[]]);
  announcements.close();
});

test("no announcement is longer than Postgres takes, whatever has changed", () => {
  const sent: string[] = [];
  const announcements = createAnnouncements((text) => void sent.push(text));
  announcements.add(1);
  for (let turn = 0; turn < 1_000; turn += 1) announcements.add(Number.MAX_SAFE_INTEGER - turn);
  vi.advanceTimersByTime(250);
  expect(sent.length).toBeGreaterThan(2);
  for (const text of sent) expect(text.length).toBeLessThan(8_000);
  const others = createAnnouncements(() => {});
  expect(sent.flatMap(others.read)).toHaveLength(1_001);
  announcements.close();
});
