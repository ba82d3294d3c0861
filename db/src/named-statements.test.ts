import { sql, type Kysely } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { openConnection } from "../test/open-connection.ts";
import { openDatabase, type Db, type PoolOptions } from "./connect.ts";
import { plannedByValues } from "./named-statements.ts";
import { inTransaction } from "./transaction.ts";

const { url } = await createTestDatabase();

function givenPool(options: PoolOptions = {}): Db {
  const db = openDatabase(url, { maxConnections: 1, ...options });
  onTestFinished(() => db.destroy());
  return db;
}

/** What the connection has prepared, but this question and what each connection begins with, with how often each was run by either plan. */
async function listPrepared(db: Kysely<never> | Db) {
  const { rows } = await sql<{ name: string; statement: string; runs: number; generic: number }>`
    select name, statement, (generic_plans + custom_plans)::int as runs, generic_plans::int as generic
    from pg_prepared_statements where statement !~ 'pg_prepared_statements|set_config' order by prepare_time`.execute(
    db,
  );
  return rows;
}

const askSlot = (db: Db, id: number) => db.selectFrom("slot").where("id", "=", id).select("name").execute();

test("a statement is prepared once on a connection, whatever its values, and planned no more after some runs", async () => {
  const db = givenPool();
  for (let id = 1; id <= 20; id += 1) await askSlot(db, id);
  const [prepared, ...others] = await listPrepared(db);
  expect(others).toEqual([]);
  expect(prepared).toMatchObject({ runs: 20, generic: 15 });
  expect(prepared?.statement).toContain('from "slot"');
});

test("each connection prepares it under the same name", async () => {
  const db = givenPool({ maxConnections: 2 });
  const [one, other] = await db
    .connection()
    .execute((first) =>
      db
        .connection()
        .execute(async (second) => [
          await askSlot(first, 1).then(() => listPrepared(first)),
          await askSlot(second, 2).then(() => listPrepared(second)),
        ]),
    );
  expect(one).toHaveLength(1);
  expect(other).toEqual(one);
});

test("nothing is prepared where the setting is off", async () => {
  const db = givenPool({ preparesStatements: false });
  await askSlot(db, 1);
  expect(await listPrepared(db)).toEqual([]);
});

test("what is planned by its values, and what has no plan, has no name", async () => {
  const db = givenPool();
  await sql`${plannedByValues} select ${1}::int`.execute(db);
  await inTransaction(db, async (tx) => void (await sql`set local lock_timeout = '1s'`.execute(tx)));
  expect(await listPrepared(db)).toEqual([]);
});

test("however many texts there are, a connection keeps 400 of them", { timeout: 30_000 }, async () => {
  const db = givenPool();
  await askSlot(db, 1);
  for (let index = 0; index < 500; index += 1) {
    const { rows } = await sql<{ value: number }>`select ${index}::int as ${sql.id(`v${index}`)}`.execute(db);
    expect(rows).toEqual([{ [`v${index}`]: index }]);
  }
  await askSlot(db, 1);
  const prepared = await listPrepared(db);
  // Without the two that are not listed.
  expect(prepared.length).toBeLessThanOrEqual(400);
  expect(prepared.length).toBeGreaterThanOrEqual(398);
  expect(prepared[0]).toMatchObject({ runs: 2 });
});

test("a value that is refused leaves the statement prepared", async () => {
  const db = givenPool();
  const ask = (value: string) => sql`select ${value}::int as value`.execute(db);
  await expect(ask("x")).rejects.toMatchObject({ code: "22P02" });
  expect((await ask("1")).rows).toEqual([{ value: 1 }]);
  expect((await ask("2")).rows).toEqual([{ value: 2 }]);
  expect(await listPrepared(db)).toMatchObject([{ runs: expect.any(Number) as number }]);
});

test("a statement that cannot be prepared fails each time, and works once it can", async () => {
  await using sibling = await openConnection(url);
  const db = givenPool();
  const ask = () => sql`select * from not_there_yet`.execute(db);
  for (let turn = 0; turn < 2; turn += 1) await expect(ask()).rejects.toMatchObject({ code: "42P01" });
  await sibling.query("create table not_there_yet (id int)");
  expect((await ask()).rows).toEqual([]);
});

/** A table whose rows the callers read with all columns, and what adds one while they are at work. */
async function givenChangingTable(name: string) {
  const sibling = await openConnection(url);
  await sibling.query(`create table ${name} (id int); insert into ${name} values (1)`);
  let added = 0;
  return {
    sibling,
    read: (db: Db) => sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(db),
    addColumn: () => sibling.query(`alter table ${name} add column added_${(added += 1)} int`),
    [Symbol.asyncDispose]: () => sibling.end(),
  };
}

test("a migration that adds a column while a server runs fails no statement, on any connection", async () => {
  await using table = await givenChangingTable("growing");
  const db = givenPool({ maxConnections: 3 });
  const readAll = () => Promise.all(Array.from({ length: 6 }, () => table.read(db)));
  await readAll();
  for (const columns of [2, 3]) {
    await table.addColumn();
    for (const { rows } of await readAll()) expect(Object.keys(rows[0] ?? {})).toHaveLength(columns);
  }
});

test("nor a transaction, whose statements on all connections are outdated: it begins again once", async () => {
  await using table = await givenChangingTable("grown");
  const db = givenPool();
  const texts = Array.from({ length: 8 }, (_, index) => sql`select *, ${sql.lit(index)} as index from grown`);
  const readAll = async () => {
    let attempts = 0;
    const columns = await inTransaction(db, async (tx) => {
      attempts += 1;
      for (const text of texts) await text.execute(tx);
      return Object.keys((await table.read(tx)).rows[0] ?? {});
    });
    return { attempts, columns };
  };
  expect(await readAll()).toEqual({ attempts: 1, columns: ["id"] });
  await table.addColumn();
  expect(await readAll()).toEqual({ attempts: 2, columns: ["id", "added_1"] });
});

test("a connection with statements of an older schema is closed when its call gives it back", async () => {
  await using table = await givenChangingTable("shrinking");
  const db = givenPool();
  const pidOf = async () =>
    (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid;
  await table.read(db);
  const before = await pidOf();
  await table.read(db);
  expect(await pidOf()).toBe(before);
  await table.addColumn();
  await table.read(db);
  expect(await pidOf()).not.toBe(before);
  expect((await listPrepared(db)).length).toBeLessThanOrEqual(2);
});
