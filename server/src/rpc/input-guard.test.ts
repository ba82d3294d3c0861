import { SuperJSON } from "superjson";
import { describe, expect, test } from "vitest";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { Decimal, transformer } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";
import { readInput } from "./input-guard.ts";

/** The refusal's fields; anything but a refusal of the input fails the test. */
function refusalOf(serialized: unknown): unknown {
  try {
    readInput(serialized);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.problem.code === "VALIDATION_ERROR" ? error.fields : error.problem;
  }
  return "accepted";
}

const refused = [{ field: expect.any(String) as string, message: expect.any(String) as string }];
const parse = (text: string): unknown => JSON.parse(text);
const nested = (depth: number, leaf: unknown = 1): unknown => {
  let value = leaf;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? { a: value } : [value];
  return value;
};

test.each([null, [], "x", { username: "x" }, { json: {}, username: "x" }])(
  "what is not below json is told where it belongs: %j",
  (serialized) => {
    expect(refusalOf(serialized)).toEqual([
      { field: "", message: expect.stringContaining('belongs below "json"') as string },
    ]);
  },
);

describe("what the SDK sends is read", () => {
  test.each<[string, unknown]>([
    ["text, numbers, booleans and null", { a: "x", b: 1.5, c: true, d: null, e: [1, "y"] }],
    ["an instant", { at: new Date("2026-03-10T06:30:00.123Z") }],
    ["an amount", { amount: new Decimal("12.30"), list: [new Decimal("-0.01")] }],
    ["undefined", { a: undefined, list: [undefined, 1] }],
    ["undefined alone", undefined],
    ["the same amount twice", { one: new Decimal(1), other: new Decimal(1) }],
    ["text of characters beyond the first plane", { name: "\u{10428}\u{1F600}" }],
    ["twelve levels", nested(12)],
    ["an instant on the twelfth level", nested(12, new Date(0))],
    ["empty keys", { "": new Date(0) }],
  ])("%s", (_, value) => {
    expect(readInput(parse(JSON.stringify(transformer.serialize(value))))).toEqual(value);
  });
});

describe("a type that the caller chose is refused", () => {
  class Ticket {
    seat = "A1";
  }
  const theirs = new SuperJSON();
  theirs.registerClass(Ticket);
  theirs.registerSymbol(Symbol.for("seat"), "seat");
  theirs.registerCustom<Ticket[], string>(
    {
      isApplicable: (value): value is Ticket[] => value === tickets,
      serialize: () => "x",
      deserialize: () => [],
    },
    "Tickets",
  );
  const tickets: Ticket[] = [];

  test.each<[string, unknown]>([
    ["Set", new Set([1])],
    ["Map", new Map([["a", 1]])],
    ["BigInt", 1n],
    ["RegExp", /(a+)+$/],
    ["URL", new URL("https://example.com")],
    ["Error", new Error("boom")],
    ["a symbol", Symbol.for("seat")],
    ["a class", new Ticket()],
    ["NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["-0", -0],
    ["another custom type", tickets],
    ["Int8Array", new Int8Array(1)],
    ["Uint8Array", new Uint8Array(1)],
    ["Uint8ClampedArray", new Uint8ClampedArray(1)],
    ["Int16Array", new Int16Array(1)],
    ["Uint16Array", new Uint16Array(1)],
    ["Int32Array", new Int32Array(1)],
    ["Uint32Array", new Uint32Array(1)],
    ["Float32Array", new Float32Array(1)],
    ["Float64Array", new Float64Array(1)],
  ])("%s, alone, in a field and in a list", (_, value) => {
    for (const place of [value, { a: value }, [value], { a: [{ b: value }] }]) {
      const serialized = parse(JSON.stringify(theirs.serialize(place)));
      expect(serialized).toHaveProperty("meta");
      expect(refusalOf(serialized)).toEqual(refused);
    }
  });

  test.each([new Date(0), new Decimal("5")])("%s in place of an input with fields", (value) => {
    expect(refusalOf(parse(JSON.stringify(transformer.serialize(value))))).toEqual(refused);
  });

  test.each<[string, unknown]>([
    ["an unknown name", ["Temporal"]],
    ["an unknown custom type", [["custom", "Money"]]],
    ["a custom type without a name", [["custom"]]],
    ["a custom type with more than a name", [["custom", "Decimal", "x"]]],
    ["a class named like ours", [["class", "Decimal"]]],
    ["a name that is inherited", ["constructor"]],
    ["nothing", []],
    ["null", [null]],
    ["a number", [1]],
    ["a list of lists", [[["custom", "Decimal"]]]],
    ["two types", ["Date", "Date"]],
    ["a type with parts", ["Date", { a: ["Date"] }]],
    ["text", "Date"],
    ["a tree in a tree", { a: { b: ["Date"] } }],
  ])("%s", (_, type) => {
    expect(refusalOf({ json: { a: { b: "1" } }, meta: { values: { a: type } } })).toEqual(refused);
    expect(refusalOf({ json: "1", meta: { values: type } })).toEqual(refused);
  });

  test("a typed array of 200,000,000 at once", () => {
    const startedAt = performance.now();
    const attack = { json: { length: 200_000_000 }, meta: { values: [["typed-array", "Uint8Array"]] } };
    expect(refusalOf(attack)).toEqual(refused);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe("an amount that is none is refused", () => {
  const decimal = [["custom", "Decimal"]];

  test("by its field's name, with what is wrong", () => {
    const json = { amount: "100.123", list: [{ of: ["5", 5] }], "0": "1e3" };
    const sent = (path: string) => refusalOf({ json, meta: { values: { [path]: decimal } } });
    expect(sent("amount")).toEqual([{ field: "amount", message: "An amount has at most two decimals." }]);
    expect(sent("list.0.of.1")).toEqual([
      {
        field: "list[0].of[1]",
        message: 'Expected an amount as text, such as "100.00", or as a Decimal.',
      },
    ]);
    expect(sent("list.0.of.0")).toBe("accepted");
    expect(sent("0")).toMatchObject([{ field: "0" }]);
  });
});

describe("type information for a value that is not there is refused", () => {
  test.each([
    "a",
    "list.3",
    "list.4294967294",
    "list.-1",
    "list.length",
    "list.NaN",
    "list.1e1",
    "list.0.x",
    "text.0",
    "text.length",
    "deep.a.b",
    "toString",
    "toString.x",
    "valueOf.call",
    "list.push",
    "list\\.0",
    "deep\\.a",
    "deep\\\\",
    ".deep",
    "deep.",
    "",
    "nothing.x",
  ])("at %j", (path) => {
    const json = { list: [1, 2, 3], text: "abc", deep: { a: "1" }, nothing: null };
    for (const type of ["undefined", "Date", ["custom", "Decimal"]])
      expect(refusalOf({ json, meta: { values: { [path]: [type] } } })).toEqual(refused);
  });

  test("under a name that SuperJSON reads otherwise than we do", () => {
    const json = { "a\\": { b: 1 } };
    expect(refusalOf({ json, meta: { values: { "a\\.b": ["undefined"] } } })).toEqual(refused);
    expect(refusalOf({ json, meta: { values: { "a\\": ["undefined"] } } })).toEqual(refused);
  });

  test("before a list becomes as long as the caller says", () => {
    const attack = {
      json: { seatNumbers: [] },
      meta: { values: { "seatNumbers.4294967290": ["undefined"] }, v: 1 },
    };
    expect(refusalOf(attack)).toEqual(refused);
    expect(attack.json.seatNumbers).toHaveLength(0);
  });
});

describe("the form around the input", () => {
  test.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["text", "x"],
    ["a number", 1],
    ["a boolean", true],
    ["another field", { json: {}, extra: 1 }],
    ["meta that is null", { json: {}, meta: null }],
    ["meta that is a list", { json: {}, meta: [] }],
    ["meta that is text", { json: {}, meta: "x" }],
    ["another version", { json: {}, meta: { v: 2 } }],
    ["an unknown part of meta", { json: {}, meta: { v: 1, extra: {} } }],
    ["values that are null", { json: {}, meta: { values: null } }],
    ["values that are text", { json: {}, meta: { values: "Date" } }],
    ["values that are a number", { json: {}, meta: { values: 1 } }],
    ["shared references", { json: { a: [], b: null }, meta: { referentialEqualities: { a: ["b"] } } }],
    ["references to the root", { json: { a: null }, meta: { referentialEqualities: [["a"]] } }],
    [
      "references that double",
      { json: { a: [1] }, meta: { values: {}, referentialEqualities: [["a"], { a: ["b"] }] } },
    ],
    ["no references, but the place for them", { json: {}, meta: { referentialEqualities: {} } }],
  ])("with %s is refused", (_, serialized) => {
    expect(refusalOf(serialized)).toEqual(refused);
  });

  test("without a value is no input", () => {
    expect(readInput({})).toBeUndefined();
  });
});

describe("names that JavaScript gives a meaning", () => {
  test.each(["__proto__", "constructor", "prototype"])("%s are refused wherever they are", (name) => {
    for (const text of [
      `{"json":{"${name}":{"polluted":true}}}`,
      `{"json":{"a":[{"${name}":1}]}}`,
      `{"json":{"a":{"${name}":null}}}`,
      `{"json":{},"meta":{"values":{"${name}.polluted":["undefined"]}}}`,
      `{"json":{"a":{}},"meta":{"values":{"a.${name}.polluted":["undefined"]}}}`,
      `{"json":{"a":{}},"meta":{"values":{"a\\\\.${name}":["undefined"]}}}`,
      `{"json":{"a":{}},"meta":{"values":{"a":["undefined",{"${name}":["undefined"]}]}}}`,
      `{"json":{},"meta":{"${name}":{}}}`,
      `{"json":{},"${name}":{}}`,
    ])
      expect(refusalOf(parse(text))).toEqual(refused);
    expect({}).not.toHaveProperty("polluted");
    expect(Object.prototype).not.toHaveProperty("polluted");
  });
});

describe("depth", () => {
  test("thirteen levels are refused", () => {
    expect(refusalOf({ json: nested(13) })).toEqual(refused);
    expect(refusalOf({ json: [nested(12)] })).toEqual(refused);
  });

  test.each([5_000, 200_000])("%i levels are refused at once", (levels) => {
    const lists = parse(`{"json":${"[".repeat(levels)}${"]".repeat(levels)}}`);
    const objects = parse(`{"json":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`);
    const types = parse(
      `{"json":{},"meta":{"values":${'["Date",{"a":'.repeat(levels)}1${"}]".repeat(levels)}}}`,
    );
    const paths = { json: {}, meta: { values: { ["a.".repeat(levels)]: ["Date"] } } };
    for (const input of [lists, objects, types, paths]) {
      const startedAt = performance.now();
      expect(refusalOf(input)).toEqual(refused);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
    }
  });
});

describe("text that Postgres cannot hold", () => {
  test.each(["\0", "a\0b", "\ud800", "\udc00", "a\ud800b", "\udc00\ud800"])(
    "%j is refused as value and as name",
    (text) => {
      expect(refusalOf({ json: text })).toEqual(refused);
      expect(refusalOf({ json: { a: [{ b: text }] } })).toEqual([
        { field: "a[0].b", message: expect.any(String) as string },
      ]);
      expect(refusalOf({ json: { [text]: 1 } })).toEqual(refused);
    },
  );
});

describe("a value that is not what its type says", () => {
  test.each<[string, unknown, unknown]>([
    ["a number as an amount", 5, ["custom", "Decimal"]],
    ["a list as an amount", ["5"], ["custom", "Decimal"]],
    ["null as an amount", null, ["custom", "Decimal"]],
    ["an object as an amount", { s: 1, e: 0, d: [5] }, ["custom", "Decimal"]],
    ["a huge exponent as an amount", "1e300000000", ["custom", "Decimal"]],
    ["a million digits as an amount", "1".repeat(1_000_000), ["custom", "Decimal"]],
    ["three decimals as an amount", "0.005", ["custom", "Decimal"]],
    ["not a number as an amount", "NaN", ["custom", "Decimal"]],
    ["Arabic digits as an amount", "١٢", ["custom", "Decimal"]],
  ])("%s is refused", (_, value, type) => {
    expect(refusalOf({ json: { a: value }, meta: { values: { a: [type] } } })).toEqual(refused);
    expect(refusalOf({ json: value, meta: { values: [type] } })).toEqual(refused);
  });

  test("text that is no instant becomes an invalid Date, which no schema takes", () => {
    const read = readInput({ json: { at: "infinity" }, meta: { values: { at: ["Date"] } } }) as { at: Date };
    expect(read.at.getTime()).toBeNaN();
  });
});

test("an input that is refused in a batch ends its own call alone, once the caller is known", async () => {
  const app = await createTestApp();
  const inputs = {
    0: { json: { email: "asha@example.com" } },
    1: { json: { length: 2e8 }, meta: { values: [["typed-array", "Uint8Array"]] } },
    2: { json: {}, meta: 1 },
  };
  const paths = "auth.securityQuestion,auth.securityQuestion,booking.list";
  const response = await app.app.request(
    `/trpc/${paths}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`,
    { headers: headersFor() },
  );
  expect(await response.json()).toMatchObject([
    { result: {} },
    { error: { json: { data: { domain: { code: "VALIDATION_ERROR" } } } } },
    { error: { json: { data: { domain: { code: "MISSING_TOKEN" } } } } },
  ]);
});
