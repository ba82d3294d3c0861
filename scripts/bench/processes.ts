import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import packageFile from "../../package.json" with { type: "json" };

// The kernel counts in hundredths of a second.
const usPerTick = 10_000;

interface Times {
  parent: number;
  own: number;
  endedChildren: number;
}

/** Microseconds of processor that a process has had; undefined where there is no /proc. */
export function processorUs(pid: number): number | undefined {
  return timesOf(pid)?.own;
}

/** Microseconds of processor that a process and its children, ended ones too, have had; undefined where there is no /proc. */
export function familyProcessorUs(parent: number): number | undefined {
  const times = timesOf(parent);
  if (times === undefined) return undefined;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const children = pids.map((pid) => timesOf(Number(pid))).filter((one) => one?.parent === parent);
  return children.reduce((sum, child) => sum + (child?.own ?? 0), times.own + times.endedChildren);
}

/** The parent of a process; undefined where there is no /proc. */
export function parentOf(pid: number): number | undefined {
  return timesOf(pid)?.parent;
}

/** Resident memory of a process in megabytes; undefined where there is no /proc. */
export function residentMb(pid: number): number | undefined {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readOf(pid, "status") ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024;
}

function timesOf(pid: number): Times | undefined {
  // The name of the program stands in brackets and may hold spaces.
  const fields = readOf(pid, "stat")?.split(") ").at(-1)?.split(" ").map(Number);
  if (fields === undefined) return undefined;
  const at = (index: number) => fields[index] ?? 0;
  return {
    parent: at(1),
    own: (at(11) + at(12)) * usPerTick,
    endedChildren: (at(13) + at(14)) * usPerTick,
  };
}

// Nothing of a process that has ended meanwhile.
function readOf(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}

/** A program of ours in a process of its own. */
export interface Part {
  /** The first line that it wrote. */
  said: string;
  pid: number;
  stop(): Promise<void>;
}

// How much memory V8 takes before it collects garbage: as `npm start` says.
const memoryOptions = packageFile.scripts.start.split(" ").filter((word) => /^--(heap|max)-/.test(word));
if (memoryOptions.length === 0) throw new Error("The start script names no memory options any more.");

/**
 * Starts a program with the memory options of `npm start` and waits for its first line. It ends with its standard input, however this process
 * ends.
 */
export async function startPart(url: URL, args: string[] = []): Promise<Part> {
  const child = spawn(process.execPath, [...memoryOptions, fileURLToPath(url), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = await lines.next();
  if (line.done === true) throw new Error(`${url.pathname} ended without a word.`);
  return {
    said: line.value,
    pid: child.pid ?? 0,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
