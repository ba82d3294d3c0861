import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  open,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { type Binaries, getBinaries, rootHome } from "./binaries.ts";
import { type Account, canUseFolder, findAccount, runProgram } from "./run-program.ts";

/** A cluster on disk: its folder holds the data, the log and the superuser's password. */
export interface Cluster {
  folder: string;
  password: string;
  account: Account | undefined;
  binaries: Binaries;
}

/** A running postmaster; the port is unknown in the first moments of its life. */
export interface Postmaster {
  pid: number;
  port: number | undefined;
}

const superuser = "skyfox";

/**
 * Makes a cluster in a new folder below the first of these parents that works; below `/var/lib/skyfox` when this process
 * is root and the account that must own the data reaches none of them. On failure nothing stays behind.
 */
export async function createCluster(parents: string[], prefix: string): Promise<Cluster> {
  const account = await findAccount();
  const binaries = await getBinaries(account);
  const folder = await makeFolder(account === undefined ? parents : [...parents, rootHome], prefix, account);
  try {
    const password = randomBytes(16).toString("hex");
    const passwordFile = join(folder, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    await giveTo(account, passwordFile);
    const cluster = { folder, password, account, binaries };
    await initialise(cluster, passwordFile);
    return cluster;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function makeFolder(parents: string[], prefix: string, account: Account | undefined): Promise<string> {
  const problems: string[] = [];
  for (const parent of parents) {
    try {
      const folder = await makeFolderIn(parent, prefix, account);
      if (await canUseFolder(folder, account)) return folder;
      await rm(folder, { recursive: true });
      problems.push(`the user ${account?.uid} cannot reach ${parent}`);
    } catch (error) {
      problems.push(String(error));
    }
  }
  throw new Error(`There is no place for a database: ${problems.join("; ")}.`);
}

async function makeFolderIn(parent: string, prefix: string, account: Account | undefined): Promise<string> {
  if (parent === rootHome) {
    await mkdir(rootHome, { recursive: true });
    await chmod(rootHome, 0o755);
  }
  const folder = await mkdtemp(join(await realpath(parent), prefix));
  await giveTo(account, folder);
  return folder;
}

async function giveTo(account: Account | undefined, path: string): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

async function initialise({ folder, account, binaries }: Cluster, passwordFile: string): Promise<void> {
  const args = [
    `--pgdata=${dataOf(folder)}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    // The locale of Postgres itself: the same order and letters on every machine.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
  ];
  const { succeeded, output } = await runProgram(binaries.initdb, args, { account });
  if (!succeeded) throw new Error(`Postgres could not make a database in ${folder}: ${output.trim()}`);
}

/** Opens the cluster that lies in this folder; as root it runs as the folder's owner. */
export async function openCluster(folder: string): Promise<Cluster> {
  const { uid, gid } = await stat(folder);
  const unprivileged = await findAccount();
  const account = unprivileged && uid !== 0 ? { uid, gid } : unprivileged;
  const binaries = await getBinaries(account);
  try {
    return { folder, password: await readFile(join(folder, "password"), "utf8"), account, binaries };
  } catch (cause) {
    throw new Error(
      `The database in ${folder} cannot be opened. It may belong to another user (its owner is ${uid}): ` +
        "run as that user, or delete the folder to begin with an empty one.",
      { cause },
    );
  }
}

/**
 * The URL of one database of the running cluster, for its superuser. It goes over the Unix socket in the cluster's folder, where there is one: a
 * statement costs a quarter less than over loopback.
 */
export function urlOf({ folder, password }: Cluster, port: number, database: string): string {
  const url = `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`;
  const socket = join(folder, `.s.PGSQL.${port}`);
  const hasSocket = Buffer.byteLength(socket) <= longestSocketPath && existsSync(socket);
  return hasSocket ? `${url}?host=${encodeURIComponent(folder)}` : url;
}

// Linux takes 107 bytes, macOS 103.
const longestSocketPath = 103;

/**
 * Starts Postgres on loopback and a Unix socket, in a session of its own, and returns its port once it takes connections. It must not run
 * already; the error carries the end of its log.
 */
export async function startPostmaster(
  { folder, account, binaries }: Cluster,
  settings: Record<string, string>,
  port?: number,
): Promise<number> {
  await removeStaleLock(folder);
  const chosenPort = port ?? (await getFreePort());
  const logFile = join(folder, "log");
  const log = await open(logFile, "w");
  const args = ["start", "-w", "-t", "60", "-D", dataOf(folder), "-o", commandLine(chosenPort, settings)];
  const { succeeded, output } = await runProgram(binaries.pgCtl, args, { account, outputFile: log.fd });
  await log.close();
  if (succeeded) return chosenPort;
  const lastLines = (await readFile(logFile, "utf8")).trim().split("\n").slice(-12).join("\n");
  throw new Error(`Postgres did not start in ${folder}. ${output}The end of its log:\n${lastLines}`);
}

function commandLine(port: number, settings: Record<string, string>): string {
  const all: Record<string, string> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    // Beside the data, so that no path has to be quoted.
    unix_socket_directories: process.platform === "win32" ? "" : "..",
    timezone: "UTC",
    log_timezone: "UTC",
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}

async function getFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("This system gave no free port.");
  return address.port;
}

/** Stops this postmaster and returns when its process is gone. `immediate` is a crash. */
export async function stopPostmaster(
  cluster: Cluster,
  pid: number,
  mode: "fast" | "immediate",
): Promise<void> {
  await signal(cluster, pid, mode === "fast" ? "INT" : "QUIT");
  const deadline = performance.now() + 60_000;
  while (await isPostmasterOf(cluster.folder, pid)) {
    if (performance.now() > deadline)
      throw new Error(`Postgres in ${cluster.folder} (${pid}) does not stop.`);
    await setTimeout(10);
  }
}

// Not `pg_ctl stop`: it stops whatever the lock file names at that moment, which may be another server's by then.
async function signal({ binaries, account }: Cluster, pid: number, name: "INT" | "QUIT"): Promise<void> {
  if (process.platform === "win32") {
    await runProgram(binaries.pgCtl, ["kill", name, String(pid)], { account });
    return;
  }
  try {
    process.kill(pid, `SIG${name}`);
  } catch {
    // It is gone already, or the caller waits in vain and says so.
  }
}

/** The postmaster that runs on this cluster's folder now. A lock file left by a dead one is not believed. */
export async function findPostmaster(folder: string): Promise<Postmaster | undefined> {
  const { pid, port } = await readLock(folder);
  if (pid === undefined || !(await isPostmasterOf(folder, pid))) return undefined;
  return { pid, port };
}

// Lines of postmaster.pid: process, data folder, start time, port.
async function readLock(
  folder: string,
): Promise<{ exists: boolean; pid?: number; port?: number | undefined }> {
  const text = await readFile(lockOf(folder), "utf8").catch(() => undefined);
  if (text === undefined) return { exists: false };
  const [pid, , , port] = text.split("\n").map(Number);
  return pid ? { exists: true, pid: Math.abs(pid), port: port || undefined } : { exists: true };
}

/**
 * Postgres itself removes the lock file of a process that is gone, but takes any other living program under that number
 * for a server, and refuses an empty file. Its shared memory still keeps a second server out of a folder in use.
 */
async function removeStaleLock(folder: string): Promise<void> {
  let { exists, pid } = await readLock(folder);
  if (exists && pid === undefined) {
    // Empty: a server is just writing it, or died doing so.
    await setTimeout(100);
    ({ exists, pid } = await readLock(folder));
  }
  if (!exists) return;
  const stale = pid === undefined || (isAlive(pid) && !(await isPostmasterOf(folder, pid)));
  if (stale) await rm(lockOf(folder), { force: true });
}

/**
 * Whether this process is the Postgres of this folder, judged by its command line: numbers are used again, and the dead
 * keep theirs until their parent collects them.
 */
export async function isPostmasterOf(folder: string, pid: number): Promise<boolean> {
  if (process.platform === "win32") return isAlive(pid);
  const line =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
      : (await runProgram("/bin/ps", ["-ww", "-o", "command=", "-p", String(pid)], { account: undefined }))
          .output;
  return line.includes(dataOf(folder));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function dataOf(folder: string): string {
  return join(folder, "data");
}

function lockOf(folder: string): string {
  return join(dataOf(folder), "postmaster.pid");
}
