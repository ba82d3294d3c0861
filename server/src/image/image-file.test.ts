import { describe, expect, test } from "vitest";
import { findProblem } from "./image-file.ts";

const start = [0xff, 0xd8];
const end = [0xff, 0xd9];
const scanHead = [0xff, 0xda, 0, 2];
const problemOf = (...parts: number[][]) => findProblem(Buffer.from(parts.flat()));

describe("the end of a JPEG", () => {
  test("is behind its scans, whose data may have restart marks and bytes that look like marks", () => {
    expect(
      problemOf(start, scanHead, [1, 0xff, 0xd0, 2, 0xff, 0x00, 0xd9, 0xff, 0xd7, 3], end),
    ).toBeUndefined();
    expect(problemOf(start, scanHead, [1, 0xff, 0xe0, 0, 2], end)).toBeUndefined();
  });

  test("is not one inside a segment", () => {
    expect(problemOf(start, [0xff, 0xe1, 0, 4], end)).toBe("damaged");
    expect(problemOf(start, [0xff, 0xe1, 0, 4], end, end)).toBeUndefined();
  });

  test.each([
    ["no mark where one has to be", [0x12, 0xd9]],
    ["a segment longer than the file", [0xff, 0xe1, 0xff, 0xff]],
    ["a segment of no length", [0xff, 0xe1]],
    ["nothing", []],
  ])("is missing where there is %s", (_what, rest) => {
    expect(problemOf(start, [0xff, 0xfe, 0, 2], rest)).toBe("damaged");
  });

  test("may be that of a further JPEG, but of no other file", () => {
    const whole = [start, [0xff, 0xfe, 0, 2], end];
    expect(problemOf(...whole, ...whole)).toBeUndefined();
    expect(problemOf(...whole, start)).toBe("damaged");
    expect(problemOf(...whole, [0])).toBe("damaged");
  });
});
