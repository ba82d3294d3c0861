import { describe, expect, test } from "vitest";
import { Decimal } from "./money.ts";
import { transformer } from "./transformer.ts";

const travel = (value: unknown): unknown =>
  transformer.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value))) as never);

describe("what travels", () => {
  test.each<[string, unknown]>([
    ["an instant", new Date("2026-03-29T01:30:00.123Z")],
    ["an amount", new Decimal("12.30")],
    ["nothing at all", undefined],
    ["null", null],
    ["text of any script", "प्रिया \u{10428} \u202e"],
    ["a field that is undefined", { a: undefined, b: null }],
    ["fields with dots, backslashes and digits", { "a.b": new Date(0), "a\\b": new Date(1), 0: new Date(2) }],
    ["lists of lists", [[new Decimal("0.10")], [], [undefined, new Date(3)]]],
  ])("arrives as it was: %s", (_, value) => {
    expect(travel(value)).toEqual(value);
  });

  test("writes what occurs twice twice, without references, which the server would refuse", () => {
    const [date, amount, seats] = [new Date(5), new Decimal("1.50"), ["A1"]];
    const value = { dates: [date, date], amounts: [amount, amount], rows: [{ seats }, { seats }] };
    expect(transformer.serialize(value)).toEqual({
      json: {
        dates: ["1970-01-01T00:00:00.005Z", "1970-01-01T00:00:00.005Z"],
        amounts: ["1.50", "1.50"],
        rows: [{ seats: ["A1"] }, { seats: ["A1"] }],
      },
      meta: {
        values: {
          "dates.0": ["Date"],
          "dates.1": ["Date"],
          "amounts.0": [["custom", "Decimal"]],
          "amounts.1": [["custom", "Decimal"]],
        },
        v: 1,
      },
    });
    expect(travel(value)).toEqual(value);
    expect(travel({ one: seats, other: seats })).toEqual({ one: seats, other: seats });
  });
});
