import { describe, expect, test } from "vitest";
import {
  compareReports,
  describeResults,
  floorName,
  judge,
  readReport,
  summarise,
  type Figures,
  type Report,
} from "./report.ts";

const subjects = [
  { name: floorName },
  { name: "raw" },
  { name: "hold", beside: "raw", goals: [{ of: "calls/s ÷ raw", atLeast: 0.6 }] },
];

function roundOf(floorUs: number, raw: number, hold: Figures): Map<string, Figures> {
  return new Map([
    [floorName, { "server µs": floorUs }],
    ["raw", { "calls/s": raw, "Postgres µs": 50 }],
    ["hold", hold],
  ]);
}

const rounds = [
  roundOf(100, 1_000, { "calls/s": 900, "p50 ms": 1, "p99 ms": 9, "server µs": 500, "Postgres µs": 100 }),
  roundOf(100, 1_000, { "calls/s": 500, "p50 ms": 2, "p99 ms": 4, "server µs": 150, "Postgres µs": 50 }),
  // The machine was twice as slow.
  roundOf(200, 500, { "calls/s": 250, "p50 ms": 4, "p99 ms": 8, "server µs": 300, "Postgres µs": 100 }),
];

describe("a summary", () => {
  test("has the median of the figures, and of the ratios within each round", () => {
    const hold = summarise(subjects, rounds)[2];
    expect(hold).toEqual({
      name: "hold",
      figures: { "calls/s": 500, "p50 ms": 2, "p99 ms": 8, "server µs": 300, "Postgres µs": 100 },
      ratios: { "CPU ÷ bare": 2, "p99 ÷ p50": 2, "calls/s ÷ raw": 0.5 },
    });
  });

  test("takes a scenario that was measured in one round from that round", () => {
    const withMemory = [new Map<string, Figures>(), new Map<string, Figures>([["memory", { MB: 120 }]])];
    expect(summarise([{ name: "memory" }, { name: "hold" }], withMemory)).toEqual([
      { name: "memory", figures: { MB: 120 }, ratios: {} },
    ]);
  });

  test("has the ratio to the processor time of a yardstick that goes through a server", () => {
    const both = [{ name: "one" }, { name: "many", beside: "one" }];
    const round = new Map<string, Figures>([
      ["one", { "server µs": 300, "Postgres µs": 100 }],
      ["many", { "server µs": 350, "Postgres µs": 150 }],
    ]);
    expect(summarise(both, [round])[1]?.ratios).toEqual({ "CPU ÷ one": 1.25 });
  });

  test("has no ratio to a floor that used nothing the kernel counted", () => {
    const [floor, hold] = summarise(
      [{ name: floorName }, { name: "hold" }],
      [roundOf(0, 1, { "server µs": 5 })],
    );
    expect(floor?.ratios).toEqual({});
    expect(hold?.ratios).toEqual({});
  });
});

describe("a goal", () => {
  const result = { name: "hold", figures: { MB: 151 }, ratios: { "CPU ÷ bare": 2, "p99 ÷ p50": 3.4 } };

  test.each([
    [{ of: "CPU ÷ bare", atMost: 2 }, "CPU ÷ bare 2.00, at most 2: kept", true],
    [{ of: "CPU ÷ bare", atLeast: 2.1 }, "CPU ÷ bare 2.00, at least 2.1: NOT KEPT", false],
    [{ of: "p99 ÷ p50", atMost: 3 }, "p99 ÷ p50 3.40, at most 3: NOT KEPT", false],
    [{ of: "MB", atMost: 150 }, "MB 151, at most 150: NOT KEPT", false],
  ])("%j", (goal, text, isKept) => {
    expect(judge([goal], result)).toEqual([{ text, isKept }]);
  });

  test("of what was not measured is neither kept nor missed", () => {
    expect(judge([{ of: "seconds", atMost: 3 }], result)).toEqual([]);
  });
});

test("the table has a row for each scenario and one for each goal", () => {
  const results = summarise(subjects, rounds);
  expect(describeResults(results, subjects).split("\n")).toEqual([
    "scenario  ratios within this run                               figures of this machine",
    "bare      CPU ÷ bare 1.00                                      server µs 100",
    "raw       CPU ÷ bare 0.50                                      calls/s 1000  Postgres µs 50.0",
    "hold      CPU ÷ bare 2.00  p99 ÷ p50 2.00  calls/s ÷ raw 0.50  calls/s 500  p50 ms 2.00  p99 ms 8.00  server µs 300  Postgres µs 100",
    "          calls/s ÷ raw 0.50, at least 0.6: NOT KEPT",
  ]);
});

describe("a comparison", () => {
  const reportOf = (scenarios: Report["scenarios"], size: Report["size"] = "default"): Report => ({
    version: 1,
    at: "2026-01-01T00:00:00.000Z",
    node: "v26.0.0",
    cores: 2,
    rounds: 5,
    size,
    scenarios,
  });
  const before = reportOf([
    { name: "hold", figures: { "p50 ms": 4, gone: 1 }, ratios: { "CPU ÷ bare": 8 } },
    { name: "gone", figures: { MB: 1 }, ratios: {} },
  ]);
  const after = reportOf([
    { name: "new", figures: { MB: 1 }, ratios: {} },
    { name: "hold", figures: { "p50 ms": 3 }, ratios: { "CPU ÷ bare": 2, "p99 ÷ p50": 1 } },
  ]);

  test("shows what both runs have, ratios first, and how it has changed", () => {
    expect(compareReports(before, after).split("\n")).toEqual([
      "scenario  value       before  after  after ÷ before",
      "hold      CPU ÷ bare  8.00    2.00   0.25",
      "hold      p50 ms      4.00    3.00   0.75",
    ]);
  });

  test("says when the runs are of different sizes", () => {
    const [warning] = compareReports(before, reportOf([], "quick")).split("\n");
    expect(warning).toBe("The runs are of different sizes: default and quick.");
  });

  test("has no quotient with zero", () => {
    const zero = reportOf([{ name: "race", figures: { winners: 0 }, ratios: {} }]);
    const one = reportOf([{ name: "race", figures: { winners: 1 }, ratios: {} }]);
    expect(compareReports(zero, one)).toContain("race      winners  0.00    1.00   –");
  });

  test("reads what was written, and nothing else", () => {
    expect(readReport(JSON.stringify(before))).toEqual(before);
    expect(() => readReport(JSON.stringify({ ...before, version: 2 }))).toThrow("version");
    expect(() => readReport("{}")).toThrow();
  });
});
