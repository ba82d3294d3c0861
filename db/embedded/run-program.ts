import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";

/** The unprivileged account that runs Postgres for a process that is root: Postgres refuses root. */
export interface Account {
  uid: number;
  gid: number;
}

interface RunOptions {
  /** Undefined runs the program as this process. */
  account: Account | undefined;
  /** A file descriptor that takes the output, for a program whose children outlive it. */
  outputFile?: number;
}

// Nothing of the caller's environment reaches Postgres: no TZ, no locale, no PG* variables.
const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };

/** Runs a program to its end, out of reach of a terminal's Ctrl-C; a program that cannot start counts as failed. */
export async function runProgram(
  program: string,
  args: string[],
  { account, outputFile }: RunOptions,
): Promise<{ succeeded: boolean; output: string }> {
  const output = outputFile ?? "pipe";
  const child = spawn(program, args, {
    ...account,
    cwd: "/",
    env,
    detached: true,
    windowsHide: true,
    stdio: ["ignore", output, output],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += String(chunk)));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ succeeded: false, output: `${text}${error.message}` }));
    child.on("close", (code) => resolve({ succeeded: code === 0, output: text }));
  });
}

/** The account to run Postgres as: undefined when this process is not root and simply runs it itself. */
export async function findAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const entry = lines.find(([name]) => name === "postgres") ?? lines.find(([name]) => name === "nobody");
  if (entry === undefined) {
    throw new Error(
      "Postgres refuses to run as root, and neither a user postgres nor a user nobody exists to run it instead. " +
        "Run SkyFox as an ordinary user, or set DATABASE_URL to a Postgres of your own.",
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** Whether the account may enter this folder and write into it, asked by trying. */
export async function canUseFolder(folder: string, account: Account | undefined): Promise<boolean> {
  if (account === undefined) return true;
  const test = await runProgram("/bin/sh", ["-c", 'cd "$1" && [ -w . ]', "sh", folder], { account });
  return test.succeeded;
}
