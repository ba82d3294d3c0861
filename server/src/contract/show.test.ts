import { describe, expect, test } from "vitest";
import { cinemaDateSchema, listShowsInput, showIdInput } from "./show.ts";

describe("a cinema date", () => {
  test.each(["2026-03-10", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"])("may be %s", (date) => {
    expect(cinemaDateSchema.parse(date)).toBe(date);
  });

  test.each([
    "2026-02-30",
    "2026-02-29",
    "1900-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-04-31",
    "0000-01-01",
    "+275760-09-13",
    "-000001-01-01",
    "10000-01-01",
    "infinity",
    "today",
    "2026-3-1",
    "20260310",
    "2026-03-10T00:00:00Z",
    "2026-03-10\n",
    " 2026-03-10",
    "２０２６-03-10",
    "",
  ])("may not be %j", (date) => {
    expect(cinemaDateSchema.safeParse(date).success).toBe(false);
  });

  test("is text, neither an instant nor a number", () => {
    for (const value of [new Date(), 20_260_310, null, ["2026-03-10"]])
      expect(listShowsInput.safeParse({ date: value }).success).toBe(false);
  });
});

describe("the id of a show", () => {
  test.each([1, Number.MAX_SAFE_INTEGER])("may be %s", (showId) => {
    expect(showIdInput.parse({ showId })).toEqual({ showId });
  });

  test.each([
    0,
    -0,
    -1,
    1.5,
    2 ** 53,
    2 ** 63,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "1",
    "",
    null,
    true,
    [1],
    1n,
  ])("may not be %s", (showId) => {
    expect(showIdInput.safeParse({ showId }).success).toBe(false);
  });
});

test("everything of a list of shows may be left out", () => {
  expect(listShowsInput.parse(undefined)).toEqual({});
  expect(listShowsInput.parse({})).toEqual({});
});
