import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amountSchema, sentAmountSchema, sumSchema } from "./amounts.ts";
import { Decimal, formatAmount, parseAmount } from "./money.ts";
import { deserializeInput, transformer } from "./transformer.ts";

const asDecimal = (json: unknown) =>
  ({ json, meta: { values: [["custom", "Decimal"]] } }) as unknown as Parameters<typeof deserializeInput>[0];
const read = (json: unknown): unknown => deserializeInput(asDecimal(json));
const readAnswer = (json: unknown): unknown => transformer.deserialize(asDecimal(json));

// Without any arithmetic of fractions, and without the code under test.
function inRupees(paise: bigint): string {
  const digits = (paise < 0n ? -paise : paise).toString().padStart(3, "0");
  return `${paise < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

describe("an amount that comes in", () => {
  test.each(["0", "-0", "0.5", "0.05", "10.50", "-12.30", "007", "9999999999.99", "-9999999999.99"])(
    "%s is read exactly",
    (text) => {
      expect(parseAmount(text).equals(new Decimal(text))).toBe(true);
      expect(read(text)).toEqual(new Decimal(text));
    },
  );

  test.each([
    "",
    " 1",
    "1 ",
    "1\n",
    "+1",
    ".5",
    "5.",
    "0.005",
    "1.123",
    "10000000000",
    "1e3",
    "1E3",
    "1e300000000",
    "1e-300000000",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1,000.00",
    "NaN",
    "Infinity",
    "-Infinity",
    "١٢",
    "１２",
    "--1",
    "1".repeat(1_000_000),
  ])("%.30s is refused", (text) => {
    expect(() => parseAmount(text)).toThrow(RangeError);
    expect(() => read(text)).toThrow(RangeError);
  });

  test.each([5, 0.1, 1e21, true, null, ["5"], { s: 1, e: 0, d: [5] }])(
    "%j is refused, because money is text on the wire and never a number",
    (value) => {
      expect(() => read(value)).toThrow(RangeError);
    },
  );
});

describe("an amount that goes out", () => {
  test("always has two decimals, and comes back as it was", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -999_999_999_999n, max: 999_999_999_999n }), (paise) => {
        const amount = new Decimal(paise.toString()).dividedBy(100);
        const { json } = transformer.serialize(amount);
        expect(json).toMatch(/^-?\d+\.\d{2}$/);
        expect(json).toBe(formatAmount(amount));
        expect(readAnswer(json)).toEqual(amount);
        expect(read(json)).toEqual(amount);
      }),
      { numRuns: 5_000, seed: 20_270_101 },
    );
  });

  test("P15: 100,000 amounts come back exactly, and add up to the paisa", () => {
    let paise = 0n;
    let total = new Decimal(0);
    fc.assert(
      fc.property(fc.bigInt({ min: -999_999_999_999n, max: 999_999_999_999n }), (one) => {
        const text = inRupees(one);
        const amount = parseAmount(text);
        paise += one;
        total = total.plus(amount);
        return formatAmount(amount) === text && formatAmount(total) === inRupees(paise);
      }),
      { numRuns: 100_000, seed: 20_270_101 },
    );
    expect(formatAmount(total)).toBe(inRupees(paise));
    console.log(`P15: 100,000 amounts, exact; they add up to ${formatAmount(total)}.`);
  });

  test.each(["10000000000.00", "-10000000000.05", `${"9".repeat(30)}.99`])(
    "may be a total that is larger than any amount that comes in: %s",
    (text) => {
      const { json } = transformer.serialize(new Decimal(text));
      expect(json).toBe(text);
      expect(readAnswer(json)).toEqual(new Decimal(text));
      expect(() => read(json)).toThrow(RangeError);
    },
  );

  test.each(["10.005", "0.001", "-2.999", "NaN", "Infinity", "1e30", "1e300000000", "1e-300000000"])(
    "%s is no amount, and is refused at the other end rather than rounded on the way",
    (text) => {
      const { json } = transformer.serialize(new Decimal(text));
      expect(() => readAnswer(json)).toThrow(RangeError);
    },
  );

  test.each<unknown>([
    "1",
    "1.5",
    "1.500",
    "+1.50",
    " 1.50",
    "1.50\n",
    "1e2",
    `1${"0".repeat(30)}.00`,
    1.5,
    null,
  ])("is read as it is written and in no other form, such as %j", (json) => {
    expect(() => readAnswer(json)).toThrow(RangeError);
  });

  test("is SuperJSON's custom type named Decimal, also inside lists", () => {
    expect(transformer.serialize([new Decimal("1.5")])).toEqual({
      json: ["1.50"],
      meta: { values: { 0: [["custom", "Decimal"]] }, v: 1 },
    });
  });
});

describe("the schema of an amount", () => {
  test.each(["0", "0.01", "-0.01", "200", "9999999999.99"])("takes the Decimal %s", (text) => {
    expect(amountSchema.safeParse(new Decimal(text)).success).toBe(true);
  });

  test.each([
    "NaN",
    "Infinity",
    "-Infinity",
    "1e300000000",
    "-1e300000000",
    "1e-300000000",
    "0.005",
    "10000000000",
  ])("refuses the Decimal %s at once", (text) => {
    const startedAt = performance.now();
    expect(amountSchema.safeParse(new Decimal(text)).success).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test.each<unknown>([
    5,
    "5.00",
    5n,
    null,
    undefined,
    {},
    { s: 1, e: 0, d: [5], constructor: Decimal },
    { toStringTag: "[object Decimal]", s: 1, e: 0, d: [5] },
  ])("refuses %s, which is no Decimal", (value) => {
    expect(amountSchema.safeParse(value).success).toBe(false);
  });
});

describe("the schema of an amount that is sent", () => {
  test.each(["0", "0.01", "-0.01", "200", "200.5", "9999999999.99"])(
    "takes %s as a Decimal and as text",
    (text) => {
      expect(sentAmountSchema.parse(new Decimal(text))).toEqual(new Decimal(text));
      expect(sentAmountSchema.parse(text)).toEqual(new Decimal(text));
    },
  );

  const asText = 'Expected an amount as text, such as "100.00", or as a Decimal.';
  test.each<[unknown, string]>([
    [new Decimal("1.005"), "An amount has at most two decimals."],
    ["1.005", "An amount has at most two decimals."],
    [new Decimal("10000000000"), "An amount has at most ten digits before the point."],
    ["10000000000.5", "An amount has at most ten digits before the point."],
    [new Decimal("1e300000000"), "An amount is written with digits and a point only, such as 100.00."],
    ["1e3", "An amount is written with digits and a point only, such as 100.00."],
    ["1,000.00", "An amount is written with digits and a point only, such as 100.00."],
    ["", "An amount is written with digits and a point only, such as 100.00."],
    [5, asText],
    [5n, asText],
    [null, asText],
    [undefined, asText],
    [{ s: 1, e: 0, d: [5], constructor: Decimal }, asText],
  ])("says what is wrong with %s", (value, message) => {
    const { success, error } = sentAmountSchema.safeParse(value);
    expect([success, error?.issues.map((issue) => issue.message)]).toEqual([false, [message]]);
  });
});

describe("the schema of a sum", () => {
  test.each(["0", "-0.01", "9999999999.99", "10000000000", `${"9".repeat(30)}.99`])(
    "takes the Decimal %s",
    (text) => {
      expect(sumSchema.safeParse(new Decimal(text)).success).toBe(true);
    },
  );

  test.each<unknown>(["NaN", "Infinity", "0.005", "1e30", "1e300000000", "1e-300000000"])(
    "refuses the Decimal %s",
    (text) => {
      expect(sumSchema.safeParse(new Decimal(String(text))).success).toBe(false);
    },
  );

  test("refuses what is no Decimal", () => {
    for (const value of [5, "5.00", 5n, null, undefined])
      expect(sumSchema.safeParse(value).success).toBe(false);
  });
});
