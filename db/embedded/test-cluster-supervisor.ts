import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";

import {
  type Cluster,
  createCluster,
  findPostmaster,
  startPostmaster,
  stopPostmaster,
  urlOf,
} from "./cluster.ts";

// A process of its own that lives exactly as long as its standard input: whatever ends the owner of the other end,
// also kill -9, ends the cluster and its folder. Arguments: durable or careless, and the folders to try.
const [kind, ...parents] = process.argv.slice(2);
const common = { max_connections: "500", max_wal_size: "256MB" };
const careless = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
};
const settings = kind === "durable" ? common : { ...common, ...careless };

// Signals to the whole group must not end it before its owner.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
// The process that reads its output may be gone.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

try {
  const cluster = await createCluster(parents, "skyfox-test-");
  try {
    await serve(cluster);
  } finally {
    await crash(cluster);
    await rm(cluster.folder, { recursive: true, force: true });
  }
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function serve(cluster: Cluster): Promise<void> {
  const port = await startPostmaster(cluster, settings);
  process.stdout.write(`${urlOf(cluster, port, "postgres")}\n`);
  for await (const command of createInterface({ input: process.stdin })) {
    if (command !== "crash") throw new Error(`There is no command ${command}.`);
    await crash(cluster);
    await startPostmaster(cluster, settings, port);
    process.stdout.write("recovered\n");
  }
}

async function crash(cluster: Cluster): Promise<void> {
  const postmaster = await findPostmaster(cluster.folder);
  if (postmaster !== undefined) await stopPostmaster(cluster, postmaster.pid, "immediate");
}
