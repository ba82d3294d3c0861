import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { parseJson } from "./parse-json.ts";

const picture = "/9j/".repeat(30_000);

test("a text with a picture is read as JSON.parse reads it", () => {
  const values = fc.record({ before: fc.jsonValue(), after: fc.jsonValue(), space: fc.constantFrom(0, 2) });
  fc.assert(
    fc.property(values, ({ before, after, space }) => {
      const json = JSON.stringify({ before, json: { image: { base64: picture } }, after }, null, space);
      expect(parseJson(json)).toStrictEqual(JSON.parse(json));
    }),
    { numRuns: 100, seed: 20_270_101 },
  );
});

test.each([
  ["slashes that are escaped", `{"base64":"${picture.replaceAll("/", String.raw`\/`)}"}`],
  ["two pictures", `{"a":{"base64":"${picture}"},"b":{"base64":"${picture}"}}`],
  ["a field of another name", `{"picture":"${picture}"}`],
  ["a name within a text", String.raw`{"a":"\"base64\":\"","b":"${picture}"}`],
  ["a name that ends as the field does", String.raw`{"\"base64":"${picture}"}`],
  ["much beside it, deeply nested", `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)},"base64":"${picture}"}`],
  ["a short one before it", `{"base64":"","b":{"base64":"${picture}"}}`],
  ["an own __proto__", `{"__proto__":{"a":1},"base64":"${picture}"}`],
])("also with %s", (_, json) => {
  const read = parseJson(json);
  expect(JSON.stringify(read)).toBe(JSON.stringify(JSON.parse(json)));
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
});

test.each([
  ["has no end", `{"base64":"${picture}`],
  ["goes on after its end", `{"base64":"${picture}"}}`],
  ["has a quote too many", `{"a":"x"base64":"${picture}"}`],
  ["has a number where a text was", `{"a":"x"base64":"${"1".repeat(100_000)}"}`],
])("what JSON.parse refuses is refused: a text that %s", (_, json) => {
  expect(() => JSON.parse(json) as unknown).toThrow(SyntaxError);
  expect(() => parseJson(json)).toThrow(SyntaxError);
});

test("a picture is not parsed letter by letter", () => {
  using parse = vi.spyOn(JSON, "parse");
  expect(parseJson(`{"base64":"${picture}"}`)).toEqual({ base64: picture });
  expect(parse.mock.calls.map(([text]) => text.length < 100)).toEqual([true]);
});
