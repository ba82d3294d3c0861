import type { Figures } from "./report.ts";

/** The middle one, or the mean of the middle two. */
export function medianOf(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (lower === undefined || upper === undefined) throw new RangeError("There is no median of nothing.");
  return (lower + upper) / 2;
}

/** The smallest value that so many percent are not above (nearest rank). */
export function percentileOf(values: number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  if (value === undefined) throw new RangeError("There is no percentile of nothing.");
  return value;
}

/** Reads how much processor has been used so far, in microseconds; undefined where that is not known. */
export type Meter = () => number | undefined;

/** Calls to make: how many, how many at a time, and whose processor to watch meanwhile. */
export interface Calls {
  count: number;
  atOnce: number;
  call: (turn: number) => Promise<unknown>;
  server?: Meter;
  postgres?: Meter;
  /** Counts the calls that an overloaded server put off. */
  putOff?: Meter;
}

/** Makes the calls, each caller the next one as soon as it has its answer. Rejects with the first call that fails, once all have ended. */
export async function measureCalls({
  count,
  atOnce,
  call,
  server,
  postgres,
  putOff,
}: Calls): Promise<Figures> {
  const times: number[] = [];
  let next = 0;
  const callOn = async () => {
    while (next < count) {
      const turn = next++;
      const startedAt = performance.now();
      await call(turn);
      times.push(performance.now() - startedAt);
    }
  };
  const before = { server: server?.(), postgres: postgres?.(), putOff: putOff?.() };
  const startedAt = performance.now();
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, callOn));
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = { server: server?.(), postgres: postgres?.(), putOff: putOff?.() };
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const perCall = (part: keyof typeof before) => {
    const [from, to] = [before[part], after[part]];
    return from === undefined || to === undefined ? undefined : (to - from) / count;
  };
  const [serverUs, postgresUs, late] = [perCall("server"), perCall("postgres"), perCall("putOff")];
  return {
    "calls/s": count / seconds,
    "p50 ms": percentileOf(times, 50),
    "p99 ms": percentileOf(times, 99),
    ...(serverUs !== undefined && { "server µs": serverUs }),
    ...(postgresUs !== undefined && { "Postgres µs": postgresUs }),
    ...(late !== undefined && { "put off %": late * 100 }),
  };
}
