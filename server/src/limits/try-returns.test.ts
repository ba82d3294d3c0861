import { databaseTime, openDatabase } from "@skyfox/db";
import { afterAll, beforeEach, expect, test } from "vitest";
import { nameOf, startDatabaseProxy } from "../../test/database-proxy.ts";
import { createTestApp } from "../../test/test-app.ts";
import { until } from "../../test/until.ts";
import { createTryReturns } from "./try-returns.ts";

const app = await createTestApp();
const proxy = await startDatabaseProxy(app.databaseUrl);
const db = openDatabase(proxy.url);
afterAll(async () => {
  await db.destroy();
  await proxy.close();
});

const end = 2_000_000_000_000;
const windowOf = (key: string) => ({ key, endsBefore: end + 1 });
const pointsOf = async () =>
  (await app.sql.query("select points from rate_limit order by key")).map(({ points }) => points);

beforeEach(() =>
  app.sql.query(
    `truncate rate_limit; insert into rate_limit (key, points, expire) values ('a', 9, ${end}), ('b', 9, ${end})`,
  ),
);

test("what is given back while a statement runs goes with the next one, each try once", async () => {
  const returns = createTryReturns({ db, logger: app.logger });
  await databaseTime(db);
  const before = proxy.statements().length;
  const held = proxy.intercept(({ sql }) => sql.includes("return_free_tries"), "hold");
  returns.add([windowOf("b"), windowOf("a")]);
  await held.reached;
  for (let number = 0; number < 5; number += 1) returns.add([windowOf("a")]);
  held.release();
  await returns.settled();
  expect(await pointsOf()).toEqual([3, 8]);
  expect(proxy.statements().slice(before).map(nameOf)).toEqual(["return_free_tries", "return_free_tries"]);
});

test("what cannot be written stays counted, with a warning, and keeps nothing else from being written", async () => {
  const returns = createTryReturns({ db, logger: app.logger });
  await app.sql.query("alter table rate_limit rename to gone");
  const held = proxy.intercept(({ sql }) => sql.includes("return_free_tries"), "hold");
  returns.add([windowOf("a")]);
  await held.reached;
  returns.add([windowOf("a")]);
  held.release();
  await returns.settled();
  await app.sql.query("alter table gone rename to rate_limit");
  expect(app.logger.lines).toContainEqual(
    expect.objectContaining({ level: "warn", msg: expect.stringContaining("stay counted") as string }),
  );
  returns.add([windowOf("b")]);
  await returns.settled();
  expect(await pointsOf()).toEqual([9, 8]);
});

test("a window that is locked keeps no other waiting, and has its tries back once it is free", async () => {
  // Four seconds in all, so that a loaded machine has looked before the last attempt.
  const returns = createTryReturns({ db, logger: app.logger }, { betweenAttemptsMs: 200 });
  await app.sql.query("begin; select from rate_limit where key = 'a' for update");
  returns.add([windowOf("a"), windowOf("a"), windowOf("b")]);
  await until(app.sql, "select from rate_limit where key = 'b' and points = 8");
  await app.sql.query("commit");
  await returns.settled();
  expect(await pointsOf()).toEqual([7, 8]);
});

test("a window that stays locked stays counted, with a warning", async () => {
  const returns = createTryReturns({ db, logger: app.logger }, { betweenAttemptsMs: 1 });
  const before = app.logger.lines.length;
  await app.sql.query("begin; select from rate_limit where key = 'a' for update");
  returns.add([windowOf("a")]);
  await returns.settled();
  await app.sql.query("commit");
  expect(app.logger.lines.slice(before)).toContainEqual(expect.objectContaining({ level: "warn", count: 1 }));
  expect(await pointsOf()).toEqual([9, 9]);
});

test("a try whose statement was committed, with its answer lost, is given back once", async () => {
  const returns = createTryReturns({ db, logger: app.logger });
  const before = proxy.statements().length;
  const lost = proxy.intercept(({ sql }) => sql.includes("return_free_tries"), "after");
  returns.add([windowOf("a")]);
  await lost.reached;
  await returns.settled();
  expect(await pointsOf()).toEqual([8, 9]);
  expect(proxy.statements().slice(before).map(nameOf)).toEqual(["return_free_tries"]);
});
