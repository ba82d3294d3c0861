import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

// The tests start a hundred processes: each takes what Node made of our files from the one before.
const compileCache = join(tmpdir(), "node-compile-cache");

/** One of our scripts in a process of its own. */
export interface RunningScript {
  /** All that it has written so far, errors included. */
  output(): string;
  /** Resolves with the first match in its output, already there or still to come; rejects when it ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  /** Reads no more of its output, as `head` does. */
  hangUp(): void;
  /** Resolves with the exit code, null after a deadly signal, once it and all that holds its output have ended. */
  ended: Promise<number | null>;
}

export interface RunOptions {
  args?: string[];
  cwd?: string;
}

/** Runs a script of this folder with these settings and nothing else of our environment. It ends with the test at the latest. */
export function runScript(
  name: string,
  settings: Record<string, string>,
  { args = [], cwd }: RunOptions = {},
): RunningScript {
  return runProgram(process.execPath, [scriptPath(name), ...args], settings, cwd);
}

/** Runs a script below a shell, as npm does. The signals go to the shell. */
export function runBelowShell(name: string, settings: Record<string, string>): RunningScript {
  // The second command keeps the shell from becoming the first one.
  const command = `'${process.execPath}' '${scriptPath(name)}'; true`;
  return runProgram("/bin/sh", ["-c", command], {
    ...settings,
    npm_lifecycle_script: `node scripts/${name}`,
  });
}

function scriptPath(name: string): string {
  return join(import.meta.dirname, "..", name);
}

function runProgram(
  program: string,
  args: string[],
  settings: Record<string, string>,
  cwd?: string,
): RunningScript {
  const { PATH = "" } = process.env;
  const child = spawn(program, args, {
    env: { PATH, NODE_COMPILE_CACHE: compileCache, ...settings },
    // A process group of its own, so that a failed test can end it with its children.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd !== undefined && { cwd }),
  });
  onTestFinished(() => killGroup(child.pid));
  let output = "";
  const ended = once(child, "close").then(([code]) => code as number | null);
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  return {
    output: () => output,
    async says(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = () => {
        const match = pattern.exec(output);
        if (match !== null) resolve(match);
      };
      look();
      for (const stream of [child.stdout, child.stderr]) stream.on("data", look);
      child.once("close", () => reject(new Error(`${pattern.source} did not come:\n${output}`)));
      return promise;
    },
    signal: (name) => void child.kill(name),
    hangUp: () => [child.stdout, child.stderr].forEach((stream) => stream.destroy()),
    ended,
  };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}
