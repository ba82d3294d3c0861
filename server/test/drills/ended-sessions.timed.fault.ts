import type { Socket } from "node:net";
import { sessionChannel } from "@skyfox/db";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MeOutput } from "../../src/contract/index.ts";
import type { User } from "../../src/deps.ts";
import { drillApiKey, startServerOf } from "../drill-server.ts";
import { givenCustomer, tokenOf } from "../given.ts";
import { createManualClock } from "../manual-clock.ts";
import { startRelay } from "../relay.ts";
import { mutate, query, type Reachable } from "../rpc-call.ts";
import { createTestApp } from "../test-app.ts";

const rounds = 5;

// Prepares and looks.
const app = await createTestApp({ clock: createManualClock(new Date()) });

// The ways of the other server's listeners to the database.
let links: { client: Socket; upstream: Socket }[] = [];
let isCut = false;
let beat = Promise.withResolvers<void>();
const relay = await startRelay(app.databaseUrl, (client, upstream) => {
  client.once("data", (bytes: Buffer) => {
    if (!bytes.includes("skyfox-listener")) return;
    links.push({ client, upstream });
    if (isCut) setImmediate(cut);
  });
  // A listener's proof that it hears is announced on a channel of its own.
  upstream.on("data", (bytes: Buffer) => {
    if (!isCut && bytes.includes(`${sessionChannel}_`)) beat.resolve();
  });
});
afterAll(() => relay.close());

// Nothing gets through any more, and neither side learns of it.
function cut(): void {
  isCut = true;
  for (const { client, upstream } of links) {
    client.unpipe(upstream);
    upstream.unpipe(client);
    client.resume();
    upstream.resume();
  }
}

// Resolves once a session is remembered again.
async function mend(): Promise<void> {
  isCut = false;
  beat = Promise.withResolvers();
  for (const { client } of links) client.destroy();
  links = [];
  await beat.promise;
}

const ends: (() => void)[] = [];
afterAll(() => ends.forEach((end) => end()));
let one: Reachable;
let other: Reachable;
beforeAll(async () => {
  const starting = [app.databaseUrl, relay.url].map((databaseUrl) =>
    startServerOf({ ...app, databaseUrl }, (end) => ends.push(end)),
  );
  const servers = await Promise.all(starting);
  [one, other] = servers.map(({ url }) => ({
    app: { request: async (path: string, init: RequestInit) => await fetch(`${url}${path}`, init) },
  })) as [Reachable, Reachable];
});

const optionsOf = async (user: User) => ({ token: await tokenOf(app.deps, user), apiKey: drillApiKey });

/** Asks the other server until the answer is the new one, and tells how long after the change an old one was still given, in milliseconds. */
async function lastOldAnswer(
  user: User,
  change: () => Promise<unknown>,
  isNew: (answer: { status: number; data: MeOutput | undefined }) => boolean,
): Promise<number> {
  const options = await optionsOf(user);
  const ask = async () => await query<MeOutput>(other, "auth.me", {}, options);
  expect((await ask()).status).toBe(200);
  await change();
  const changedAt = performance.now();
  for (let lastMs = 0; ;) {
    const askedMs = performance.now() - changedAt;
    if (isNew(await ask())) return lastMs;
    lastMs = askedMs;
  }
}

test.each([
  ["hears of it", false],
  ["has a listener that was cut", true],
])("a session ended on one server is refused within a second on another that %s", async (_, mustCut) => {
  for (let round = 0; round < rounds; round += 1) {
    await mend();
    const user = await givenCustomer(app.deps);
    const options = await optionsOf(user);
    const end = async () => {
      if (mustCut) cut();
      expect((await mutate(one, "auth.logout", {}, options)).status).toBe(200);
      expect((await query(one, "auth.me", {}, options)).status).toBe(401);
    };
    expect(await lastOldAnswer(user, end, ({ status }) => status === 401)).toBeLessThan(1_000);
  }
});

test("a profile that was changed in the database is seen within a second while the listener is cut", async () => {
  await mend();
  const user = await givenCustomer(app.deps);
  const change = async () => {
    cut();
    await app.sql.query("update customertable set name = 'Changed' where username = $1", [user.username]);
  };
  expect(await lastOldAnswer(user, change, ({ data }) => data?.name === "Changed")).toBeLessThan(1_000);
});
