import { describe, expect, test } from "vitest";
import { showTimes } from "./show-times.ts";

const times = (date: string, startTime: string, endTime: string, zone: string) => {
  const { startsAt, endsAt } = showTimes(date, { startTime, endTime }, zone);
  return [startsAt.toISOString().slice(0, 16), endsAt.toISOString().slice(0, 16)];
};

describe("a slot on a day", () => {
  test.each([
    ["within the day", "20:30:00", "23:30:00", "2026-03-11T15:00", "2026-03-11T18:00"],
    [
      "that ends at midnight ends on the next day",
      "20:00:00",
      "00:00:00",
      "2026-03-11T14:30",
      "2026-03-11T18:30",
    ],
    [
      "that ends after midnight ends on the next day",
      "23:00:00",
      "01:30:00",
      "2026-03-11T17:30",
      "2026-03-11T20:00",
    ],
    ["that ends at its start is a whole day", "09:00:00", "09:00:00", "2026-03-11T03:30", "2026-03-12T03:30"],
    [
      "that ends a minute after its start is that minute",
      "09:00:00",
      "09:01:00",
      "2026-03-11T03:30",
      "2026-03-11T03:31",
    ],
  ])("%s", (_what, start, end, startsAt, endsAt) => {
    expect(times("2026-03-11", start, end, "Asia/Kolkata")).toEqual([startsAt, endsAt]);
  });
});

// In New York the clocks go from 02:00 to 03:00 on 8 March 2026, and from 02:00 back to 01:00 on 1 November.
describe("where the clocks change", () => {
  test.each([
    ["an evening is as ever", "2026-03-08", "20:00", "23:00", "2026-03-09T00:00", "2026-03-09T03:00"],
    ["a night is an hour shorter", "2026-03-07", "23:00", "03:30", "2026-03-08T04:00", "2026-03-08T07:30"],
    [
      "a skipped start is an hour later",
      "2026-03-08",
      "02:30",
      "05:00",
      "2026-03-08T07:30",
      "2026-03-08T09:00",
    ],
    [
      "a skipped end is an hour later",
      "2026-03-08",
      "00:30",
      "02:30",
      "2026-03-08T05:30",
      "2026-03-08T07:30",
    ],
    [
      "what is skipped as a whole is an hour later",
      "2026-03-08",
      "02:15",
      "02:45",
      "2026-03-08T07:15",
      "2026-03-08T07:45",
    ],
    [
      "what would end before it starts keeps its length",
      "2026-03-08",
      "02:30",
      "03:15",
      "2026-03-08T07:30",
      "2026-03-08T08:15",
    ],
    [
      "what would end as it starts keeps its length",
      "2026-03-08",
      "02:30",
      "03:30",
      "2026-03-08T07:30",
      "2026-03-08T08:30",
    ],
    ["a night is an hour longer", "2026-10-31", "23:00", "03:00", "2026-11-01T03:00", "2026-11-01T08:00"],
    [
      "a start that comes twice is the first one",
      "2026-11-01",
      "01:30",
      "04:00",
      "2026-11-01T05:30",
      "2026-11-01T09:00",
    ],
    [
      "an end that comes twice is the first one",
      "2026-11-01",
      "00:30",
      "01:30",
      "2026-11-01T04:30",
      "2026-11-01T05:30",
    ],
  ])("%s", (_what, date, start, end, startsAt, endsAt) => {
    expect(times(date, start, end, "America/New_York")).toEqual([startsAt, endsAt]);
  });
});
