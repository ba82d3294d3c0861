import { mkdir, readdir, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";

import { connectOnce } from "../src/connect.ts";
import {
  type Cluster,
  createCluster,
  findPostmaster,
  openCluster,
  type Postmaster,
  startPostmaster,
  stopPostmaster,
  urlOf,
} from "./cluster.ts";

/** A running Postgres that keeps its data between starts. */
export interface DevelopmentPostgres {
  /** The database `skyfox`, for a superuser. */
  url: string;
  /** Lets go of Postgres: the last of its users stops it. May be called more than once. */
  stop(): Promise<void>;
}

type Connection = Awaited<ReturnType<typeof connectOnce>>;

const maintenanceDatabase = "postgres";
const database = "skyfox";
// A finished cluster is called just `cluster`.
const unfinishedPrefix = "cluster-";

// Advisory locks in the maintenance database. Each user of the cluster holds the first one shared: Postgres forgets
// it with the connection, also after kill -9, so that a process that can have it alone is the last user.
const inUse = 1;
const creatingDatabase = 2;

/**
 * Starts the Postgres whose data lies in this folder, or joins the one that another process started there; the
 * process stays alive until it stops it. The folder is made at first use. As root it may hold only a link to
 * `/var/lib/skyfox`, where the owner of the data reaches it.
 */
export async function startDevelopmentPostgres(options: { directory: string }): Promise<DevelopmentPostgres> {
  const cluster = await ensureCluster(resolve(options.directory));
  const { port, lease } = await joinPostgres(cluster);
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(cluster, port, database),
    stop: () => (stopped ??= leavePostgres(cluster, lease)),
  };
}

async function ensureCluster(directory: string): Promise<Cluster> {
  await mkdir(directory, { recursive: true });
  const home = join(directory, "cluster");
  if (!(await exists(home))) await makeCluster(directory, home);
  await removeUnfinished(directory);
  return openCluster(await realpath(home));
}

/** Puts a complete cluster in place in one step, so that an interrupted start leaves nothing that looks like one. */
async function makeCluster(directory: string, home: string): Promise<void> {
  // What is there but does not exist is a link to a folder that was deleted.
  await rm(home, { force: true });
  let folder: string | undefined;
  try {
    ({ folder } = await createCluster([directory], unfinishedPrefix));
    if (dirname(folder) === (await realpath(directory))) await rename(folder, home);
    else await symlink(folder, home);
  } catch (error) {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    // Another server that started at the same moment may have been first.
    if (!(await exists(home))) throw error;
  }
}

async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(unfinishedPrefix)) continue;
    // An initdb whose server was killed may still write there; the next start tries again.
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** Takes a lease on the running Postgres, starting it when none runs; waits for one that starts up or shuts down. */
async function joinPostgres(cluster: Cluster): Promise<{ port: number; lease: Connection }> {
  const deadline = performance.now() + 60_000;
  let failedStarts = 0;
  for (;;) {
    const running = await findPostmaster(cluster.folder);
    try {
      const port = running ? running.port : await startPostmaster(cluster, {});
      if (port !== undefined) return { port, lease: await takeLease(cluster, port) };
    } catch (error) {
      if (running === undefined) failedStarts += 1;
      if (failedStarts === 5 || performance.now() > deadline) throw error;
    }
    await setTimeout(50);
  }
}

async function takeLease(cluster: Cluster, port: number): Promise<Connection> {
  const url = urlOf(cluster, port, maintenanceDatabase);
  const lease = await connectOnce(url);
  try {
    await lease.query(`set lock_timeout = '10s'; select pg_advisory_lock_shared(${inUse})`);
    await ensureDatabase(url);
    return lease;
  } catch (error) {
    await lease.end();
    throw error;
  }
}

/** Its connection also proves the lease: a Postgres whose last user is just stopping it accepts no new one. */
async function ensureDatabase(url: string): Promise<void> {
  const connection = await connectOnce(url);
  try {
    await connection.query(`select pg_advisory_lock(${creatingDatabase})`);
    const found = await connection.query(`select from pg_database where datname = '${database}'`);
    if (found.length === 0) await connection.query(`create database ${database} template template0`);
  } finally {
    await connection.end();
  }
}

async function leavePostgres(cluster: Cluster, lease: Connection): Promise<void> {
  await release(lease);
  const deadline = performance.now() + 60_000;
  // Postgres may be recovering from a crash, or just be stopped by another user who left at the same moment.
  for (;;) {
    const running = await findPostmaster(cluster.folder);
    if (running === undefined || (await stopIfAlone(cluster, running))) return;
    if (performance.now() > deadline)
      throw new Error(`Postgres in ${cluster.folder} runs but does not answer.`);
    await setTimeout(50);
  }
}

/** Whether it is settled: Postgres was stopped, or is left to its other users. */
async function stopIfAlone(cluster: Cluster, { pid, port }: Postmaster): Promise<boolean> {
  if (port === undefined) return false;
  let connection: Connection | undefined;
  try {
    // A new connection: the lease's own may have died with a crash that Postgres recovered from.
    connection = await connectOnce(urlOf(cluster, port, maintenanceDatabase));
    const [answer] = await connection.query(`select pg_try_advisory_lock(${inUse}) as alone`);
    if (answer?.["alone"] === true) await stopPostmaster(cluster, pid, "fast");
    return true;
  } catch {
    return false;
  } finally {
    await connection?.end();
  }
}

async function release(lease: Connection): Promise<void> {
  try {
    await lease.query(`select pg_advisory_unlock_shared(${inUse})`);
    await lease.end();
  } catch {
    // The connection is gone, and its lock with it.
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
