import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { findPostmaster, type Postmaster } from "../../db/embedded/cluster.ts";

/** A place for the state of development that goes with the test. */
export interface StateDirectory {
  path: string;
  /** The Postgres that runs on this state now. */
  findPostgres(): Promise<Postmaster | undefined>;
}

export async function makeStateDirectory(): Promise<StateDirectory> {
  const path = await mkdtemp(join(await realpath(tmpdir()), "skyfox-state-"));
  // As root, Postgres runs as another user, who has to get in.
  await chmod(path, 0o755);
  const findCluster = () => realpath(join(path, "postgres", "cluster")).catch(() => undefined);
  const findPostgres = async () => {
    const cluster = await findCluster();
    return cluster === undefined ? undefined : findPostmaster(cluster);
  };
  onTestFinished(async () => {
    const left = await findPostgres();
    if (left !== undefined) process.kill(left.pid, "SIGQUIT");
    // An initdb whose server was killed may still write there.
    await rm(path, { recursive: true, force: true, maxRetries: 20 });
  });
  return { path, findPostgres };
}
