import { connectOnce, inTransaction, openDatabase } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { CompiledQuery, sql } from "kysely";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { commits, nameOf, startDatabaseProxy, type Statement } from "./database-proxy.ts";
import { until } from "./until.ts";

const { url } = await createTestDatabase();
const proxy = await startDatabaseProxy(url);
const db = openDatabase(proxy.url, { maxConnections: 2 });
const direct = await connectOnce(url);
await direct.query("create table note (text text)");

beforeEach(async () => {
  await direct.query("truncate note");
  await write("warm");
});

afterAll(async () => {
  await db.destroy();
  await direct.end();
  await proxy.close();
});

const isCommit = ({ sql: text }: Statement) => text === "commit";
const notes = async () => (await direct.query("select text from note")).map((row) => row["text"]);

async function write(text: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx.executeQuery(CompiledQuery.raw("insert into note values ($1)", [text]));
  });
}

test("every statement is listed with the transaction it is part of", async () => {
  const before = proxy.statements().length;
  await sql`select 1`.execute(db);
  await write("one");
  await sql`insert into note values ('two')`.execute(db);
  const listed = proxy.statements().slice(before);
  const insert = "insert into note values ($1)";
  expect(listed).toEqual([
    { sql: "select 1", path: ["select 1"] },
    { sql: "begin", path: ["begin"] },
    { sql: insert, path: ["begin", insert] },
    { sql: "commit", path: ["begin", insert, "commit"] },
    { sql: "insert into note values ('two')", path: ["insert into note values ('two')"] },
  ]);
  expect(listed.map(nameOf)).toEqual([
    "select 1",
    "begin",
    "insert into note",
    "commit of insert into note",
    "insert into note",
  ]);
  expect(listed.map(commits)).toEqual([false, false, false, true, true]);
});

test("what a statement does is found in its text", () => {
  const name = (text: string) => nameOf({ sql: text, path: [text] });
  expect(name('select "id" from "booking" where "id" = $1 for update')).toBe("lock booking");
  expect(name("with due as (select id from a for update skip locked) update b set c = 1 from due")).toBe(
    "update b",
  );
  expect(name('insert into "k" ("a") values ($1) on conflict ("a") do update set b = 2')).toBe(
    "insert into k",
  );
  expect(name("select clock_timestamp()")).toBe("select clock_timestamp()");
});

test("many connections and long texts go through as they are", async () => {
  const long = "x".repeat(300_000);
  const { rows } = await sql<{ text: string }>`select ${long}::text as text`.execute(db);
  expect(rows[0]?.text).toBe(long);
  await Promise.all(Array.from({ length: 20 }, (_, index) => write(`many ${index}`)));
  expect(await notes()).toHaveLength(21);
});

describe("a COMMIT", () => {
  test("that is held happens when it is released", async () => {
    const caught = proxy.intercept(isCommit, "hold");
    const work = write("held");
    expect(nameOf(await caught.reached)).toBe("commit of insert into note");
    expect(await notes()).toEqual(["warm"]);
    caught.release();
    await work;
    expect(await notes()).toEqual(["warm", "held"]);
  });

  test("that is held when its client goes away never happens", async () => {
    const leaving = await connectOnce(proxy.url);
    await leaving.query("set application_name to 'leaving'");
    const caught = proxy.intercept(({ sql: text }) => text.includes("'gone'"), "hold");
    const work = leaving.query("insert into note values ('gone')");
    work.catch(() => {});
    await caught.reached;
    await leaving.end();
    await expect(work).rejects.toThrow();
    const isGone = "not exists (select from pg_stat_activity where application_name = 'leaving')";
    await until(direct, `select 1 where ${isGone}`);
    caught.release();
    await write("next");
    expect(await notes()).toEqual(["warm", "next"]);
  });

  test("that is cut before it fails and has not happened", async () => {
    const caught = proxy.intercept(isCommit, "before");
    await expect(write("before")).rejects.toThrow();
    await caught.reached;
    expect(await notes()).toEqual(["warm"]);
    await write("next");
    expect(await notes()).toEqual(["warm", "next"]);
  });

  test("that is cut after it fails and has happened", async () => {
    const caught = proxy.intercept(isCommit, "after");
    await expect(write("after")).rejects.toThrow();
    await caught.reached;
    expect(await notes()).toEqual(["warm", "after"]);
  });

  test("whose reply is swallowed has happened, and its client waits as long as it likes", async () => {
    const waiting = await connectOnce(proxy.url);
    const caught = proxy.intercept(isCommit, "silence");
    const work = waiting.query("begin").then(async () => {
      await waiting.query("insert into note values ('silence')");
      await waiting.query("commit");
    });
    const failed = work.catch(() => "failed");
    await caught.reached;
    expect(await notes()).toEqual(["warm", "silence"]);
    await waiting.end();
    expect(await failed).toBe("failed");
  });
});
