import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { setInterval } from "node:timers/promises";
import { connectOnce, type Connection } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient } from "@skyfox/sdk";
import { expect, onTestFinished, test } from "vitest";
import { createPasswordHasher } from "../../src/auth/passwords.ts";
import { developmentApiKey } from "../../src/config.ts";
import { startChildServer, type ChildServer } from "../child-server.ts";
import { fillTables } from "../fill-tables.ts";
import { testPassword } from "../given.ts";
import { until } from "../until.ts";

const count = 1_000_000;
const megabyte = 1_024 * 1_024;
const probeEveryMs = 50;

test(
  "a million bookings are exported in constant memory while others are served; a reader who is slow, leaves or is cut off by a shutdown costs nothing",
  { timeout: 600_000 },
  async () => {
    const { url: databaseUrl } = await createTestDatabase();
    const sql = await connectOnce(databaseUrl);
    onTestFinished(() => sql.end());
    const filledFrom = performance.now();
    await fillTables(sql, ["booking"], () => givenBookings(sql));
    await sql.query("analyze");
    // These bookings have no payments and no seats: the server would tell of each of them.
    await sql.query(
      "create or replace view integrity_violation as select '' as rule, '' as subject, '' as details where false",
    );
    const fillSeconds = (performance.now() - filledFrom) / 1_000;
    // A heap that would not hold the file, and whose garbage is collected before it looks like growth.
    const NODE_OPTIONS = "--max-old-space-size=128";
    const server = await startChildServer(
      { DATABASE_URL: databaseUrl, METRICS_PORT: "0", NODE_OPTIONS },
      onTestFinished,
    );
    const { username } = await givenAdmin(sql);
    let token: string | null = null;
    const skyfox = createSkyfoxClient({ url: server.url, apiKey: developmentApiKey, token: () => token });
    ({ token } = await skyfox.auth.login.mutate({ username, password: testPassword }));

    // Without a reader the socket's buffers fill, and then the server reads no further and holds nothing.
    const slow = await ask(server, token);
    await once(slow, "readable");
    await until(sql, idle);
    const asked = performance.now();
    const [held] = await sql.query(openTransactions);
    slow.destroy();
    const { outcome } = await server.line("An export has ended.");
    const leftMs = performance.now() - asked;
    expect([held, outcome]).toEqual([{ count: 0 }, "left"]);

    // What is loaded at the first export is loaded now; from here on it is the export that takes memory.
    await new Response((await skyfox.exports.bookingsCsv({ month: 4, year: 2018 })).stream).arrayBuffer();
    const before = await measure(server);
    const peak = { ...before };
    const lags: number[] = [];
    const note = async () => {
      const now = await measure(server);
      lags.push(now.lagMs);
      peak.heap = Math.max(peak.heap, now.heap);
      peak.rss = Math.max(peak.rss, now.rss);
    };
    const latencies: number[] = [];
    const stopProbing = probe(async () => {
      const startedAt = performance.now();
      await skyfox.auth.me.query();
      latencies.push(performance.now() - startedAt);
    });
    const startedAt = performance.now();
    const { stream } = await skyfox.exports.bookingsCsv();
    let next = count;
    for await (const ids of readIds(stream)) {
      // Each once, newest first.
      for (const id of ids) if (id !== next--) throw new Error(`Booking ${id} came instead of ${next + 1}.`);
      if (Math.floor(next / 50_000) !== Math.floor((next + ids.length) / 50_000)) await note();
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const workbookFrom = performance.now();
    const workbook = await skyfox.exports.bookingsXlsx({ year: 2018 });
    let workbookBytes = 0;
    for await (const part of workbook.stream) {
      if (Math.floor(workbookBytes / 500_000) !== Math.floor((workbookBytes + part.length) / 500_000))
        await note();
      workbookBytes += part.length;
    }
    const workbookSeconds = (performance.now() - workbookFrom) / 1_000;
    await stopProbing();
    const growth = { heap: (peak.heap - before.heap) / megabyte, rss: (peak.rss - before.rss) / megabyte };
    const sorted = latencies.toSorted((one, other) => one - other);
    const lag = lags.toSorted((one, other) => one - other);

    // A reader who stands still when the server is stopped.
    const cut = await ask(server, token);
    await once(cut, "readable");
    const broken = once(cut, "error");
    const stoppedAt = performance.now();
    const exitCode = await server.stop();
    const stopSeconds = (performance.now() - stoppedAt) / 1_000;
    // What lies in the buffers comes first.
    cut.resume();
    await broken;

    console.log(
      `Export: ${count - next} rows in ${seconds.toFixed(1)} s (filled in ${fillSeconds.toFixed(0)} s), those of a year as a workbook of ${(workbookBytes / megabyte).toFixed(0)} MB in ${workbookSeconds.toFixed(1)} s; heap +${growth.heap.toFixed(0)} MB, ` +
        `RSS +${growth.rss.toFixed(0)} MB of 100; event loop p99 ${at(lag, 50)} ms of 50 in the median twentieth of it, ${at(lag, 100)} ms in the worst; ` +
        `${sorted.length} other calls meanwhile, p50 ${at(sorted, 50)} ms, p99 ${at(sorted, 99)} ms; a reader who left was noticed after ` +
        `${leftMs.toFixed(0)} ms; stopped during an export in ${stopSeconds.toFixed(1)} s.`,
    );
    expect(next).toBe(0);
    expect(growth.heap).toBeLessThan(100);
    expect(growth.rss).toBeLessThan(100);
    // The figure above is for a machine of its own. Whatever else runs on this one, all bookings in one piece would take many seconds.
    expect(Number(at(lag, 50))).toBeLessThan(1_000);
    expect(sorted.length).toBeGreaterThan(50);
    expect(sorted.at(-1)).toBeLessThan(10_000);
    expect([exitCode, stopSeconds < 10]).toEqual([0, true]);
    expect(server.lines.filter(({ level }) => level === "error")).toEqual([]);
  },
);

const ofServer = "from pg_stat_activity where datname = current_database() and application_name = 'skyfox'";
const openTransactions = `select count(*)::int ${ofServer} and xact_start is not null`;
// A server that reads pages does so every few milliseconds.
const idle = `select 1 ${ofServer} having bool_and(state = 'idle') and max(state_change) < clock_timestamp() - interval '500 ms'`;

/** Straight into the table, one every five minutes; half of customers, half sold at the counter. */
async function givenBookings(sql: Connection): Promise<void> {
  await sql.query(`
    insert into customertable (username, name, number, email, security_question_id, security_answer_hash)
      select 'customer-' || n, case n % 3 when 0 then 'आशा राव' when 1 then '=1+1' else 'Customer One' end, (9000000000 + n)::text,
        'c' || n || '@example.com', 1, 'x'
      from generate_series(0, 9999) n;
    insert into admin_booked_customer (id, name, number)
      select n, 'Walk In', (8000000000 + n)::text from generate_series(1, 100000) n;
    insert into booking (id, date, show_id, customer_username, customer_id, no_of_seats, amount_due, amount_paid, card_amount, payment_type,
        status, booking_time)
      select n, '2026-01-01', n % 5000 + 1, case n % 2 when 0 then 'customer-' || n % 10000 end, case n % 2 when 1 then n % 100000 + 1 end,
        2, 450.50, 450.50, case n % 2 when 0 then 450.50 else 0 end,
        case n % 2 when 0 then 'Card' else 'Cash' end::payment_mode_enum, 'Confirmed', '2016-01-01'::timestamptz + n * interval '5 minutes'
      from generate_series(1, ${count}) n;
  `);
}

async function givenAdmin(sql: Connection): Promise<{ username: string }> {
  const username = "admin-1";
  const password = await createPasswordHasher().hash(testPassword);
  await sql.query(
    "insert into usertable (username, password, role, created_at) values ($1, $2, 'admin', now())",
    [username, password],
  );
  await sql.query("insert into stafftable (username, name) values ($1, 'Admin One')", [username]);
  return { username };
}

/** Asks for all bookings, and reads nothing of the answer yet. */
async function ask(server: ChildServer, token: string | null): Promise<IncomingMessage> {
  const headers = { "x-api-key": developmentApiKey, authorization: `Bearer ${token}` };
  const asking = request(`${server.url}/exports/bookings.csv`, { headers, agent: false });
  asking.end();
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return response;
}

/** The bookings' ids, a piece of the file at a time. */
async function* readIds(stream: ReadableStream<Uint8Array>): AsyncGenerator<number[]> {
  let rest = "";
  let isHead = true;
  for await (const text of stream.pipeThrough(
    new TextDecoderStream() as TransformStream<Uint8Array, string>,
  )) {
    const lines = (rest + text).split("\r\n");
    rest = lines.pop() ?? "";
    if (isHead) lines.shift();
    isHead = false;
    yield lines.map((line) => Number(line.slice(0, line.indexOf(","))));
  }
  expect(rest).toBe("");
}

interface Measure {
  heap: number;
  rss: number;
  /** The event loop's p99 since it was measured before. */
  lagMs: number;
}

async function measure(server: ChildServer): Promise<Measure> {
  const { metricsUrl } = await server.line("SkyFox is listening.");
  const text = await (await fetch(String(metricsUrl))).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return {
    heap: read("nodejs_heap_size_used_bytes"),
    rss: read("process_resident_memory_bytes"),
    lagMs: read("nodejs_eventloop_lag_p99_seconds") * 1_000,
  };
}

/** Calls again and again, one call at a time, until it is stopped; a failed call is reported then. */
function probe(call: () => Promise<void>): () => Promise<void> {
  let isOver = false;
  const calling = (async () => {
    for await (const _tick of setInterval(probeEveryMs)) {
      if (isOver) return;
      await call();
    }
  })();
  return async () => {
    isOver = true;
    await calling;
  };
}

function at(sorted: number[], percent: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN).toFixed(0);
}
