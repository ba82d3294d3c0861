/** Two ways to the same thing, one of them the yardstick. */
export interface Comparison {
  /** What is measured. */
  name: string;
  measured: (turn: number) => Promise<unknown>;
  /** What the yardstick is. */
  against: string;
  yardstick: (turn: number) => Promise<unknown>;
  /** How often each of them is done. */
  tries: number;
  /** The ratio that must not be exceeded; without one it is there to be watched. */
  atMost?: number;
}

/** Medians in milliseconds, and how many times the yardstick's the measured one is. */
export interface Ratio {
  measuredMs: number;
  yardstickMs: number;
  ratio: number;
}

const warmUps = 3;

/** Does both by turns, so that whatever else the machine does meanwhile falls on both alike; the first few do not count. */
export async function compare({ measured, yardstick, tries }: Comparison): Promise<Ratio> {
  const times = { measured: [] as number[], yardstick: [] as number[] };
  for (let turn = 0; turn < tries + warmUps; turn += 1) {
    const [one, other] =
      turn % 2 === 0 ? (["measured", "yardstick"] as const) : (["yardstick", "measured"] as const);
    for (const which of [one, other]) {
      const ms = await timeOf(() => (which === "measured" ? measured(turn) : yardstick(turn)));
      if (turn >= warmUps) times[which].push(ms);
    }
  }
  const [measuredMs, yardstickMs] = [medianOf(times.measured), medianOf(times.yardstick)];
  return { measuredMs, yardstickMs, ratio: measuredMs / yardstickMs };
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

/** The middle one, or the mean of the middle two. */
export function medianOf(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (lower === undefined || upper === undefined) throw new RangeError("There is no median of nothing.");
  return (lower + upper) / 2;
}
