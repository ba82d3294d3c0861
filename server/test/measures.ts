import { readFileSync } from "node:fs";

/** The smallest value that so many percent are not above (nearest rank), rounded. */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  return Math.round(value ?? Number.NaN);
}

/** Resident memory of a process in megabytes. Linux only. */
export function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

// The kernel counts in hundredths of a second.
const msPerTick = 10;

/** The processor's time that a process has had, in milliseconds. Linux only. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}
