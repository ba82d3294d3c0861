import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOnce } from "@skyfox/db";
import { createEmptyDatabase, createTestDatabase, throughPort } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { withCustomer } from "../test/customer-sql.ts";
import { startPaymentGateway } from "../../scripts/sandbox/payment-gateway.ts";
import { startDatabaseProxy } from "../test/database-proxy.ts";
import { createMemoryLogger } from "../test/memory-logger.ts";
import { testTicketKeys } from "../test/test-app.ts";
import { untilLockWait } from "../test/until.ts";
import { developmentApiKey, readConfig } from "./config.ts";
import { serve, type StartOptions } from "./serve.ts";

const apiKey = "gateway-key-of-the-tests";
const tried = "The start did not succeed for a reason that may pass; it is tried again.";

/** Begins a start, which the test's end stops, and what it has logged. */
function begin(databaseUrl: string, environment: Record<string, string> = {}, options: StartOptions = {}) {
  const logger = createMemoryLogger();
  const config = {
    ...readConfig({ PORT: "0", ...environment }),
    databaseUrl,
    paymentGateway: { url: environment["GATEWAY"] ?? "http://127.0.0.1:1", apiKey },
    ticketSigningKeys: testTicketKeys,
    imageFolder: join(tmpdir(), "skyfox-without-pictures"),
  };
  const starting = serve(config, logger, options);
  onTestFinished(async () => {
    const server = await starting.catch(() => undefined);
    await server?.close();
  });
  const linesOf = (message: string) => logger.lines.filter(({ msg }) => String(msg).startsWith(message));
  const line = async (message: string) =>
    await vi.waitUntil(() => linesOf(message)[0], { timeout: 20_000, interval: 5 });
  return { starting, logger, line, linesOf };
}

async function connectTo(url: string) {
  const sql = await connectOnce(url);
  onTestFinished(() => sql.end());
  return sql;
}

async function listenAt(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  return server;
}

async function answersOf(url: string) {
  const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
    const response = await fetch(`${url}${path}`, { headers, method });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const key = { "x-api-key": developmentApiKey };
  const origin = { origin: "http://localhost:3000" };
  return {
    health: await ask("/health"),
    ready: await ask("/ready"),
    call: await ask("/trpc/auth.securityQuestions", { ...key, ...origin }),
    plain: await ask("/tickets/keys", key),
    keyless: await ask("/trpc/auth.securityQuestions"),
    picture: await ask("/images/x.jpg"),
    preflight: await ask(
      "/trpc/booking.pay",
      { ...origin, "access-control-request-method": "POST" },
      "OPTIONS",
    ),
  };
}

describe("while a server starts", () => {
  test("its port is open already and refuses calls as api.md says, until it is ready", async () => {
    const { url } = await createEmptyDatabase();
    const sql = await connectTo(url);
    await sql.query("select pg_advisory_lock(hashtextextended('skyfox.migrations', 0))");
    const { starting, line, linesOf } = begin(url, { METRICS_PORT: "0" });
    const opened = await line("The port is open");
    const answers = await answersOf(String(opened["url"]));
    expect([answers.health.status, answers.health.body]).toEqual([200, '{"status":"healthy"}']);
    expect([answers.ready.status, JSON.parse(answers.ready.body)]).toEqual([
      503,
      { status: "not ready", notReady: ["starting"] },
    ]);
    const refused = { code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds: 2 } };
    expect(answers.call.status).toBe(503);
    expect(JSON.parse(answers.call.body)).toMatchObject({ error: { json: { data: { domain: refused } } } });
    expect(answers.call.headers.get("retry-after")).toBe("2");
    expect(answers.call.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(answers.plain.status).toBe(503);
    expect(JSON.parse(answers.plain.body)).toMatchObject({ status: "ERROR", code: "DATABASE_UNAVAILABLE" });
    expect(JSON.parse(answers.plain.body)).toMatchObject({
      request_id: answers.plain.headers.get("x-request-id"),
    });
    expect(answers.keyless.status).toBe(403);
    expect(answers.picture.status).toBe(503);
    expect(answers.preflight.status).toBe(204);
    expect((await fetch(String(opened["metricsUrl"]))).status).toBe(503);
    expect(linesOf("SkyFox is listening.")).toEqual([]);

    await sql.query("select pg_advisory_unlock_all()");
    const server = await starting;
    expect(server.url).toBe(opened["url"]);
    const later = await answersOf(server.url);
    expect([later.ready.status, later.call.status, later.plain.status]).toEqual([200, 200, 200]);
    expect((await fetch(server.metricsUrl ?? "")).status).toBe(200);
    expect(linesOf("SkyFox is listening.")).toMatchObject([{ url: server.url, rehydrated: 0 }]);
  });

  test("a port that is in use ends the start before anything was done to the database", async () => {
    const other = await listenAt(0);
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const { url } = await createEmptyDatabase();
    for (const ports of [{ PORT: String(port) }, { METRICS_PORT: String(port) }])
      await expect(begin(url, ports).starting).rejects.toMatchObject({ code: "EADDRINUSE", port });
    const sql = await connectTo(url);
    expect(await sql.query("select from pg_class where relnamespace = 'public'::regnamespace")).toEqual([]);
  });

  test("nothing is settled and no call gets through while a payment is locked; then the start goes on", async () => {
    const { url } = await createTestDatabase();
    const gateway = await startPaymentGateway({ apiKey });
    onTestFinished(gateway.stop);
    const sql = await connectTo(url);
    await sql.query(unknownTopUp);
    const locking = await connectTo(url);
    await locking.query("begin; select from payment_transaction for update");
    const { starting, line, linesOf } = begin(url, { GATEWAY: gateway.url });
    const { url: address } = await line("The port is open");
    await untilLockWait(sql);
    expect((await answersOf(String(address))).call.status).toBe(503);
    const retry = await line(tried);
    expect(retry).toMatchObject({ level: "warn", reason: expect.stringContaining("lock timeout") as string });
    expect(linesOf("Asked about a payment.")).toEqual([]);
    await locking.query("rollback");
    const server = await starting;
    expect((await answersOf(server.url)).ready.status).toBe(200);
    await line("Asked about a payment.");
  });
});

describe("a database that is not there yet", () => {
  test("is waited for, with the reason in the log", async () => {
    const { url } = await createTestDatabase();
    const placeholder = await listenAt(0);
    const { port } = placeholder.address() as AddressInfo;
    await new Promise((resolve) => placeholder.close(resolve));
    const { starting, line } = begin(throughPort(url, port));
    expect(await line(tried)).toMatchObject({ reason: expect.stringContaining("ECONNREFUSED") as string });
    const proxy = await startDatabaseProxy(url, port);
    onTestFinished(() => proxy.close());
    expect((await answersOf((await starting).url)).ready.status).toBe(200);
  });

  test("may also be a host that takes connections and says nothing", async () => {
    const silent = await listenAt(0);
    const { port } = silent.address() as AddressInfo;
    const sockets = new Set<Socket>();
    silent.on("connection", (socket) => sockets.add(socket));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const stop = new AbortController();
    const { starting, line } = begin(`postgres://skyfox@127.0.0.1:${port}/none`, {}, { signal: stop.signal });
    expect(await line(tried)).toMatchObject({ reason: expect.stringContaining("timeout") as string });
    stop.abort();
    await expect(starting).rejects.toBe(stop.signal.reason);
  });

  test("ends the start after two minutes, with its own error and a closed port", async () => {
    let now = 0;
    const timing = {
      nowMs: () => now,
      pause: (ms: number) => Promise.resolve(void (now += ms)),
    };
    const { starting, linesOf, line } = begin("postgres://nobody@127.0.0.1:1/none", {}, { timing });
    await expect(starting).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(linesOf(tried).length).toBeGreaterThan(10);
    const { url } = await line("The port is open");
    await expect(fetch(`${String(url)}/health`)).rejects.toThrow("fetch failed");
  });

  test("is waited for no longer once the start is to end", async () => {
    const stop = new AbortController();
    const { starting, line } = begin("postgres://nobody@127.0.0.1:1/none", {}, { signal: stop.signal });
    await line(tried);
    stop.abort();
    await expect(starting).rejects.toBe(stop.signal.reason);
  });
});

test.each([
  ["a wrong password", (url: URL) => void (url.password = "wrong"), "28P01"],
  ["a database that does not exist", (url: URL) => void (url.pathname = "/missing"), "3D000"],
])("%s ends the start at once", async (_what, spoil, code) => {
  const url = new URL((await createTestDatabase()).url);
  spoil(url);
  const { starting, linesOf } = begin(url.href);
  await expect(starting).rejects.toMatchObject({ code });
  expect(linesOf(tried)).toEqual([]);
});

const unknownTopUp = `${withCustomer}
  insert into payment_transaction (username, payment_method, amount, card_amount, status, started_at, next_attempt_at)
  select username, 'Card', 80, 80, 'Unknown', now() - interval '1 minute', now() + interval '1 minute' from wallet`;
