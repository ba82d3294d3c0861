import { z } from "zod";
import { medianOf } from "./measure.ts";

/** What was measured, by name with its unit, such as `p99 ms`. */
export type Figures = Record<string, number>;

/** A bound on one figure or ratio. */
export interface Goal {
  of: string;
  atMost?: number;
  atLeast?: number;
}

/** What a report has to know of a scenario. */
export interface Subject {
  name: string;
  /** The scenario whose calls a second, and whose processor time where it has a server, are its yardstick. */
  beside?: string;
  goals?: Goal[];
}

const figures = z.record(z.string(), z.number());
const reportSchema = z.object({
  version: z.literal(1),
  at: z.string(),
  node: z.string(),
  cores: z.number(),
  rounds: z.number(),
  size: z.enum(["quick", "default", "large"]),
  scenarios: z.array(z.object({ name: z.string(), figures, ratios: figures })),
});

/** A whole run, as `--json` writes it. */
export type Report = z.output<typeof reportSchema>;

/** One scenario: medians over its rounds. Figures are of one machine and moment; ratios are taken within each round. */
export type Result = Report["scenarios"][number];

/** The scenario that all others' processor time is a multiple of. */
export const floorName = "bare";

/** Reads what `--json` wrote. Throws when the text is anything else. */
export function readReport(text: string): Report {
  return reportSchema.parse(JSON.parse(text));
}

/** The median of every figure and ratio. `rounds` has the figures of the scenarios that took part in each round. */
export function summarise(subjects: Subject[], rounds: Map<string, Figures>[]): Result[] {
  return subjects.flatMap(({ name, beside }) => {
    const own = rounds.map((round) => round.get(name)).filter((one) => one !== undefined);
    if (own.length === 0) return [];
    const ratios = rounds.map((round) =>
      ratiosOf(round.get(name) ?? {}, round.get(floorName), beside, round.get(beside ?? "")),
    );
    return { name, figures: mediansOf(own), ratios: mediansOf(ratios) };
  });
}

function ratiosOf(
  measured: Figures,
  floor: Figures | undefined,
  beside: string | undefined,
  yardstick: Figures | undefined,
): Figures {
  const [cpu, floorCpu] = [cpuOf(measured), floor && cpuOf(floor)];
  const { "p50 ms": p50, "p99 ms": p99, "calls/s": perSecond } = measured;
  const ratios: Figures = {};
  if (cpu !== undefined && floorCpu !== undefined) ratios["CPU ÷ bare"] = cpu / floorCpu;
  if (p50 !== undefined && p99 !== undefined) ratios["p99 ÷ p50"] = p99 / p50;
  const besidePerSecond = yardstick?.["calls/s"];
  if (perSecond !== undefined && besidePerSecond !== undefined)
    ratios[`calls/s ÷ ${beside}`] = perSecond / besidePerSecond;
  // Of a yardstick that goes through a server, too.
  const besideCpu = yardstick?.["server µs"] === undefined ? undefined : cpuOf(yardstick);
  if (cpu !== undefined && besideCpu !== undefined) ratios[`CPU ÷ ${beside}`] = cpu / besideCpu;
  return ratios;
}

// Server and Postgres together. What was too short for the kernel's clock has none, rather than a ratio with nothing.
function cpuOf(measured: Figures): number | undefined {
  const { "server µs": server, "Postgres µs": postgres } = measured;
  if (server === undefined && postgres === undefined) return undefined;
  return (server ?? 0) + (postgres ?? 0) || undefined;
}

function mediansOf(all: Figures[]): Figures {
  const names = [...new Set(all.flatMap((one) => Object.keys(one)))];
  return Object.fromEntries(
    names.map((name) => [name, medianOf(all.flatMap((one) => (name in one ? [one[name] as number] : [])))]),
  );
}

/** What became of a goal. */
export interface Verdict {
  text: string;
  isKept: boolean;
}

/** The goals of a scenario that this run has something to say of. */
export function judge(goals: Goal[], { figures: measured, ratios }: Result): Verdict[] {
  return goals.flatMap(({ of, atMost, atLeast }) => {
    const value = ratios[of] ?? measured[of];
    if (value === undefined) return [];
    const isKept = value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity);
    const bounds = [
      ...(atMost === undefined ? [] : [`at most ${atMost}`]),
      ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
    ];
    return { text: `${of} ${rounded(value)}, ${bounds.join(", ")}: ${isKept ? "kept" : "NOT KEPT"}`, isKept };
  });
}

/** The run as a table of ratios, and behind each the figures of this machine. */
export function describeResults(results: Result[], subjects: Subject[]): string {
  const head = ["scenario", "ratios within this run", "figures of this machine"];
  const rows = results.flatMap((result) => {
    const goals = subjects.find(({ name }) => name === result.name)?.goals ?? [];
    const verdicts = judge(goals, result).map(({ text }) => ["", text, ""]);
    return [[result.name, listed(result.ratios), listed(result.figures)], ...verdicts];
  });
  return tableOf([head, ...rows]);
}

/** Two runs side by side: how often the first one's value the second one's is. Scenarios and values that only one has are left out. */
export function compareReports(before: Report, after: Report): string {
  const rows = before.scenarios.flatMap((one) => {
    const other = after.scenarios.find(({ name }) => name === one.name);
    if (other === undefined) return [];
    return [...changes(one.name, one.ratios, other.ratios), ...changes(one.name, one.figures, other.figures)];
  });
  const warning =
    before.size === after.size
      ? []
      : [`The runs are of different sizes: ${before.size} and ${after.size}.`, ""];
  const head = ["scenario", "value", "before", "after", "after ÷ before"];
  return [...warning, tableOf([head, ...rows])].join("\n");
}

function changes(name: string, before: Figures, after: Figures): string[][] {
  return Object.entries(before).flatMap(([value, from]) => {
    const to = after[value];
    return to === undefined
      ? []
      : [[name, value, rounded(from), rounded(to), from === 0 ? "–" : rounded(to / from)]];
  });
}

function listed(values: Figures): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${rounded(value)}`)
    .join("  ");
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function tableOf(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
