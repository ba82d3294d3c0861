import { afterAll, describe, expect, test } from "vitest";
import type { Socket } from "node:net";
import { givenCustomer, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { startRelay } from "../../test/relay.ts";
import { createTestApp } from "../../test/test-app.ts";
import { untilLockWait } from "../../test/until.ts";
import { createSessionMemory } from "./session-memory.ts";

const app = await createTestApp();
const { deps, sql } = app;

/** A memory that a test proves and tells by hand, with a session that it remembers and that has ended without an announcement. */
async function givenEndedUnheard() {
  let nowMs = 0;
  const memory = createSessionMemory(deps.db, () => nowMs);
  memory.proven(0);
  const { username, sessionId } = await givenCustomer(deps);
  const find = () => memory.find({ sessionId, username }, deps.clock.now());
  expect(await find()).toMatchObject({ username, role: "customer" });
  await endUnheard(sessionId);
  return { memory, username, find, setMs: (ms: number) => (nowMs = ms) };
}

async function endUnheard(sessionId: string): Promise<void> {
  await sql.query("begin");
  await sql.query("set local session_replication_role = replica");
  await sql.query("update session set ended_at = now() where id = $1", [sessionId]);
  await sql.query("commit");
}

test("who watches an account learns that a session of it may have ended, until it is not watched any more", () => {
  const memory = createSessionMemory(deps.db, () => 0);
  const told: string[] = [];
  const unwatch = ["one", "other"].map((username) => memory.watch(username, () => void told.push(username)));
  memory.forget("one");
  expect(told).toEqual(["one"]);
  memory.heard("other");
  expect(told).toEqual(["one", "other"]);
  memory.heard("");
  expect(told).toEqual(["one", "other", "one", "other"]);
  // A thousand streams would all read their sessions whenever the listener reconnects; each does so within a minute.
  memory.lost();
  expect(told).toHaveLength(4);
  for (const stop of unwatch) stop();
  memory.forget("one");
  memory.heard("");
  expect(told).toHaveLength(4);
});

describe("a remembered session", () => {
  test("answers while the listener has proven within a second that it has not ended", async () => {
    const { memory, find, setMs } = await givenEndedUnheard();
    setMs(749);
    expect(await find()).toBeDefined();
    memory.proven(500);
    setMs(1_249);
    expect(await find()).toBeDefined();
    setMs(1_250);
    expect(await find()).toBeUndefined();
  });

  test("is read again once its account was announced, or announcements may have been missed", async () => {
    const announced = await givenEndedUnheard();
    announced.memory.heard("another-account");
    expect(await announced.find()).toBeDefined();
    announced.memory.heard(announced.username);
    expect(await announced.find()).toBeUndefined();

    const missed = await givenEndedUnheard();
    missed.memory.lost();
    expect(await missed.find()).toBeUndefined();
  });

  test("is not remembered when it was read while an ending was announced", async () => {
    const memory = createSessionMemory(deps.db, () => 0);
    memory.proven(0);
    const { username, sessionId } = await givenCustomer(deps);
    const find = () => memory.find({ sessionId, username }, deps.clock.now());
    await sql.query("begin");
    await sql.query("lock table session in access exclusive mode");
    const reading = find();
    await untilLockWait(sql);
    memory.heard(username);
    await sql.query("commit");
    expect(await reading).toBeDefined();
    await endUnheard(sessionId);
    expect(await find()).toBeUndefined();
  });

  test("is read again after ten seconds, whatever was announced", async () => {
    const { memory, find, setMs } = await givenEndedUnheard();
    memory.proven(Infinity);
    setMs(9_999);
    expect(await find()).toBeDefined();
    setMs(10_000);
    expect(await find()).toBeUndefined();
  });

  test("is over when it runs out, and no session of another account", async () => {
    const memory = createSessionMemory(deps.db, () => 0);
    memory.proven(0);
    const { username, sessionId } = await givenCustomer(deps);
    const now = deps.clock.now();
    const found = await memory.find({ sessionId, username }, now);
    expect(await memory.find({ sessionId, username: "another" }, now)).toBeUndefined();
    expect(await memory.find({ sessionId, username }, found?.expiresAt ?? now)).toBeUndefined();
  });
});

describe("a session that ends on another server", () => {
  const links: { client: Socket; upstream: Socket }[] = [];
  let isSilent = false;
  const silence = ({ client, upstream }: (typeof links)[number]) => {
    client.unpipe(upstream);
    upstream.unpipe(client);
    client.resume();
    upstream.resume();
  };

  test("is refused within a second, also while the listener is cut off", async () => {
    const relay = await startRelay(app.databaseUrl, (client, upstream) => {
      links.push({ client, upstream });
      if (isSilent) setImmediate(() => silence({ client, upstream }));
    });
    afterAll(() => relay.close());
    const other = await createTestApp({ beside: app, listenUrl: relay.url });

    for (const isCutOff of [false, true]) {
      const user = await givenCustomer(deps);
      const token = await tokenOf(deps, user);
      expect((await query(other, "auth.me", {}, { token })).status).toBe(200);
      isSilent = isCutOff;
      if (isCutOff) links.forEach(silence);
      const endedAt = performance.now();
      expect((await mutate(app, "auth.logout", {}, { token })).status).toBe(200);
      expect((await query(app, "auth.me", {}, { token })).status).toBe(401);
      while ((await query(other, "auth.me", {}, { token })).status === 200);
      expect(performance.now() - endedAt).toBeLessThan(1_000);
    }
  });
});

test("sessions that are all removed at once are refused within a second", async () => {
  const token = await tokenOf(deps, await givenCustomer(deps));
  expect((await query(app, "auth.me", {}, { token })).status).toBe(200);
  const removedAt = performance.now();
  await sql.query("truncate session");
  while ((await query(app, "auth.me", {}, { token })).status === 200);
  expect(performance.now() - removedAt).toBeLessThan(1_000);
});
