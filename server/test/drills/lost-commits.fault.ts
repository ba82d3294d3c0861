import { databaseTime } from "@skyfox/db";
import { expect, test } from "vitest";
import type { Answer } from "../rpc-call.ts";
import { listDifferences } from "../compare-books.ts";
import {
  commits,
  nameOf,
  startDatabaseProxy,
  type DatabaseProxy,
  type Deed,
  type Statement,
} from "../database-proxy.ts";
import { tokenOf } from "../given.ts";
import { isOpen, moneyCalls, saidBy, type MoneyCall } from "../money-calls.ts";
import { mutate } from "../rpc-call.ts";
import { createTestApp, type TestApp } from "../test-app.ts";
import { whenOver } from "../when-over.ts";

const losses = ["before", "after", "silence"] as const satisfies Deed[];
// Instead of eight seconds: a server that hears nothing of its database for longer takes the connection for lost.
const databaseSilenceMs = 1_500;
const scenesAtOnce = 16;
const connections = 3;
// Until "unknown key" is believed, and some more.
const settleWithinMs = 60_000;
const roundMs = 5_000;

/** A server that reaches the database by a proxy of its own. */
interface Lane {
  proxy: DatabaseProxy;
  server: TestApp;
}

/** One COMMIT of a call that is to be lost, and how. */
interface Scene {
  what: string;
  call: keyof typeof calls;
  /** Which of the call's commits. */
  index: number;
  loss: (typeof losses)[number];
}

const app = await createTestApp();
const { deps, clock } = app;
const calls = moneyCalls(app, "2026-03-11");
const lanes = await Promise.all(Array.from({ length: scenesAtOnce }, openLane));

test(
  "P11: whichever COMMIT of whatever call is lost, repeating it with its key gives the true answer, and it has one effect",
  { timeout: 300_000 },
  async () => {
    const scenes: Scene[] = [];
    for (const call of Object.keys(calls) as (keyof typeof calls)[]) {
      const points = await listCommits(call);
      for (const [index, point] of points.entries())
        for (const loss of losses) scenes.push({ what: `${call}: ${loss} ${point}`, call, index, loss });
    }
    const figures = { unheard: 0, repeats: 0 };
    for (let first = 0; first < scenes.length; first += scenesAtOnce) {
      const some = scenes.slice(first, first + scenesAtOnce);
      const played = await Promise.all(some.map((scene, number) => loseCommit(scene, lanes[number]!)));
      await repeatUntilAnswered(played);
      for (const { what, first: heard, last, call, lane, end, isUnheard } of played) {
        expect({ what, ...saidBy(last) }).toMatchObject({ what, ...end.truth });
        for (const server of [lane.server, app]) expect(saidBy(await call(server))).toEqual(saidBy(last));
        if (!isUnheard) expect({ what, ...saidBy(heard) }).toEqual({ what, ...saidBy(last) });
        expect([what, await end.countEffects()]).toEqual([what, 1]);
        if (isUnheard) figures.unheard += 1;
      }
      figures.repeats += played.reduce((sum, { repeats }) => sum + repeats, 0);
    }
    // A booking of a cancelled show that is given back in one round has its money sent in the next.
    await app.reconcile();
    await app.reconcile();
    expect(await listDifferences(app.sql, app.gateway)).toEqual([]);
    expect(await app.listViolations()).toEqual([]);
    console.log(
      `P11: ${scenes.length} COMMITs of ${Object.keys(calls).length} calls lost, of ${figures.unheard} the caller heard nothing true at first and came again, ` +
        `${figures.repeats} times in all: 0 wrong answers, 0 second effects.`,
    );
  },
);

async function openLane(): Promise<Lane> {
  const proxy = await startDatabaseProxy(app.databaseUrl);
  whenOver(() => proxy.close());
  const server = await createTestApp({
    beside: app,
    databaseUrl: () => proxy.url,
    maxConnections: connections,
    databaseSilenceMs,
  });
  return { proxy, server };
}

async function prepare(call: keyof typeof calls) {
  const { path, given } = calls[call];
  const end: MoneyCall = await given();
  const options = {
    token: await tokenOf(deps, end.caller),
    headers: { "idempotency-key": "the only one" },
  };
  return { end, call: async (server: TestApp) => await mutate(server, path, end.input, options) };
}

// A card is given back behind the calls, at any time.
function commitsOfCall(statement: Statement): boolean {
  return commits(statement) && nameOf(statement) !== "return_free_tries";
}

/** The commits of a call in their order, found out by making it. */
async function listCommits(name: keyof typeof calls): Promise<string[]> {
  const { proxy, server } = lanes[0]!;
  const { call } = await prepare(name);
  const before = proxy.statements().length;
  await call(server);
  const found = proxy.statements().slice(before).filter(commitsOfCall).map(nameOf);
  expect(found.length).toBeGreaterThan(0);
  return found;
}

async function loseCommit({ what, call: name, index, loss }: Scene, lane: Lane) {
  const { call, end } = await prepare(name);
  // Connections that an earlier scene has lost are made now, so that this one loses nothing but its commit.
  await Promise.all(Array.from({ length: connections }, () => databaseTime(lane.server.deps.db)));
  let turn = 0;
  const lost = lane.proxy.intercept((statement) => commitsOfCall(statement) && turn++ === index, loss);
  const answering = call(lane.server);
  await Promise.race([lost.reached, answering]);
  if (turn <= index) throw new Error(`${what}: the call ended before it: ${(await answering).text}`);
  // Another server knows the answer while the first one still waits for a reply.
  const early = loss === "silence" ? await call(app) : undefined;
  const first = await answering;
  const last = early !== undefined && !isOpen(early) ? early : await call(lane.server);
  return { what, call, lane, end, first, last, isUnheard: isOpen(first) || first.status >= 500, repeats: 1 };
}

// On the server that has lost the commit and on another one by turns, while time goes on and the gateway is asked.
async function repeatUntilAnswered(
  played: {
    last: Answer<unknown>;
    call: (server: TestApp) => Promise<Answer<unknown>>;
    lane: Lane;
    repeats: number;
  }[],
): Promise<void> {
  for (let waitedMs = 0; waitedMs <= settleWithinMs; waitedMs += roundMs) {
    const open = played.filter(({ last }) => isOpen(last));
    if (open.length === 0) return;
    clock.advance(roundMs);
    await app.reconcile();
    for (const scene of open) {
      scene.last = await scene.call(waitedMs % 2 === 0 ? scene.lane.server : app);
      scene.repeats += 1;
    }
  }
}
