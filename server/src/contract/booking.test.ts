import { describe, expect, test } from "vitest";
import { goodCard } from "../../test/given.ts";
import { cardSchema } from "./card.ts";

const read = (change: object) => cardSchema.parse({ ...goodCard, ...change });
const problemsOf = (change: object) =>
  cardSchema
    .safeParse({ ...goodCard, ...change })
    .error?.issues.map(({ path, message }) => [path[0], message]);

describe("a card as people type it", () => {
  test.each([
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    " 42424242 42424242\t",
    "4242\u00a04242 42424242",
  ])("may have the number %j", (number) => {
    expect(read({ number })).toEqual(goodCard);
  });

  test.each([
    ["1", "39", "01", "39"],
    ["01", "2039", "01", "39"],
    ["12", "2039", "12", "39"],
    ["9", "40", "09", "40"],
  ])("may expire in month %s of %s", (expiryMonth, expiryYear, month, year) => {
    expect(read({ expiryMonth, expiryYear })).toEqual({ ...goodCard, expiryMonth: month, expiryYear: year });
  });

  test.each([
    "4242 4242 4242 4241",
    "4242_4242_4242_4242",
    "4242.4242.4242.4242",
    "4242 4242 4242 4242 x",
    "- -",
  ])("may not have the number %j", (number) => {
    expect(problemsOf({ number })).toHaveLength(1);
  });

  test.each([
    ["expiryMonth", "0"],
    ["expiryMonth", "00"],
    ["expiryMonth", "13"],
    ["expiryMonth", "001"],
    ["expiryMonth", "1 "],
    ["expiryYear", "1939"],
    ["expiryYear", "2139"],
    ["expiryYear", "9"],
    ["expiryYear", "039"],
    ["expiryYear", "20390"],
  ])("may not have the %s %j", (field, text) => {
    expect(problemsOf({ [field]: text })).toEqual([[field, "Expiry must be MM/YY"]]);
  });

  test("of a million spaces is read at once", () => {
    const startedAt = performance.now();
    expect(problemsOf({ number: " -".repeat(500_000) })).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
