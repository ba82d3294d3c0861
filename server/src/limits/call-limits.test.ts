import { openDatabase } from "@skyfox/db";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { createTestApp, testGatewayKey, testTicketKeys } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { until } from "../../test/until.ts";
import { compose } from "../compose.ts";
import { readConfig } from "../config.ts";
import type { Deps } from "../deps.ts";
import { createCallLimits } from "./call-limits.ts";
import { limitTable } from "./limit-table.ts";
import { digest } from "./windows.ts";

const app = await createTestApp({ addressLimitFactor: 1 });
const other = await createTestApp({ beside: app, addressLimitFactor: 1 });
const { clock } = app;
const most = limitTable.holds.perAccount;
let accounts = 0;
beforeEach(async () => {
  accounts += 1;
  await app.forgetCounts();
  await other.forgetCounts();
});

// An account, and an address, of each test's own.
const trier = () => ({ account: `account ${accounts}`, address: `203.0.113.${accounts}` });

const count = (deps: Pick<Deps, "limits"> = app.deps) => deps.limits.count("holds", trier());

async function countTimes(times: number, deps: Pick<Deps, "limits"> = app.deps): Promise<void> {
  for (let time = 0; time < times; time += 1) await count(deps);
}

async function pointsOfAccount(): Promise<unknown> {
  const key = `holds:account:${digest(trier().account)}`;
  const [row] = await app.sql.query("select points from rate_limit where key = $1", [key]);
  return row?.["points"];
}

test("what one server has counted is exact at once, and asks the database for nothing", async () => {
  await app.sql.query("alter table rate_limit rename to gone");
  try {
    await countTimes(most);
    expect(await refusalOf(count())).toBe("RATE_LIMITED");
  } finally {
    await app.sql.query("alter table gone rename to rate_limit");
  }
});

test("what is counted while a round is under way is neither lost nor counted twice", async () => {
  const calls = createCallLimits(app.deps, limitTable);
  const countHere = () => calls.count("holds", trier());
  for (let time = 0; time < most - 2; time += 1) countHere();
  const round = calls.share();
  // The round has begun after this turn, and has no answer before the next ones.
  await Promise.resolve();
  countHere();
  await round;
  countHere();
  expect(countHere).toThrow("too often");
  await calls.share();
  expect(await pointsOfAccount()).toBe(most);
});

describe("two servers", () => {
  test("let through together what one may, once each has had a round", async () => {
    await countTimes(100);
    await app.shareCounts();
    await other.shareCounts();
    await countTimes(most - 100, other.deps);
    expect(await refusalOf(count(other.deps))).toBe("RATE_LIMITED");
    await other.shareCounts();
    expect(await refusalOf(count())).toBe("accepted");
    await app.shareCounts();
    expect(await refusalOf(count())).toBe("RATE_LIMITED");
  });

  test("add up what both have counted since their last rounds", async () => {
    await Promise.all([countTimes(60), countTimes(50, other.deps)]);
    await Promise.all([app.shareCounts(), other.shareCounts()]);
    await Promise.all([countTimes(3), countTimes(4, other.deps)]);
    await Promise.all([app.shareCounts(), other.shareCounts()]);
    expect(await pointsOfAccount()).toBe(117);
    await app.shareCounts();
    await countTimes(most - 117);
    expect(await refusalOf(count())).toBe("RATE_LIMITED");
  });

  test("end a window at the same moment, the one that began it", async () => {
    await countTimes(most);
    await app.shareCounts();
    clock.advance(30_000);
    await count(other.deps);
    await other.shareCounts();
    expect(await refusalOf(count(other.deps))).toBe("RATE_LIMITED");
    clock.advance(29_999);
    for (const { deps } of [app, other]) {
      const refused: unknown = await count(deps).catch((error: unknown) => error);
      expect(refused).toMatchObject({ problem: { details: { retryAfterSeconds: 1 } } });
    }
    clock.advance(1);
    for (const { deps } of [app, other]) expect(await refusalOf(count(deps))).toBe("accepted");
    await app.shareCounts();
    await other.shareCounts();
    expect(await pointsOfAccount()).toBe(2);
  });
});

test("a server that starts knows what the others have counted after its first round", async () => {
  await countTimes(most);
  await app.shareCounts();
  const late = createCallLimits(other.deps, limitTable);
  await late.share();
  expect(() => late.count("holds", trier())).toThrow("too often");
});

test("a refused call counts nothing, also not in the windows that would let it through", async () => {
  await countTimes(most);
  for (let time = 0; time < 10; time += 1) expect(await refusalOf(count())).toBe("RATE_LIMITED");
  await app.shareCounts();
  const rows = await app.sql.query("select points from rate_limit where key like 'holds:%'");
  expect(rows).toEqual([{ points: most }, { points: most }]);
});

test("what is given back counts no more, here and on other servers, before and after it was shared", async () => {
  await countTimes(most - 2);
  const [early, late] = [await count(), await count()];
  await early.giveBack();
  await app.shareCounts();
  expect(await pointsOfAccount()).toBe(most - 1);
  await late.giveBack();
  await app.shareCounts();
  expect(await pointsOfAccount()).toBe(most - 2);
  await countTimes(2);
  expect(await refusalOf(count())).toBe("RATE_LIMITED");
});

test("what is given back after its window is over changes nothing in the next one", async () => {
  const { giveBack } = await count();
  await app.shareCounts();
  clock.advance(60_000);
  await count();
  await giveBack();
  await app.shareCounts();
  expect(await pointsOfAccount()).toBe(1);
});

test("after the clock is set back, a window lasts no longer than one, and the limit holds", async () => {
  await countTimes(most);
  await app.shareCounts();
  await other.shareCounts();
  clock.advance(-3_600_000);
  for (let round = 0; round < 3; round += 1) {
    expect(await refusalOf(count())).toBe(round === 0 ? "accepted" : "RATE_LIMITED");
    if (round === 0) await countTimes(most - 1);
    await app.shareCounts();
    await other.shareCounts();
    expect(await refusalOf(count(other.deps))).toBe("RATE_LIMITED");
  }
  clock.advance(3_600_000);
});

test("counts survive that the database is away: the limit holds, and the others hear of all of it later", async () => {
  const proxy = await startDatabaseProxy(app.databaseUrl);
  const db = openDatabase(proxy.url, { maxConnections: 1 });
  const logger = createMemoryLogger();
  const calls = createCallLimits({ db, clock, logger }, limitTable);
  const countHere = () => calls.count("holds", trier());
  for (let time = 0; time < 50; time += 1) countHere();
  await calls.share();
  await proxy.close();
  for (let time = 0; time < 30; time += 1) countHere();
  await calls.share();
  for (let time = 80; time < most; time += 1) countHere();
  await calls.share();
  expect(countHere).toThrow("too often");
  expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);

  const back = await startDatabaseProxy(app.databaseUrl, Number(new URL(proxy.url).port));
  onTestFinished(async () => {
    await db.destroy();
    await back.close();
  });
  await calls.share();
  expect(await pointsOfAccount()).toBe(most);
  await other.shareCounts();
  expect(await refusalOf(count(other.deps))).toBe("RATE_LIMITED");
});

describe("memory", () => {
  test("has a bound, beyond which the oldest window goes and comes back with the next round", async () => {
    const calls = createCallLimits(app.deps, limitTable, { most: 10 });
    const countFor = (number: number) =>
      calls.count("tickets", { account: `a${number}`, address: "unknown" });
    for (let number = 0; number < 25; number += 1) countFor(number);
    expect(calls.size).toBe(10);
    await calls.share();
    for (let number = 25; number < 35; number += 1) countFor(number);
    expect(calls.size).toBe(10);
    const first = { account: "a24", address: "unknown" };
    for (let time = 1; time < limitTable.tickets.perAccount; time += 1) calls.count("tickets", first);
    calls.count("tickets", first);
    await calls.share();
    expect(() => calls.count("tickets", first)).toThrow("too often");
  });

  test("keeps no window that is over", async () => {
    const calls = createCallLimits(app.deps, limitTable);
    calls.count("holds", trier());
    expect(calls.size).toBe(2);
    clock.advance(60_000);
    await calls.share();
    expect(calls.size).toBe(0);
  });
});

test("a running server shares by itself, and what it has counted last when it is closed", async () => {
  const config = {
    ...readConfig({}),
    databaseUrl: app.databaseUrl,
    movieService: undefined,
    paymentGateway: { url: app.gateway.url, apiKey: testGatewayKey },
    ticketSigningKeys: testTicketKeys,
    imageFolder: app.imageFolder,
  };
  const server = await compose(config, createMemoryLogger(), () => "");
  await count(server.deps);
  await until(app.sql, "select from rate_limit where key like 'holds:account:%' and points = 1");
  await countTimes(6, server.deps);
  await server.close();
  expect(await pointsOfAccount()).toBe(7);
});
