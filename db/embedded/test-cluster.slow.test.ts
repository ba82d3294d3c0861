import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { connectOnce } from "../src/connect.ts";
import { findPostmaster, isPostmasterOf } from "./cluster.ts";
import { startTestCluster, type TestCluster } from "./test-cluster.ts";

describe("a cluster of the tests", () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await startTestCluster();
    await cluster.createTemplate("films", async (url) => {
      await query(url, "create table films (title text); insert into films values ('Sholay')");
    });
  });

  afterAll(async () => {
    await cluster.stop();
  });

  it("clones a template into databases that do not see each other", async () => {
    const [one, two] = await Promise.all([cluster.createDatabase("films"), cluster.createDatabase("films")]);
    await query(one, "insert into films values ('Lagaan')");
    expect(await query(one, "select count(*) as count from films")).toEqual([{ count: 2 }]);
    expect(await query(two, "select count(*) as count from films")).toEqual([{ count: 1 }]);
  });

  it("refuses changes to a template", async () => {
    await expect(connectOnce(cluster.url("films"))).rejects.toThrow("not currently accepting connections");
  });

  it("lets a hundred and fifty connections in", async () => {
    const url = await cluster.createDatabase("films");
    const connections = await Promise.all(Array.from({ length: 150 }, () => connectOnce(url)));
    const answers = await Promise.all(connections.map((connection) => connection.query("select 1 as one")));
    await Promise.all(connections.map((connection) => connection.end()));
    expect(answers).toHaveLength(150);
  });

  it("leaves no process and no folder when it is stopped", async () => {
    const short = await startTestCluster();
    const { folder, pid } = await whereIs(short.url("postgres"));
    await short.stop();
    expect(await remainsOf(folder, pid)).toEqual([]);
  });

  it("leaves no process and no folder when its owner is killed", async () => {
    const code = `
      import { startTestCluster } from ${JSON.stringify(new URL("./test-cluster.ts", import.meta.url).href)};
      const cluster = await startTestCluster();
      process.stdout.write(cluster.url("postgres"));`;
    const owner = spawn(process.execPath, ["--input-type=module", "--eval", code]);
    const output: unknown[] = await once(owner.stdout, "data");
    const { folder, pid } = await whereIs(String(output[0]));
    owner.kill("SIGKILL");
    await vi.waitFor(async () => expect(await remainsOf(folder, pid)).toEqual([]), { timeout: 15_000 });
  });
});

describe("a durable cluster of the tests", () => {
  it("keeps what was committed through a crash, at the same URL", async () => {
    await using cluster = disposable(await startTestCluster({ durable: true }));
    const url = await cluster.createDatabase("template0");
    expect(await query(url, "select current_setting('fsync') as fsync")).toEqual([{ fsync: "on" }]);
    await query(url, "create table films (title text); insert into films values ('Sholay')");
    const open = await connectOnce(url);
    await open.query("begin; insert into films values ('never committed')");

    await cluster.crash();

    await expect(open.query("commit")).rejects.toThrow(/terminat|not queryable/);
    expect(await query(url, "select title from films")).toEqual([{ title: "Sholay" }]);
  });
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await connectOnce(url);
  try {
    return await connection.query(sql);
  } finally {
    await connection.end();
  }
}

async function whereIs(url: string): Promise<{ folder: string; pid: number }> {
  const [row] = await query(url, "select current_setting('data_directory') as data");
  const folder = dirname(String(row?.["data"]));
  const postmaster = await findPostmaster(folder);
  if (postmaster === undefined) throw new Error("No Postgres runs.");
  return { folder, pid: postmaster.pid };
}

async function remainsOf(folder: string, pid: number): Promise<string[]> {
  const remains: string[] = [];
  if (await stat(folder).catch(() => undefined)) remains.push(folder);
  if (await isPostmasterOf(folder, pid)) remains.push(`process ${pid}`);
  return remains;
}

function disposable(cluster: TestCluster) {
  return { ...cluster, [Symbol.asyncDispose]: () => cluster.stop() };
}
