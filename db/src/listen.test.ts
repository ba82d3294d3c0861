import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { createTestDatabase, throughPort } from "../embedded/test-database.ts";
import { afterAll, beforeEach, expect, test } from "vitest";
import { connectOnce } from "./connect.ts";
import { startListener } from "./listen.ts";

const { url } = await createTestDatabase();
const sql = await connectOnce(url);
const happened: (string | number)[] = [];
let wake = () => {};
const note = (what: string | number) => {
  happened.push(what);
  wake();
};
const listener = startListener(url, {
  channel: "news",
  heard: (text) => note(text),
  lost: () => note("lost"),
  proven: (atMs) => note(atMs),
});
afterAll(async () => {
  listener.close();
  await sql.end();
});

/** Waits until it has happened. */
async function untilIn(isThere: (what: string | number) => boolean): Promise<void> {
  while (!happened.some(isThere)) await new Promise<void>((resolve) => (wake = resolve));
}

const provenAfter = (ms: number) => (what: string | number) => typeof what === "number" && what > ms;

beforeEach(async () => {
  await untilIn((what) => what === "lost");
});

test("what was committed before a proven moment has been heard by then", async () => {
  for (let round = 0; round < 5; round += 1) {
    await sql.query("select pg_notify('news', $1)", [`round ${round}`]);
    const committedAt = performance.now();
    await untilIn(provenAfter(committedAt));
    const heardAt = happened.indexOf(`round ${round}`);
    expect(heardAt).toBeGreaterThanOrEqual(0);
    expect(heardAt).toBeLessThan(happened.findIndex(provenAfter(committedAt)));
  }
});

test("what was rolled back is not heard", async () => {
  await sql.query("begin");
  await sql.query("select pg_notify('news', 'rolled back')");
  await sql.query("rollback");
  await untilIn(provenAfter(performance.now()));
  expect(happened).not.toContain("rolled back");
});

test("a lost connection is opened again, and says that something may have been missed", async () => {
  happened.length = 0;
  await sql.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'skyfox-listener'",
  );
  await untilIn((what) => what === "lost");
  await sql.query("select pg_notify('news', 'again')");
  await untilIn((what) => what === "again");
  expect(happened.indexOf("lost")).toBeLessThan(happened.indexOf("again"));
});

test("what a listener announces is heard in its order, many at once too; without a connection it is lost", async () => {
  const texts = Array.from({ length: 20 }, (_, turn) => `announced ${turn}`);
  for (const text of texts) listener.announce(text);
  await untilIn((what) => what === texts.at(-1));
  expect(happened.filter((what) => texts.includes(String(what)))).toEqual(texts);
  const unconnected = startListener(url, { channel: "news", heard() {}, lost() {}, proven() {} });
  unconnected.announce("too early");
  await unconnected.hearing;
  unconnected.announce("in time");
  await untilIn((what) => what === "in time");
  expect(happened).not.toContain("too early");
  unconnected.close();
});

test("a closed listener leaves no connection", async () => {
  listener.close();
  const open =
    "select 1 from pg_stat_activity where datname = current_database() and application_name = 'skyfox-listener'";
  while ((await sql.query(open)).length > 0);
  expect(await sql.query(open)).toEqual([]);
});

test("nothing is proven through a pooler, which may give announcements to another client", async () => {
  // As a pooler does, it names a backend that is not the one that answers.
  const attempts: boolean[] = [];
  const target = new URL(url);
  const pooler = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    upstream.on("data", (bytes: Buffer) => {
      const key = bytes.indexOf(Buffer.from("K\0\0\0\x0c", "latin1"));
      if (key >= 0) bytes.writeInt32BE(1, key + 5);
      client.write(bytes);
    });
    client.on("data", (bytes) => upstream.write(bytes));
    client.on("error", () => {}).on("close", () => upstream.destroy());
    upstream.on("error", () => {}).on("close", () => client.destroy());
    client.on("close", () => {
      attempts.push(true);
      wake();
    });
  });
  pooler.listen(0, "127.0.0.1");
  await once(pooler, "listening");
  const through = throughPort(url, (pooler.address() as AddressInfo).port);
  const said: string[] = [];
  const say = (what: string) => () => said.push(what);
  const pooled = startListener(through, {
    channel: "news",
    heard: say("heard"),
    lost: say("lost"),
    proven: say("proven"),
  });
  while (attempts.length < 2) await new Promise<void>((resolve) => (wake = resolve));
  pooled.close();
  await new Promise((closed) => pooler.close(closed));
  expect(said).toEqual([]);
});
