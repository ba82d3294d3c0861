import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import packageFile from "../../package.json" with { type: "json" };

/** A whole SkyFox server in a process of its own, so that it can be killed. */
export interface ChildServer {
  url: string;
  pid: number;
  /** Every JSON line it has logged so far. */
  lines: Record<string, unknown>[];
  /** Resolves with the first line, already logged or still to come, whose message starts so. */
  line(message: string): Promise<Record<string, unknown>>;
  /** SIGKILL: no code of the server runs any more. */
  kill(): Promise<void>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
// As `npm start` does: what is measured is what is shipped.
const [, ...startArguments] = packageFile.scripts.start.split(" ");

/**
 * Starts the server on a free port with these settings and waits until it listens. `whenOver` gets a function that ends it at once, so
 * that a test that fails before it stops the server does not leave it behind.
 */
export async function startChildServer(
  environment: Record<string, string>,
  whenOver: (end: () => void) => void,
): Promise<ChildServer> {
  const child = spawn(process.execPath, startArguments, {
    cwd: root,
    env: { ...process.env, PORT: "0", DEMO_SEED: "off", LOG_LEVEL: "info", ...environment },
    stdio: ["ignore", "pipe", "ignore"],
  });
  whenOver(() => void child.kill("SIGKILL"));
  const lines: Record<string, unknown>[] = [];
  const waiting: { message: string; resolve: (line: Record<string, unknown>) => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => {
    if (!text.startsWith("{")) return;
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    for (const wait of waiting) if (matches(line, wait.message)) wait.resolve(line);
  });
  const exited = once(child, "exit");

  const line = async (message: string) => {
    const found = lines.find((one) => matches(one, message));
    if (found !== undefined) return found;
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
    waiting.push({ message, resolve });
    const gone = exited.then(() => Promise.reject(new Error(`The server ended before it said: ${message}`)));
    return Promise.race([promise, gone]);
  };
  const listening = await line("SkyFox is listening.");
  return {
    url: String(listening["url"]),
    pid: child.pid ?? 0,
    lines,
    line,
    kill: async () => void (await end(child, "SIGKILL", exited)),
    stop: async () => end(child, "SIGTERM", exited),
  };
}

async function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM", exited: Promise<unknown[]>) {
  child.kill(signal);
  const [code] = await exited;
  return code as number | null;
}

function matches(line: Record<string, unknown>, message: string): boolean {
  return typeof line["msg"] === "string" && line["msg"].startsWith(message);
}
