import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findJsonProblem } from "./json-values.ts";

const most = 300;

/** What opens and separates values, counted in another way. */
function countMarks(json: string): number {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").match(/[[{,]/g)?.length ?? 0;
}

/** The escaped quotes of the text that has most of them. */
function mostEscapedQuotes(json: string): number {
  const texts = json.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  return Math.max(
    0,
    ...texts.map((text) => (text.match(/\\./g) ?? []).filter((escape) => escape === '\\"').length),
  );
}

describe("the values of a JSON text", () => {
  test("are too many when there are more of what opens and separates them", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 0, max: 40 }), (json, maxValues) => {
        const isWide = countMarks(json) > maxValues || mostEscapedQuotes(json) > maxValues;
        const expected = isWide ? "too many values" : undefined;
        expect(findJsonProblem(json, maxValues)).toBe(expected);
      }),
      { numRuns: 500, seed: 20_270_101 },
    );
  });

  test.each([
    ["lists", `[${"[],".repeat(most / 2)}[]]`],
    ["numbers", `[${"1,".repeat(most)}1]`],
    ["fields", `{${Array.from({ length: most + 1 }, (_, index) => `"f${index}":1`).join()}}`],
    ["levels", "[".repeat(most + 1)],
    ["commas that are no JSON", ",".repeat(most + 1)],
  ])("are too many: %s", (_, json) => {
    expect(findJsonProblem(json, most)).toBe("too many values");
    expect(findJsonProblem(json, countMarks(json))).toBeUndefined();
  });

  test("are too many when one text has more escaped quotes than values may be", () => {
    const textOf = (quotes: number) => `"${'\\"'.repeat(quotes)}"`;
    expect(findJsonProblem(textOf(most), most)).toBeUndefined();
    expect(findJsonProblem(textOf(most + 1), most)).toBe("too many values");
  });

  test.each([
    ["what separates inside a text", `["${"[,{".repeat(5_000)}"]`],
    ["a text that ends with a backslash", String.raw`["\\", "${",".repeat(400)}"]`],
    ["a text without an end", `["${",".repeat(400)}`],
    ["nothing", ""],
  ])("are not %s", (_, json) => {
    expect(findJsonProblem(json, most)).toBeUndefined();
  });
});

describe("a long text", () => {
  const picture = "A".repeat(7_000_000);

  test.each([
    ["as the SDK writes it", `{"json":{"image":{"base64":"${picture}","sha256":"0"}}}`],
    ["with spaces", `{ "json": { "image": { "base64" : "${picture}", "sha256": "0" } } }`],
  ])("may be a picture, %s", (_, json) => {
    expect(findJsonProblem(json, most)).toBeUndefined();
  });

  test.each([
    ["another field", `{"json":{"name":"${picture}"}}`],
    ["a field that ends alike", `{"json":{"xbase64":"${picture}"}}`],
    ["a name", `{"${picture}":1}`],
    ["an item", `["${picture}"]`],
    ["a number", `[${"9".repeat(100_000)}]`],
    ["spaces", " ".repeat(100_000)],
    ["two pictures", `{"a":{"base64":"${picture}"},"b":{"base64":"${picture}"}}`],
    ["many shorter ones", `[${Array.from({ length: 10 }, () => `"${"a".repeat(10_000)}"`).join()}]`],
  ])("may not be %s", (_, json) => {
    expect(findJsonProblem(json, most)).toBe("too much text");
  });
});
