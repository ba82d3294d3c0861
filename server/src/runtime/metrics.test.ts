import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { givenCustomer, givenShow, goodCard } from "../../test/given.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { createTestApp, testTicketKeys } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { readConfig } from "../config.ts";
import { createMetrics, type ReadableMetrics } from "./metrics.ts";
import { checkBooks, openBooks } from "../payment/check-books.ts";
import { serve } from "../serve.ts";
import { addFunds } from "../wallet/add-funds.ts";
import { Decimal } from "../contract/index.ts";

const app = await createTestApp();
const { deps, sql, logger } = app;

/** The value of a metric without labels, as Prometheus would read it. */
function valueOf(text: string, name: string): number {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

async function read(metrics: ReadableMetrics, name: string): Promise<number> {
  return valueOf(await metrics.read(), name);
}

const violations = "skyfox_integrity_violations";
const inDoubt = "skyfox_payments_in_doubt";

function nowhere(): string {
  const url = new URL(app.databaseUrl);
  url.pathname = "/nowhere";
  return url.href;
}

describe("books that do not add up", () => {
  test("are an error line and a gauge, until they are mended", async () => {
    const metrics = createMetrics(deps);
    const errors = () => logger.lines.filter(({ level }) => level === "error");
    expect(await read(metrics, violations)).toBeNaN();
    await checkBooks({ ...deps, metrics });
    expect([await read(metrics, violations), errors()]).toEqual([0, []]);

    const customer = await givenCustomer(deps);
    const hold = { showId: await givenShow(app), seatNumbers: ["A1", "A2"] };
    const { bookingId } = await holdSeats(deps, customer, hold);
    await sql.query("update booking set no_of_seats = 3 where id = $1", [bookingId]);
    const subject = `booking ${bookingId}`;
    expect(await checkBooks({ ...deps, metrics })).toMatchObject([{ subject }]);
    expect(await read(metrics, violations)).toBe(1);
    expect(errors()).toMatchObject([
      {
        msg: "The books do not add up: see admin.integrity and mend them by hand.",
        violations: [{ subject, rule: "number of seats does not match the seats" }],
      },
    ]);

    await sql.query("update booking set no_of_seats = 2 where id = $1", [bookingId]);
    await checkBooks({ ...deps, metrics });
    expect([await read(metrics, violations), errors().length]).toEqual([0, 1]);
  });
});

describe("payments in doubt", () => {
  test("are counted when the metrics are read", async () => {
    const metrics = createMetrics(deps);
    expect(await read(metrics, inDoubt)).toBe(0);
    app.gateway.script("error-after-success");
    const customer = await givenCustomer(deps);
    const funds = addFunds(deps, customer, { amount: new Decimal("10.50"), card: goodCard });
    expect(await refusalOf(funds)).toBe("PAYMENT_OUTCOME_UNKNOWN");
    expect(await read(metrics, inDoubt)).toBe(1);
    await app.reconcile();
    expect(await read(metrics, inDoubt)).toBe(0);
  });

  test("are not known without the database, and the other numbers are there all the same", async () => {
    const db = openDatabase(nowhere(), { maxConnections: 1 });
    onTestFinished(() => db.destroy());
    const quiet = createMemoryLogger();
    const text = await createMetrics({ db, logger: quiet }).read();
    expect(valueOf(text, inDoubt)).toBeNaN();
    expect(valueOf(text, "process_resident_memory_bytes")).toBeGreaterThan(0);
    expect(quiet.lines).toMatchObject([
      { level: "warn", msg: "The payments in doubt could not be counted." },
    ]);
  });
});

test("books that cannot be read are NaN, and the last good number is gone", async () => {
  const metrics = createMetrics(deps);
  await checkBooks({ ...deps, metrics });
  expect(await read(metrics, violations)).toBe(0);
  const books = openBooks(nowhere());
  onTestFinished(() => books.close());
  await expect(checkBooks({ ...deps, books, metrics })).rejects.toThrow();
  expect(await read(metrics, violations)).toBeNaN();
});

test("the books are read once for all who ask meanwhile", async () => {
  const [one, other] = [deps.books.listViolations(), deps.books.listViolations()];
  expect(one).toBe(other);
  expect(await one).toEqual([]);
  expect(deps.books.listViolations()).not.toBe(one);
});

describe("the port of the metrics", () => {
  async function startServer(environment: Record<string, string>) {
    const { url: databaseUrl } = await createTestDatabase();
    const lines = createMemoryLogger();
    const config = {
      ...readConfig({ PORT: "0", ...environment }),
      databaseUrl,
      ticketSigningKeys: testTicketKeys,
      paymentGateway: { url: app.gateway.url, apiKey: "not used here" },
      imageFolder: join(tmpdir(), "skyfox-without-pictures"),
    };
    const server = await serve(config, lines);
    onTestFinished(() => server.close());
    return { server, lines: lines.lines };
  }

  test("answers on loopback, with nothing but the metrics, and the log says where", async () => {
    const { server, lines } = await startServer({ METRICS_PORT: "0" });
    const metricsUrl = server.metricsUrl!;
    expect(metricsUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    expect(lines.find(({ msg }) => msg === "SkyFox is listening.")).toMatchObject({ metricsUrl });

    const answer = await fetch(metricsUrl);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await answer.text();
    expect(valueOf(text, inDoubt)).toBe(0);
    expect(valueOf(text, "process_cpu_seconds_total")).toBeGreaterThan(0);
    // The check at the start runs beside everything else.
    await vi.waitUntil(async () => valueOf(await (await fetch(metricsUrl)).text(), violations) === 0);

    for (const path of ["", "metrics/", "health", "trpc/show.list"])
      expect((await fetch(new URL(`/${path}`, metricsUrl))).status).toBe(404);
    expect((await fetch(metricsUrl, { method: "POST" })).status).toBe(404);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(403);
    const apiKey = readConfig({}).apiKeys[0]!.key;
    expect((await fetch(`${server.url}/metrics`, { headers: { "x-api-key": apiKey } })).status).toBe(404);
    const { port } = new URL(metricsUrl);
    for (const address of otherAddresses())
      await expect(fetch(`http://${address}:${port}/metrics`)).rejects.toThrow();

    await server.close();
    await expect(fetch(metricsUrl)).rejects.toThrow();
  });

  test("is not there unless it is set", async () => {
    const { server, lines } = await startServer({});
    expect(server.metricsUrl).toBeUndefined();
    expect(lines.find(({ msg }) => msg === "SkyFox is listening.")).not.toHaveProperty("metricsUrl");
  });

  test("that is taken stops the start", async () => {
    const { server } = await startServer({ METRICS_PORT: "0" });
    const { port } = new URL(server.metricsUrl!);
    await expect(startServer({ METRICS_PORT: port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

// Addresses of this machine that others can reach it by; none where it has no network.
function otherAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address),
  );
}
