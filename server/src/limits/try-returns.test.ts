import { openDatabase, returnTry } from "@skyfox/db";
import { afterAll, beforeEach, expect, test } from "vitest";
import { nameOf, startDatabaseProxy } from "../../test/database-proxy.ts";
import { createTestApp } from "../../test/test-app.ts";
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
  await returnTry(db, []);
  const before = proxy.statements().length;
  const held = proxy.intercept(({ sql }) => sql.includes("return_try"), "hold");
  returns.add([windowOf("b"), windowOf("a")]);
  await held.reached;
  for (let number = 0; number < 5; number += 1) returns.add([windowOf("a")]);
  held.release();
  await returns.settled();
  expect(await pointsOf()).toEqual([3, 8]);
  expect(proxy.statements().slice(before).map(nameOf)).toEqual(["return_try", "return_try"]);
});

test("what cannot be written stays counted, with a warning, and keeps nothing else from being written", async () => {
  const returns = createTryReturns({ db, logger: app.logger });
  await app.sql.query("alter table rate_limit rename to gone");
  returns.add([windowOf("a")]);
  await returns.settled();
  await app.sql.query("alter table gone rename to rate_limit");
  expect(app.logger.lines).toContainEqual(
    expect.objectContaining({ level: "warn", msg: expect.stringContaining("stays counted") as string }),
  );
  returns.add([windowOf("b")]);
  await returns.settled();
  expect(await pointsOf()).toEqual([9, 8]);
});
