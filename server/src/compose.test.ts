import { tmpdir } from "node:os";
import { join } from "node:path";
import { booksApplicationName, connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { sql as statement } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { startMovieService } from "../../scripts/sandbox/movie-service.ts";
import { givenPendingHolds, givenStaff, tokenOf } from "../test/given.ts";
import { createMemoryLogger } from "../test/memory-logger.ts";
import { query } from "../test/rpc-call.ts";
import { testTicketKeys, type TestApp } from "../test/test-app.ts";
import { until } from "../test/until.ts";
import { noExpiryMonitors } from "./booking/expiry-monitors.ts";
import { compose, type CompleteConfig } from "./compose.ts";
import { developmentApiKey, readConfig, type ServiceAccess } from "./config.ts";

const apiKey = "sandbox-key-of-the-tests";

async function givenServer(...parts: Parameters<typeof composeServer>) {
  const given = await composeServer(...parts);
  onTestFinished(async () => {
    await given.server.stopBackground();
    await given.server.close();
    await given.sql.end();
  });
  return given;
}

async function composeServer(
  movieService: ServiceAccess | undefined,
  environment: Record<string, string> = {},
  parts: Partial<CompleteConfig> = {},
) {
  const { url: databaseUrl } = await createTestDatabase();
  const sql = await connectOnce(databaseUrl);
  const config = {
    ...readConfig(environment),
    databaseUrl,
    movieService,
    paymentGateway: { url: "http://127.0.0.1:1", apiKey },
    ticketSigningKeys: testTicketKeys,
    imageFolder: join(tmpdir(), "skyfox-without-pictures"),
    ...parts,
  };
  const logger = createMemoryLogger();
  const server = await compose(config, logger, () => "");
  return { server, sql, databaseUrl, lines: logger.lines };
}

test("a server that starts fills in the films that an adopted database knows by their ids", async () => {
  const service = await startMovieService({ apiKey });
  onTestFinished(service.stop);
  const { server, sql } = await givenServer({ url: service.url, apiKey });
  await sql.query("insert into movie (movie_id, title) values ('tt1375666', 'tt1375666')");
  await server.startBackground();
  await until(sql, "select from movie where title = 'Inception' and runtime_minutes = 148");
  expect(service.calls()).toEqual(["/movies/tt1375666"]);
});

test("a server without a movie service knows no films, and says why", async () => {
  const { server } = await givenServer(undefined);
  const unavailable = { kind: "unavailable", reason: "MOVIE_SERVICE_URL is not set" };
  expect(await server.deps.movies.list()).toEqual(unavailable);
  expect(await server.deps.movies.find("tt1375666")).toEqual(unavailable);
});

test("verbs get the settings that they use, and no secret", async () => {
  const { server } = await givenServer(undefined);
  expect(Object.keys(server.deps.settings).toSorted()).toEqual([
    "background",
    "cinemaName",
    "cinemaTimeZone",
    "currency",
    "holdLimits",
    "holdSeconds",
    "payingSeconds",
    "refusesPublishedPasswords",
  ]);
});

test.each([
  ["on", 1],
  ["off", 0],
])("with PREPARED_STATEMENTS=%s a server has prepared what it asks: %i", async (setting, prepared) => {
  const { server } = await givenServer(undefined, { PREPARED_STATEMENTS: setting });
  const { rows } = await server.deps.db.connection().execute(async (connection) => {
    await connection.selectFrom("slot").select("id").execute();
    return await statement<{ count: number }>`
      select count(*)::int as count from pg_prepared_statements where statement like '%from "slot"'`.execute(
      connection,
    );
  });
  expect(rows).toEqual([{ count: prepared }]);
});

test("a server that closes first writes the tries that were given back", async () => {
  const { server, sql } = await composeServer(undefined);
  onTestFinished(() => sql.end());
  const expire = 2_000_000_000_000;
  await sql.query(`insert into rate_limit (key, points, expire) values ('cards', 5, ${expire})`);
  await sql.query("begin; select from rate_limit for update");
  const tried = server.deps.limits.plan("failedCards", { address: "192.0.2.7" });
  tried.giveBack([{ key: "cards", expire }]);
  await until(
    sql,
    "select from pg_stat_activity where datname = current_database() and query like '%return_free_tries%' and state = 'idle' and pid <> pg_backend_pid()",
  );
  const closing = server.close();
  await sql.query("commit");
  await closing;
  expect(await sql.query("select points from rate_limit where key = 'cards'")).toEqual([{ points: 4 }]);
});

test("what is due is done while callers have all their connections, on connections that bear another name", async () => {
  const { server, sql } = await givenServer(undefined);
  await sql.query("insert into rate_limit (key, points, expire) values ('over', 1, 1)");
  const { db } = server.deps;
  const end = Promise.withResolvers<void>();
  const connected = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
  const callers = connected.map(({ resolve }) =>
    db.transaction().execute(async (tx) => {
      await tx.selectFrom("slot").select("id").execute();
      resolve();
      await end.promise;
    }),
  );
  await Promise.all(connected.map(({ promise }) => promise));
  // Rebuilds the monitors, and begins a round of every task.
  await server.startBackground();
  await until(sql, "select where not exists (select from rate_limit where key = 'over')");
  const names = await sql.query(
    "select distinct application_name as name from pg_stat_activity where datname = current_database() and application_name like 'skyfox%'",
  );
  end.resolve();
  await Promise.all(callers);
  expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(["skyfox", "skyfox-background"]));
});

test("callers are served while background tasks wait on all of their connections", async () => {
  const { server, sql, databaseUrl } = await givenServer(undefined);
  await server.startBackground();
  // The tasks that run first wait for these tables, and so do the monitors: as many as there are connections.
  await sql.query("begin");
  await sql.query(
    "lock table booking, payment_transaction, server_heartbeat, session in access exclusive mode",
  );
  for (let id = 1; id <= 5; id += 1) server.deps.monitors.arm(id, new Date(0));
  const watcher = await connectOnce(databaseUrl);
  onTestFinished(() => watcher.end());
  await until(
    watcher,
    "select from pg_stat_activity where application_name = 'skyfox-background' and datname = current_database() and wait_event_type = 'Lock' having count(*) = 5",
  );
  expect(await server.deps.db.selectFrom("slot").select("id").execute()).not.toEqual([]);
  await sql.query("rollback");
});

test("a database that takes no changes is told by /ready and by every change, and is used again once it does", async () => {
  const { server, sql } = await givenServer(undefined);
  const headers = { "x-api-key": developmentApiKey, "content-type": "application/json" };
  const body = JSON.stringify({ json: { username: "seed-user-1", password: "foobar" } });
  const logIn = () => server.app.request("/trpc/auth.login", { method: "POST", headers, body });
  const ready = async () => {
    const response = await server.app.request("/ready");
    return [response.status, await response.json()];
  };
  const setReadOnly = async (value: "on" | "off") => {
    const [{ name } = {}] = await sql.query("select current_database() as name");
    await sql.query(`alter database "${String(name)}" set default_transaction_read_only = ${value}`);
    // As in a failover, the connections go with the old primary.
    await sql.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  };

  await setReadOnly("on");
  await expect.poll(ready).toEqual([503, { status: "not ready", notReady: ["database (read-only)"] }]);
  const refused = await logIn();
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
  expect(await refused.text()).toContain('"code":"DATABASE_UNAVAILABLE"');
  await setReadOnly("off");
  await expect.poll(async () => (await logIn()).status).toBe(401);
  expect(await ready()).toEqual([200, { status: "ready" }]);
});

test("with BACKGROUND=off no hold expires, neither by a monitor nor by a sweep, and no picture is removed", async () => {
  const { server, sql } = await givenServer(undefined, { BACKGROUND: "off" });
  const { deps } = server;
  const now = deps.clock.now();
  const app = { sql, deps, clock: deps.clock } as unknown as TestApp;
  await givenPendingHolds(app, 100, now);
  await sql.query("insert into profile_image (key, remove_after, attempts) values ('x.jpg', now(), 0)");
  expect(await server.startBackground()).toEqual({ rehydrated: 0 });
  deps.monitors.arm(1, now);
  await server.stopBackground();
  expect(await sql.query("select status, count(*) from booking group by status")).toEqual([
    { status: "Pending", count: 100 },
  ]);
  expect(await sql.query("select attempts from profile_image")).toEqual([{ attempts: 0 }]);
  expect(deps.monitors).toBe(noExpiryMonitors);
});

test.each([
  ["refunds wait after a night", {}, true],
  [
    "no refund waits where the gateway is the sandbox that development brings along",
    { isSandboxGateway: true },
    false,
  ],
])("%s", async (_what, parts, doWait) => {
  const { server, sql } = await givenServer(undefined, {}, parts);
  await sql.query("insert into server_heartbeat (beat_at) values (now() - interval '10 hours')");
  await server.startBackground();
  expect(
    await sql.query(
      "select beat_at > now() - interval '1 minute' as beats, refunds_wait_since is not null as wait from server_heartbeat",
    ),
  ).toEqual([{ beats: true, wait: doWait }]);
});

test("a stop does not wait for the reading of the books, and callers who asked for it may come back", async () => {
  const { server, sql, lines } = await givenServer(undefined);
  await sql.query(
    "create or replace view integrity_violation as select 'rule' as rule, 'subject' as subject, pg_sleep(600)::text as details",
  );
  await server.startBackground();
  await until(
    sql,
    "select from pg_stat_activity where datname = current_database() and application_name = $1 and wait_event = 'PgSleep'",
    [booksApplicationName],
  );
  const token = await tokenOf(server.deps, await givenStaff(server.deps, "admin"));
  const ask = () => query(server, "admin.integrity", undefined, { token, apiKey: developmentApiKey });
  const asked = ask();
  await server.stopBackground();
  await server.idle();
  const late = await ask();
  await server.close();
  for (const answer of [await asked, late]) {
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(answer.error?.data.domain).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  }
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
});
