import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { connectOnce } from "../src/connect.ts";
import { findPostmaster, isPostmasterOf } from "./cluster.ts";
import { type DevelopmentPostgres, startDevelopmentPostgres } from "./development.ts";
import { canUseFolder, findAccount, runProgram } from "./run-program.ts";

const account = await findAccount();
const isRoot = account !== undefined;
const development = new URL("./development.ts", import.meta.url).href;
const othersCanRunUs =
  isRoot && (await runProgram(process.execPath, [fileURLToPath(development)], { account })).succeeded;

let root: string;
let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(await realpath(tmpdir()), "skyfox's développement "));
  await chmod(root, 0o755);
  directory = join(root, "postgres");
  await mkdir(directory);
  // Whatever the umask: root's data lies in the folder itself, and is removed with it.
  await chmod(directory, 0o755);
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  // Only a test that failed leaves one.
  const left = await runningPostmaster().catch(() => undefined);
  if (left !== undefined) process.kill(left.pid, "SIGQUIT");
  await rm(root, { recursive: true, force: true });
});

describe("the development Postgres", () => {
  it("keeps its data between starts and leaves nothing running", async () => {
    const first = await startDevelopmentPostgres({ directory });
    await query(first.url, "create table posters (title text); insert into posters values ('Sholay')");
    await stop(first);
    await first.stop();

    const second = await startDevelopmentPostgres({ directory });
    expect(await query(second.url, "select title from posters")).toEqual([{ title: "Sholay" }]);
    await stop(second);
  });

  it("takes neither its zone nor its alphabet from the machine, and listens on loopback only", async () => {
    const postgres = await startDevelopmentPostgres({ directory });
    const answer = await query(
      postgres.url,
      `select current_setting('timezone') as zone, current_setting('listen_addresses') as addresses,
        current_setting('unix_socket_directories') as sockets, lower('ÉTÉ') as lower, 'Z' < 'a' as by_code_point`,
    );
    await postgres.stop();
    expect(answer).toEqual([
      { zone: "UTC", addresses: "127.0.0.1", sockets: "..", lower: "été", by_code_point: true },
    ]);
  });

  it.skipIf(process.platform === "win32")(
    "is reached over a Unix socket, and over loopback where its path is too long for one",
    async () => {
      const isOverSocket = async (folder: string) => {
        await mkdir(folder, { recursive: true });
        const postgres = await startDevelopmentPostgres({ directory: folder });
        const answer = await query(postgres.url, "select inet_server_addr() is null as socket");
        await postgres.stop();
        return answer;
      };
      expect(await isOverSocket(directory)).toEqual([{ socket: true }]);
      expect(await isOverSocket(join(directory, "a-long-name".repeat(9)))).toEqual([{ socket: false }]);
    },
  );

  it("refuses connections without the password", async () => {
    const postgres = await startDevelopmentPostgres({ directory });
    const url = new URL(postgres.url);
    url.password = "guess";
    await expect(connectOnce(url.href)).rejects.toThrow("password authentication failed");
    await postgres.stop();
  });

  it("is shared by two servers, and stops with the last of them", async () => {
    const first = await startDevelopmentPostgres({ directory });
    const second = await startDevelopmentPostgres({ directory });
    await first.stop();
    expect(await query(second.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await stop(second);
  });

  it("is made once when three servers meet on an empty folder, and stopped when all leave at once", async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startDevelopmentPostgres({ directory })));
    expect(new Set(servers.map(({ url }) => url)).size).toBe(1);
    expect(await readdir(directory)).toEqual(["cluster"]);
    await Promise.all(servers.map((server) => server.stop()));
    expect(await runningPostmaster()).toBeUndefined();
  });

  it("comes back with its data after kill -9 of the server, and stops with the next one", async () => {
    const { child, url } = await startOwner();
    await query(url, "create table posters (title text); insert into posters values ('Sholay')");
    await kill(child);

    const postgres = await startDevelopmentPostgres({ directory });
    expect(await query(postgres.url, "select title from posters")).toEqual([{ title: "Sholay" }]);
    await stop(postgres);
  });

  it("starts while the Postgres of a killed server is shutting down", async () => {
    const { child, url } = await startOwner();
    await query(url, "create table posters as select n from generate_series(1, 100000) n");
    await kill(child);
    process.kill(await getPostmaster(), "SIGINT");

    const postgres = await startDevelopmentPostgres({ directory });
    expect(await query(postgres.url, "select count(*) as count from posters")).toEqual([{ count: 100_000 }]);
    await stop(postgres);
  });

  it("recovers when Postgres itself was killed", async () => {
    const { child, url } = await startOwner();
    await query(url, "create table posters (title text); insert into posters values ('Sholay')");
    await kill(child);
    process.kill(await getPostmaster(), "SIGKILL");

    const postgres = await startDevelopmentPostgres({ directory });
    expect(await query(postgres.url, "select title from posters")).toEqual([{ title: "Sholay" }]);
    await stop(postgres);
  });

  it("outlives a Ctrl-C in the server's terminal, so that the server can shut down first", async () => {
    const { child, url } = await startOwner();
    const connection = await connectOnce(url);
    process.kill(-getPid(child), "SIGINT");
    await once(child.stderr, "data");
    expect(await connection.query("select 1 as one")).toEqual([{ one: 1 }]);
    await connection.end();
    child.stdin.end("stop");
    await once(child, "exit");
    expect(await runningPostmaster()).toBeUndefined();
  });

  it("is not blocked by the lock file of a Postgres whose number belongs to another program now", async () => {
    await startAndStop();
    const stranger = startStranger();
    await writeLock(`${getPid(stranger)}\n/elsewhere\n1700000000\n5432\n`);
    await startAndStop();
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
  });

  it("is not blocked by the lock file of a dead Postgres, nor by an empty one", async () => {
    await startAndStop();
    const stranger = startStranger();
    await kill(stranger);
    await writeLock(`${getPid(stranger)}\n/elsewhere\n1700000000\n5432\n`);
    await startAndStop();
    await writeLock("");
    await startAndStop();
    expect(await readdir(join(directory, "cluster", "data"))).not.toContain("postmaster.pid");
  });

  it("is not blocked by a first start that was interrupted, and clears it away", async () => {
    await mkdir(join(directory, "cluster-Xy12ab", "data", "base"), { recursive: true });
    await startAndStop();
    expect(await readdir(directory)).toEqual(["cluster"]);
  });

  it("says what its log says when Postgres cannot start", async () => {
    await startAndStop();
    await writeFile(join(directory, "cluster", "data", "PG_VERSION"), "12\n");
    await expect(startDevelopmentPostgres({ directory })).rejects.toThrow(
      "initialized by PostgreSQL version 12",
    );
  });

  it.runIf(othersCanRunUs)("runs for an ordinary user as that user", async () => {
    const folder = join(root, "ordinary");
    await chmod(root, 0o777);
    const { child, url } = await startOwner({ directory: folder, ...account });
    expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]);
    child.stdin.end("stop");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await findPostmaster(join(folder, "cluster"))).toBeUndefined();
  });

  it.runIf(isRoot)(
    "keeps the data where its owner can reach it when root's folder is closed to others",
    async () => {
      await chmod(root, 0o700);
      expect(await canUseFolder(root, account)).toBe(false);
      const first = await startDevelopmentPostgres({ directory });
      await query(first.url, "create table posters (title text)");
      await first.stop();
      const second = await startDevelopmentPostgres({ directory });
      expect(await query(second.url, "select title from posters")).toEqual([]);
      await second.stop();
      await rm(await realpath(join(directory, "cluster")), { recursive: true });
      // The link leads nowhere now: an empty database again.
      await startAndStop();
      await rm(await realpath(join(directory, "cluster")), { recursive: true });
    },
  );
});

async function query(url: string, sql: string): Promise<unknown> {
  const connection = await connectOnce(url);
  try {
    return await connection.query(sql);
  } finally {
    await connection.end();
  }
}

async function startAndStop(): Promise<void> {
  const postgres = await startDevelopmentPostgres({ directory });
  expect(await query(postgres.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await stop(postgres);
}

/** Stops the last user's Postgres and sees that nothing of it runs on. */
async function stop(postgres: DevelopmentPostgres): Promise<void> {
  const folder = await realpath(join(directory, "cluster"));
  const pid = await getPostmaster();
  expect(await isPostmasterOf(folder, pid)).toBe(true);
  await postgres.stop();
  expect(await isPostmasterOf(folder, pid)).toBe(false);
  expect(await runningPostmaster()).toBeUndefined();
}

async function runningPostmaster() {
  return findPostmaster(await realpath(join(directory, "cluster")));
}

async function getPostmaster(): Promise<number> {
  const postmaster = await runningPostmaster();
  if (postmaster === undefined) throw new Error("No Postgres runs.");
  return postmaster.pid;
}

async function writeLock(text: string): Promise<void> {
  const file = join(directory, "cluster", "data", "postmaster.pid");
  await writeFile(file, text, { mode: 0o600 });
  if (account !== undefined) await chown(file, account.uid, account.gid);
}

/** A server in a process of its own: it stops its Postgres when its input ends, and reports a Ctrl-C on stderr. */
async function startOwner(options: { directory?: string; uid?: number; gid?: number } = {}) {
  const code = `
    import { startDevelopmentPostgres } from ${JSON.stringify(development)};
    process.on("SIGINT", () => process.stderr.write("interrupted"));
    const postgres = await startDevelopmentPostgres({ directory: process.argv[1] });
    process.stdout.write(postgres.url);
    process.stdin.on("end", () => postgres.stop()).resume();`;
  const { directory: folder = directory, ...identity } = options;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code, folder], {
    ...identity,
    cwd: "/",
    detached: true,
  });
  children.push(child);
  const output: unknown[] = await once(child.stdout, "data");
  return { child, url: String(output[0]) };
}

/** Some other living program of the account that runs Postgres. */
function startStranger(): ChildProcess {
  const stranger = spawn("/bin/cat", [], { ...account, cwd: "/" });
  children.push(stranger);
  return stranger;
}

function getPid(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("The child did not start.");
  return child.pid;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await vi.waitUntil(() => child.signalCode !== null || child.exitCode !== null, { timeout: 10_000 });
}
