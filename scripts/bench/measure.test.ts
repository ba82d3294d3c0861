import { expect, test } from "vitest";
import { measureCalls, medianOf, percentileOf } from "./measure.ts";

test.each([
  [[7], 7],
  [[9, 1, 2], 2],
  [[10, 4, 2, 1], 3],
  [[100, 9, 10], 10],
])("the median of %j is %d", (values, median) => {
  expect(medianOf(values)).toBe(median);
});

test.each([
  [50, 5],
  [90, 9],
  [99, 10],
  [100, 10],
])("%d percent of one to ten are not above %d", (percent, value) => {
  expect(percentileOf([10, 3, 1, 2, 5, 4, 9, 8, 7, 6], percent)).toBe(value);
});

test("nothing has no median and no percentile", () => {
  expect(() => medianOf([])).toThrow(RangeError);
  expect(() => percentileOf([], 50)).toThrow(RangeError);
});

test("every call is made once, no more at a time than there are callers", async () => {
  const turns: number[] = [];
  let underWay = 0;
  let most = 0;
  const figures = await measureCalls({
    count: 7,
    atOnce: 3,
    async call(turn) {
      turns.push(turn);
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
    },
  });
  expect(turns).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(most).toBe(3);
  expect(Object.keys(figures)).toEqual(["calls/s", "p50 ms", "p99 ms"]);
});

test("the processor's time, and the calls put off, are shared out among the calls", async () => {
  let usedUs = 5_000;
  const figures = await measureCalls({
    count: 4,
    atOnce: 2,
    call: () => Promise.resolve((usedUs += 100)),
    server: () => usedUs,
    postgres: () => 2 * usedUs,
    putOff: () => usedUs / 200,
  });
  expect(figures).toMatchObject({ "server µs": 100, "Postgres µs": 200, "put off %": 50 });
});

test("a call that fails ends the measurement when the others have ended", async () => {
  const ended: number[] = [];
  const measuring = measureCalls({
    count: 3,
    atOnce: 3,
    async call(turn) {
      if (turn === 0) throw new Error("refused");
      await Promise.resolve();
      ended.push(turn);
    },
  });
  await expect(measuring).rejects.toThrow("refused");
  expect(ended).toEqual([1, 2]);
});
