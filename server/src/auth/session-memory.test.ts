import type { Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { sessionChannel, startListener } from "@skyfox/db";
import { describe, expect, onTestFinished, test } from "vitest";
import { givenCustomer, givenStaff, testAnswer, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { startRelay } from "../../test/relay.ts";
import { createTestApp } from "../../test/test-app.ts";
import { untilLockWait } from "../../test/until.ts";
import type { User } from "../deps.ts";
import { createPasswordHasher } from "./passwords.ts";
import { createSessionMemory } from "./session-memory.ts";
import { updateProfile } from "./update-profile.ts";

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

describe("a remembered profile", () => {
  /** A memory that reads nothing again unless it hears of a change. */
  async function givenMemory(user: User) {
    const memory = createSessionMemory(deps.db, () => 0);
    const profile = async () => (await memory.find(user, deps.clock.now()))?.profile;
    memory.proven(0);
    expect(await profile()).toMatchObject({ username: user.username });
    return { memory, profile };
  }

  test("is forgotten when its owner changes it", async () => {
    const user = await givenCustomer(deps);
    const { memory, profile } = await givenMemory(user);
    const details = {
      name: "Asha Rao",
      email: `${user.username}@example.org`,
      phoneNumber: "6123456789",
    };
    const passwords = createPasswordHasher();
    const input = { ...details, securityAnswer: testAnswer };
    await updateProfile({ ...deps, passwords, sessions: memory }, user, input);
    expect(await profile()).toMatchObject(details);
  });

  test.each([
    ["name", "customer", "update customertable set name = 'New' where username = $1", { name: "New" }],
    [
      "e-mail address",
      "customer",
      "update customertable set email = 'new@x.y' where username = $1",
      { email: "new@x.y" },
    ],
    [
      "phone number",
      "customer",
      "update customertable set number = '6987654321' where username = $1",
      { phoneNumber: "6987654321" },
    ],
    ["name", "staff", "update stafftable set name = 'New' where username = $1", { name: "New" }],
    ["counter", "staff", "update stafftable set counter_no = 9876 where username = $1", { counterNo: 9876 }],
    ["row", "staff", "delete from stafftable where username = $1", undefined],
    ["row, with all others,", "staff", "truncate stafftable", undefined],
  ] as const)("is read again once its %s as %s was changed elsewhere", async (_, role, change, changed) => {
    const user = await (role === "staff" ? givenStaff(deps, role) : givenCustomer(deps));
    const { memory, profile } = await givenMemory(user);
    const listener = startListener(app.databaseUrl, {
      channel: sessionChannel,
      ...memory,
      lost() {},
      proven() {},
    });
    onTestFinished(() => listener.close());
    await listener.hearing;
    const before = await profile();
    await sql.query(change, change.includes("$1") ? [user.username] : []);
    let now = await profile();
    for (; isDeepStrictEqual(now, before); now = await profile()) await sql.query("select 1");
    if (changed === undefined) expect(now).toBeUndefined();
    else expect(now).toEqual({ ...before, ...changed });
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
    onTestFinished(() => relay.close());
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
      // The answers come from memory: only a question to the database lets the server hear anything meanwhile.
      while ((await query(other, "auth.me", {}, { token })).status === 200) await sql.query("select 1");
      expect(performance.now() - endedAt).toBeLessThan(1_000);
    }
  });
});

test("sessions that are all removed at once are refused within a second", async () => {
  const token = await tokenOf(deps, await givenCustomer(deps));
  expect((await query(app, "auth.me", {}, { token })).status).toBe(200);
  const removedAt = performance.now();
  await sql.query("truncate session");
  while ((await query(app, "auth.me", {}, { token })).status === 200) await sql.query("select 1");
  expect(performance.now() - removedAt).toBeLessThan(1_000);
});
