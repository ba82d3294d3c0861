import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { openConnection } from "../test/open-connection.ts";
import { openDatabase, type Tx } from "./connect.ts";
import { violatedConstraint } from "./constraints.ts";
import { inTransaction, sqlState } from "./transaction.ts";

const { url } = await createTestDatabase();
const db = openDatabase(url);
afterAll(() => db.destroy());

beforeAll(async () => {
  await using connection = await openConnection(url);
  // The trigger raises at COMMIT as often as the sequence, which no rollback takes back, has not yet counted.
  await connection.query(`
    create table counter (id int primary key, value int not null default 0);
    create table ends_badly (state text not null, times int not null);
    create sequence commits;
    create function refuse_commit() returns trigger language plpgsql as $$
    begin
      if nextval('commits') <= new.times then
        raise exception 'refused at commit' using errcode = new.state;
      end if;
      return null;
    end $$;
    create constraint trigger at_commit after insert on ends_badly deferrable initially deferred
      for each row execute function refuse_commit();
  `);
});

async function increment(tx: Tx, id: number): Promise<void> {
  await sql`insert into counter (id, value) values (${id}, 1)
    on conflict (id) do update set value = counter.value + 1`.execute(tx);
}

async function valueOf(id: number): Promise<number | undefined> {
  const { rows } = await sql<{ value: number }>`select value from counter where id = ${id}`.execute(db);
  return rows[0]?.value;
}

describe("a deadlock", () => {
  test("between two real transactions ends with both done, once each", async () => {
    await inTransaction(db, async (tx) => {
      await increment(tx, 1);
      await increment(tx, 2);
    });
    const bothHaveOne = barrierFor(2);
    let attempts = 0;
    const inOrder = (first: number, second: number) => {
      let isFirstAttempt = true;
      return inTransaction(db, async (tx) => {
        attempts += 1;
        await increment(tx, first);
        if (isFirstAttempt) {
          isFirstAttempt = false;
          await bothHaveOne();
        }
        await increment(tx, second);
      });
    };
    await Promise.all([inOrder(1, 2), inOrder(2, 1)]);
    expect([await valueOf(1), await valueOf(2)]).toEqual([3, 3]);
    expect(attempts).toBe(3);
  });
});

describe.each(["40001", "40P01"])("the state %s", (state) => {
  test("raised by COMMIT runs the whole callback again", async () => {
    await sql`select setval('commits', 1, false)`.execute(db);
    let attempts = 0;
    const result = await inTransaction(db, async (tx) => {
      attempts += 1;
      await increment(tx, 10);
      await sql`insert into ends_badly (state, times) values (${state}, 2)`.execute(tx);
      return `attempt ${attempts}`;
    });
    expect(result).toBe("attempt 3");
    expect(await valueOf(10)).toBe(1);
    await sql`delete from counter where id = 10`.execute(db);
  });

  test("raised inside is tried five times in all, then it is the caller's", async () => {
    let attempts = 0;
    const failing = inTransaction(db, async (tx) => {
      attempts += 1;
      await increment(tx, 11);
      await sql.raw(`do $$ begin raise exception 'always' using errcode = '${state}'; end $$`).execute(tx);
    });
    await expect(failing).rejects.toMatchObject({ code: state });
    expect(attempts).toBe(5);
    expect(await valueOf(11)).toBeUndefined();
  });
});

describe("any other failure is not repeated", () => {
  test("a broken uniqueness, also one that COMMIT raises", async () => {
    await sql`insert into counter (id) values (20)`.execute(db);
    let attempts = 0;
    const duplicate = inTransaction(db, async (tx) => {
      attempts += 1;
      await sql`insert into counter (id) values (20)`.execute(tx);
    });
    await expect(duplicate).rejects.toSatisfy(
      (error) => sqlState(error) === "23505" && violatedConstraint(error) === "counter_pkey",
    );
    await sql`select setval('commits', 1, false)`.execute(db);
    const atCommit = inTransaction(db, async (tx) => {
      attempts += 1;
      await increment(tx, 21);
      await sql`insert into ends_badly (state, times) values ('23505', 1)`.execute(tx);
    });
    // A COMMIT that Postgres turned into a rollback must never look like a success.
    await expect(atCommit).rejects.toMatchObject({ code: "23505" });
    expect(attempts).toBe(2);
    expect(await valueOf(21)).toBeUndefined();
  });

  test("what the callback itself throws, which also takes everything back", async () => {
    const refusal = new Error("the domain says no");
    let attempts = 0;
    const refused = inTransaction(db, async (tx) => {
      attempts += 1;
      await increment(tx, 30);
      throw refusal;
    });
    await expect(refused).rejects.toBe(refusal);
    expect(attempts).toBe(1);
    expect(await valueOf(30)).toBeUndefined();
  });

  test("a connection that is killed inside the transaction", async () => {
    await using sibling = await openConnection(url);
    let attempts = 0;
    const killed = inTransaction(db, async (tx) => {
      attempts += 1;
      await increment(tx, 40);
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await sibling.query("select pg_terminate_backend($1, 5000)", [rows[0]!.pid]);
      await sql`select 1`.execute(tx);
    });
    await expect(killed).rejects.toThrow(/connection/i);
    expect(attempts).toBe(1);
    expect(await valueOf(40)).toBeUndefined();
  });
});

describe("the state of an error", () => {
  test.each(["23505", "40P01", "XX000", "P0001", "0A000"])("is %s where Postgres gave it", (code) => {
    expect(sqlState(Object.assign(new Error("from Postgres"), { code }))).toBe(code);
  });

  test.each(["EPIPE", "ECONNRESET", "4000", "400011", "", 40_001, undefined])(
    "is none for the code %s",
    (code) => {
      expect(sqlState(Object.assign(new Error("from elsewhere"), { code }))).toBeUndefined();
    },
  );

  test("is none for what is not an error", () => {
    expect(sqlState({ code: "23505" })).toBeUndefined();
    expect(sqlState(undefined)).toBeUndefined();
  });
});

function barrierFor(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return async () => {
    arrived += 1;
    if (arrived === count) resolve();
    await promise;
  };
}
