import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { compare, medianOf } from "./measure.ts";

test.each([
  [[7], 7],
  [[9, 1, 2], 2],
  [[10, 4, 2, 1], 3],
  [[100, 9, 10], 10],
])("the median of %j is %d", (values, median) => {
  expect(medianOf(values)).toBe(median);
});

test("nothing has no median", () => {
  expect(() => medianOf([])).toThrow(RangeError);
});

test("both are done by turns and equally often, and the first ones do not count", async () => {
  const done: string[] = [];
  const note = (what: string) => async (turn: number) => void done.push(`${what} ${turn}`);
  const comparison = {
    name: "a call",
    against: "its SQL",
    tries: 2,
    measured: note("call"),
    yardstick: note("SQL"),
  };
  const { measuredMs, yardstickMs, ratio } = await compare(comparison);
  expect(done.join(", ")).toBe("call 0, SQL 0, SQL 1, call 1, call 2, SQL 2, SQL 3, call 3, call 4, SQL 4");
  expect(ratio).toBe(measuredMs / yardstickMs);
});

test("what the bench is made of loads outside the tests, where it runs", async () => {
  const program = fileURLToPath(new URL("open-cinema.ts", import.meta.url));
  await expect(promisify(execFile)(process.execPath, [program])).resolves.toEqual({ stdout: "", stderr: "" });
});
