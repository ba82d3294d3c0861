import { Decimal } from "decimal.js";
import { sql } from "kysely";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { openConnection } from "../test/open-connection.ts";
import { openDatabase } from "./connect.ts";

const { url } = await createTestDatabase();
const db = openDatabase(url);
afterAll(() => db.destroy());

async function readValue(expression: string): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`select ${sql.raw(expression)} as value`.execute(db);
  return rows[0]?.value;
}

describe("numeric", () => {
  test.each(["0", "0.00", "-0.01", "9999999999.99", "12345678901234567890.123456789", "1e-20"])(
    "%s comes back as an exact Decimal",
    async (text) => {
      const value = await readValue(`'${text}'::numeric`);
      expect(value).toBeInstanceOf(Decimal);
      expect((value as Decimal).toFixed()).toBe(new Decimal(text).toFixed());
    },
  );

  test("arrays hold Decimals and nulls", async () => {
    const value = await readValue("array[0.1, null, 12345678901234567890.12]::numeric[]");
    expect(value).toEqual([new Decimal("0.1"), null, new Decimal("12345678901234567890.12")]);
    expect((value as Decimal[])[0]).toBeInstanceOf(Decimal);
    expect(await readValue("'{}'::numeric[]")).toEqual([]);
  });

  test.each(["0.1", "-5.00", "9999999999.99", "12345678901234567890.123456789", "1e25", "1e-25"])(
    "a Decimal parameter of %s arrives with its exact digits",
    async (text) => {
      const sent = new Decimal(text);
      const { rows } = await sql<{ same: boolean; back: Decimal; text: string }>`
        select ${sent}::numeric = ${sql.raw(sent.toFixed())} as same, ${sent}::numeric as back,
          ${sent}::numeric::text as text`.execute(db);
      expect(rows[0]?.same).toBe(true);
      expect(rows[0]?.back.equals(sent)).toBe(true);
      expect(rows[0]?.text).toBe(sent.toFixed());
    },
  );

  test("an array of Decimals arrives with its exact digits", async () => {
    const sent = [new Decimal("0.10"), new Decimal("12345678901234567890.12")];
    const { rows } = await sql<{ total: Decimal }>`
      select sum(amount) as total from unnest(${sent}::numeric[]) as amount`.execute(db);
    expect(rows[0]?.total.toFixed()).toBe("12345678901234567890.22");
  });
});

describe("bigint", () => {
  test("comes back as a number up to 2^53 - 1, on both sides of zero", async () => {
    expect(await readValue("9007199254740991::bigint")).toBe(Number.MAX_SAFE_INTEGER);
    expect(await readValue("-9007199254740991::bigint")).toBe(Number.MIN_SAFE_INTEGER);
    expect(await readValue("array[1, null, 9007199254740991]::bigint[]")).toEqual([
      1,
      null,
      Number.MAX_SAFE_INTEGER,
    ]);
  });

  test.each(["9007199254740992", "-9007199254740992", "9223372036854775807"])(
    "%s does not fit and is refused",
    async (text) => {
      await expect(readValue(`'${text}'::bigint`)).rejects.toThrow(RangeError);
      await expect(readValue(`array['${text}']::bigint[]`)).rejects.toThrow(RangeError);
      // The connection that met it still serves.
      expect(await readValue("1::bigint")).toBe(1);
    },
  );
});

describe("dates and times", () => {
  test("a date and a time come back as text, whatever the zones are", async () => {
    expect(await readValue("date '2026-03-29'")).toBe("2026-03-29");
    expect(await readValue("array[date '2026-03-29', null]")).toEqual(["2026-03-29", null]);
    expect(await readValue("time '02:30'")).toBe("02:30:00");
    expect(await readValue("array[time '02:30', time '23:59:59']")).toEqual(["02:30:00", "23:59:59"]);
  });

  test("a timestamptz comes back as the instant it is, whatever the session's zone", async () => {
    const instant = new Date("2026-03-29T01:30:00.123Z");
    await db.connection().execute(async (connection) => {
      for (const zone of ["UTC", "Asia/Kolkata", "America/New_York"]) {
        await sql`select set_config('TimeZone', ${zone}, false)`.execute(connection);
        const { rows } = await sql<{ value: Date; echoed: Date }>`
          select timestamptz '2026-03-29T01:30:00.123Z' as value, ${instant}::timestamptz as echoed`.execute(
          connection,
        );
        expect(rows).toEqual([{ value: instant, echoed: instant }]);
        expect(rows[0]?.value).toBeInstanceOf(Date);
      }
      await sql`reset timezone`.execute(connection);
    });
  });

  test("two instants that a change of the clock gives one wall time stay two", async () => {
    const [first, second] = [new Date("2026-10-25T00:30:00Z"), new Date("2026-10-25T01:30:00Z")];
    const { rows } = await sql<{ gap: string }>`
      select extract(epoch from ${second}::timestamptz - ${first}::timestamptz)::text as gap`.execute(db);
    expect(Number(rows[0]?.gap)).toBe(3_600);
  });
});

describe("the pool", () => {
  test("ends every kind of wait by itself", async () => {
    const settings = [
      "statement_timeout",
      "lock_timeout",
      "idle_in_transaction_session_timeout",
      "transaction_timeout",
    ];
    const values = await Promise.all(settings.map((name) => readValue(`current_setting('${name}')`)));
    expect(Object.fromEntries(settings.map((name, index) => [name, values[index]]))).toEqual({
      statement_timeout: "5s",
      lock_timeout: "2s",
      idle_in_transaction_session_timeout: "10s",
      transaction_timeout: "15s",
    });
  });

  test("keeps a connection, with its plans, for a minute after its last call", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const pool = openDatabase(url, { maxConnections: 1 });
    onTestFinished(() => pool.destroy());
    const readPid = async () =>
      (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(pool)).rows[0]?.pid;
    const first = await readPid();
    vi.advanceTimersByTime(59_999);
    expect(await readPid()).toBe(first);
    vi.advanceTimersByTime(60_000);
    expect(await readPid()).not.toBe(first);
  });

  test("a connection that dies while idle is reported to the listener, and the next call gets another", async () => {
    await using sibling = await openConnection(url);
    const lost = Promise.withResolvers<Error>();
    const own = openDatabase(url, { maxConnections: 1, onConnectionError: lost.resolve });
    const pidOf = async () =>
      (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(own)).rows[0]!.pid;
    const before = await pidOf();
    await sibling.query("select pg_terminate_backend($1)", [before]);
    expect(await lost.promise).toBeInstanceOf(Error);
    await expect.poll(pidOf).not.toBe(before);
    await own.destroy();
  });

  test("a connection that dies inside a transaction fails that call and not the process", async () => {
    await using sibling = await openConnection(url);
    const onConnectionError = vi.fn<(error: Error) => void>();
    const own = openDatabase(url, { maxConnections: 1, onConnectionError });
    const call = own.transaction().execute(async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      const reported = Promise.withResolvers<void>();
      onConnectionError.mockImplementation(() => reported.resolve());
      await sibling.query("select pg_terminate_backend($1)", [rows[0]!.pid]);
      // Nothing is running on the connection when it dies: only a listener of its own hears of it.
      await reported.promise;
      await sql`select 1`.execute(tx);
    });
    await expect(call).rejects.toThrow(/connection/i);
    expect(onConnectionError).toHaveBeenCalled();
    expect((await sql<{ one: number }>`select 1 as one`.execute(own)).rows).toEqual([{ one: 1 }]);
    await own.destroy();
  });
});

test("a connection that is read-only is used no more, so that the next change goes to the new primary", async () => {
  const single = openDatabase(url, { maxConnections: 1 });
  onTestFinished(() => single.destroy());
  await sql`set default_transaction_read_only = on`.execute(single);
  const change = () => sql`create temp table change (id int)`.execute(single);
  await expect(change()).rejects.toMatchObject({ code: "25006" });
  await change();
});

test("a process that stood still longer than silence is borne reads the answer that waits before it gives the connection up", async () => {
  const one = openDatabase(url, { maxConnections: 1, silenceMs: 500 });
  onTestFinished(() => one.destroy());
  const pid = async () =>
    (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(one)).rows[0]?.pid;
  const before = await pid();
  const asking = pid();
  // The question is on its way.
  await new Promise((resolve) => setImmediate(resolve));
  // Blocks this thread, as SIGSTOP would.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  expect(await asking).toBe(before);
});
