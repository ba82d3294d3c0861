import { spawn } from "node:child_process";
import { once } from "node:events";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { cloneDatabase, createTemplate, siblingUrl } from "./databases.ts";

/** A throw-away Postgres that ends with the process that started it, however that process ends. */
export interface TestCluster {
  /** The URL of a database of the cluster, for a superuser; `postgres` always exists. */
  url(database: string): string;
  /** Makes a database that is only cloned: `prepare` fills it and closes its connections. */
  createTemplate(name: string, prepare: (url: string) => Promise<void>): Promise<void>;
  /** Clones a template into a new database and gives its URL. */
  createDatabase(template: string): Promise<string>;
  /** Ends Postgres as a crash would and starts it again: connections break, the URLs stay. */
  crash(): Promise<void>;
  /** Ends Postgres and removes its folder. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster of its own, in memory where there is room. `durable` keeps every promise of a real one, on disk:
 * for tests that crash it.
 */
export async function startTestCluster(options: { durable?: boolean } = {}): Promise<TestCluster> {
  const { durable = false } = options;
  const parents = durable ? [tmpdir()] : [...(await listMemoryFolders()), tmpdir()];
  const supervisor = startSupervisor([durable ? "durable" : "careless", ...parents]);
  const url = await supervisor.nextLine();
  return {
    url: (database) => siblingUrl(url, database),
    createTemplate: (name, prepare) => createTemplate(url, name, prepare),
    createDatabase: (template) => cloneDatabase(url, template),
    async crash() {
      supervisor.tell("crash");
      await supervisor.nextLine();
    },
    stop: () => supervisor.stop(),
  };
}

async function listMemoryFolders(): Promise<string[]> {
  const folder = "/dev/shm";
  const room = await statfs(folder).catch(() => undefined);
  // A container often has 64 MB there, and every database takes eight.
  return room !== undefined && room.bavail * room.bsize > 2 * 1024 ** 3 ? [folder] : [];
}

function startSupervisor(args: string[]) {
  const program = fileURLToPath(new URL("./test-cluster-supervisor.ts", import.meta.url));
  // Detached: a Ctrl-C in the terminal is for the tests; they end the cluster by ending.
  const child = spawn(process.execPath, [program, ...args], { detached: true, env: {}, windowsHide: true });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let complaint = "";
  child.stderr.on("data", (chunk) => (complaint += String(chunk)));
  // A supervisor that is gone shows as the end of its lines.
  child.stdin.on("error", () => {});
  return {
    tell: (command: string) => child.stdin.write(`${command}\n`),
    async nextLine(): Promise<string> {
      const line = await lines.next();
      if (line.done !== true) return line.value;
      await ended;
      throw new Error(`The Postgres of the tests ended. ${complaint}`);
    },
    async stop(): Promise<void> {
      child.stdin.end();
      await ended;
      if (complaint !== "") throw new Error(`The Postgres of the tests did not end well. ${complaint}`);
    },
  };
}
