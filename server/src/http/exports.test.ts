import { once } from "node:events";
import { connect } from "node:net";
import { readXlsx } from "hucre/xlsx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDatabaseProxy, type Statement } from "../../test/database-proxy.ts";
import { givenSales } from "../../test/given-counter-sales.ts";
import { givenCustomer, givenStaff, tokenOf } from "../../test/given.ts";
import { openPort } from "../../test/open-port.ts";
import { headersFor, type CallOptions } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import { exportPageSize } from "../takings/export-bookings.ts";
import { logOut } from "../auth/log-out.ts";

const home = await createTestApp();
const proxy = await startDatabaseProxy(home.databaseUrl);
afterAll(() => proxy.close());
const app = await createTestApp({ beside: home, databaseUrl: () => proxy.url });
const port = await openPort(app);
const path = "/exports/bookings.csv";
const pagesThereAre = 4;

const tokens: Record<string, string> = {};
beforeAll(async () => {
  tokens["customer"] = await tokenOf(app.deps, await givenCustomer(app.deps));
  for (const role of ["staff", "admin"] as const)
    tokens[role] = await tokenOf(app.deps, await givenStaff(app.deps, role));
  const count = pagesThereAre * exportPageSize - 1;
  await givenSales(
    app,
    Array.from({ length: count }, () => ({ at: "2025-04-01 12:00Z" })),
  );
});

const ask = async (search = "", options: CallOptions = { token: tokens["staff"] }, method = "GET") =>
  await app.app.request(`${path}${search}`, { method, headers: headersFor(options) });

const isPage = ({ sql }: Statement) => sql.includes("b.no_of_seats as seats");
const countPages = () => proxy.statements().filter(isPage).length;

/** The pages that this read. */
async function pagesOf(run: () => Promise<unknown>): Promise<number> {
  const before = countPages();
  await run();
  return countPages() - before;
}

/** The log's lines with this message of the request. */
const linesOf = (requestId: string, msg: string) =>
  app.logger.lines.filter((line) => line["requestId"] === requestId && line["msg"] === msg);

describe("bookings are exported", () => {
  test.each(["staff", "admin"])("by %s", async (role) => {
    const response = await ask("", { token: tokens[role] });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/csv; charset=utf-8; header=present",
      "content-disposition": 'attachment; filename="bookings.csv"',
      "cache-control": "no-store",
    });
    const lines = (await response.text()).split("\r\n");
    expect(lines).toHaveLength(pagesThereAre * exportPageSize + 1);
    expect(lines[0]).toBe(
      "Booking ID,Show ID,Show Date,Customer Name,Phone Number,Number of Seats,Amount Paid,Payment Type,Booking Time,Status",
    );
  });

  test.each(["staff", "admin"])("as a workbook by %s", async (role) => {
    const response = await app.app.request("/exports/bookings.xlsx?month=4&year=2025", {
      headers: headersFor({ token: tokens[role] }),
    });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      "content-disposition": 'attachment; filename="bookings_April_2025.xlsx"',
      "cache-control": "no-store",
    });
    const { sheets } = await readXlsx(await response.arrayBuffer());
    expect(sheets[0]?.rows).toHaveLength(pagesThereAre * exportPageSize);
  });

  test("as a workbook to no customer", async () => {
    const response = await app.app.request("/exports/bookings.xlsx", {
      headers: headersFor({ token: tokens["customer"] }),
    });
    expect([response.status, await response.json()]).toMatchObject([403, { code: "FORBIDDEN" }]);
  });

  test("as a workbook no further than it is read", async () => {
    const pages = await pagesOf(async () => {
      const response = await app.app.request("/exports/bookings.xlsx", {
        headers: headersFor({ token: tokens["staff"] }),
      });
      await response.body?.cancel();
    });
    expect(pages).toBe(1);
  });

  test("in UTF-8 with a byte order mark", async () => {
    const bytes = new Uint8Array(await (await ask("?year=1900")).arrayBuffer());
    expect(Array.from(bytes.slice(0, 3))).toEqual([0xef, 0xbb, 0xbf]);
  });

  test.each([
    ["without an API key", { apiKey: null }, 403, "INVALID_API_KEY"],
    ["with a wrong API key", { apiKey: "wrong" }, 403, "INVALID_API_KEY"],
    ["without a token", {}, 401, "MISSING_TOKEN"],
    ["with what is no token", { token: "x" }, 401, "INVALID_TOKEN"],
  ] as const)("to no caller %s", async (_, options, status, code) => {
    const pages = await pagesOf(async () => {
      const response = await ask("?month=13", { ...options, headers: { "x-request-id": "e1" } });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ status: "ERROR", code, request_id: "e1" });
      expect(response.headers.has("content-disposition")).toBe(false);
    });
    expect(pages).toBe(0);
  });

  test("to no customer, and that is audited", async () => {
    const before = app.logger.lines.length;
    const response = await ask("", { token: tokens["customer"], headers: { "x-request-id": "e2" } });
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({
      status: "ERROR",
      code: "FORBIDDEN",
      message: "Your role may not do this.",
      request_id: "e2",
      details: { requiredRoles: ["staff", "admin"] },
    });
    expect(app.logger.lines.slice(before).filter((line) => line["audit"] !== undefined)).toMatchObject([
      { audit: "forbidden", method: "GET", path, reason: "role", requestId: "e2" },
    ]);
  });

  test("to no one who has logged out", async () => {
    const staff = await givenStaff(app.deps, "staff");
    const token = await tokenOf(app.deps, staff);
    await logOut(app.deps, staff, { everywhere: false });
    const response = await ask("", { token });
    expect([response.status, await response.json()]).toMatchObject([401, { code: "SESSION_ENDED" }]);
  });

  test("by GET and HEAD only", async () => {
    for (const method of ["POST", "PUT", "DELETE"])
      expect((await ask("", { token: tokens["staff"] }, method)).status).toBe(404);
  });

  test("with an entry in the audit that says who and which", async () => {
    const admin = await givenStaff(app.deps, "admin");
    const token = await tokenOf(app.deps, admin);
    await (await ask("?month=2&year=1900", { token })).text();
    await ask("?year=1900", { token }, "HEAD");
    await ask("?year=x", { token });
    expect(
      await app.sql.query("select action, subject, details from audit_entry where actor = $1", [
        admin.username,
      ]),
    ).toEqual([{ action: "bookings-exported", subject: null, details: { month: 2, year: 1900 } }]);
  });
});

describe("a filter", () => {
  test.each([
    ["", "bookings.csv"],
    ["?", "bookings.csv"],
    ["?month=&year=", "bookings.csv"],
    ["?month=1", "bookings_January.csv"],
    ["?month=04", "bookings_April.csv"],
    ["?month=12&year=", "bookings_December.csv"],
    ["?year=2025", "bookings_2025.csv"],
    ["?month=4&year=2025", "bookings_April_2025.csv"],
    ["?year=9999&month=12", "bookings_December_9999.csv"],
    ["?year=1000&month=1", "bookings_January_1000.csv"],
  ])("%j gives the file %s", async (search, name) => {
    const response = await ask(search);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${name}"`);
    const rows = (await response.text()).split("\r\n").length - 2;
    expect(rows).toBe(
      /^(\?|.*April.*|.*2025.*|bookings\.csv)$/.test(name) ? pagesThereAre * exportPageSize - 1 : 0,
    );
  });

  const month = "Give the month as a number from 1 to 12.";
  const year = "Give the year with four digits, such as 2026.";
  test.each([
    ["?month=0", { month }],
    ["?month=13", { month }],
    ["?month=-1", { month }],
    ["?month=4.0", { month }],
    ["?month=1e0", { month }],
    ["?month=%204", { month }],
    ["?month=April", { month }],
    ["?month=٤", { month }],
    ["?month=004", { month }],
    ["?year=abc", { year }],
    ["?year=0", { year }],
    ["?year=0999", { year }],
    ["?year=999", { year }],
    ["?year=10000", { year }],
    ["?year=+2025", { year }],
    ["?year=2025x", { year }],
    ["?month=4&month=4", { month: "Give this once." }],
    ["?year=2025&year=", { year: "Give this once." }],
    ["?months=4", { months: "There is no such field." }],
    ["?status=", { status: "There is no such field." }],
    ["?__proto__=4", { ["__proto__"]: "There is no such field." }],
    ["?month=13&year=abc&day=1", { month, year, day: "There is no such field." }],
  ])("%s is refused by its fields", async (search, fields) => {
    const pages = await pagesOf(async () => {
      const response = await ask(search, { token: tokens["admin"], headers: { "x-request-id": "e3" } });
      expect(response.status).toBe(400);
      const { errors, ...rest } = (await response.json()) as { errors: { field: string; message: string }[] };
      expect(rest).toEqual({
        status: "ERROR",
        code: "VALIDATION_ERROR",
        message: "Some of the input is not as it should be; see the fields.",
        request_id: "e3",
      });
      const expected = Object.entries(fields).map(([field, message]) => ({ field, message }));
      expect(errors.toSorted(byField)).toEqual(expected.toSorted(byField));
    });
    expect(pages).toBe(0);
  });
});

const byField = (one: { field: string }, other: { field: string }) => one.field.localeCompare(other.field);

test("HEAD answers as GET would, without the bookings", async () => {
  const pages = await pagesOf(async () => {
    const response = await ask("?year=2025", { token: tokens["staff"] }, "HEAD");
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="bookings_2025.csv"');
  });
  expect(pages).toBe(1);
});

test("a failure before the first page is an error answer, not half a file", async () => {
  const { reached } = proxy.intercept(isPage, "before");
  const response = await ask("", { token: tokens["staff"], headers: { "x-request-id": "e4" } });
  await reached;
  expect(response.status).toBe(503);
  expect(response.headers.has("content-disposition")).toBe(false);
  expect(await response.json()).toEqual({
    status: "ERROR",
    code: "DATABASE_UNAVAILABLE",
    message: "The database cannot be used at the moment. Try again after the time given.",
    request_id: "e4",
    details: { retryAfterSeconds: 2 },
  });
  expect(linesOf("e4", "A request failed unexpectedly.")).toHaveLength(1);
});

describe("a reader", () => {
  test("who reads slowly makes the server read no further than one page ahead, and holds nothing open", async () => {
    const before = countPages();
    const reader = (await ask()).body?.getReader();
    for (let read = 1; read <= pagesThereAre; read += 1) {
      expect((await reader?.read())?.done).toBe(false);
      await app.app.request(path, { method: "HEAD", headers: headersFor({ token: tokens["staff"] }) });
      // The first page and each HEAD's.
      expect(countPages() - before).toBe(2 * read);
      const busy = await app.sql.query(
        "select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null",
      );
      expect(busy).toEqual([]);
    }
    expect((await reader?.read())?.done).toBe(true);
  });

  test("who leaves ends the reading", async () => {
    const pages = await pagesOf(async () => {
      const response = await ask("", { token: tokens["staff"], headers: { "x-request-id": "e5" } });
      const reader = response.body?.getReader();
      await reader?.read();
      await reader?.cancel();
      await ask("", { token: tokens["staff"] }, "HEAD");
    });
    expect(pages).toBe(2);
    expect(linesOf("e5", "An export has ended.")).toMatchObject([{ outcome: "left" }]);
  });

  test("has two of the pool's connections at most, together with all other readers", async () => {
    const held = [proxy.intercept(isPage, "hold"), proxy.intercept(isPage, "hold")];
    const before = countPages();
    const asked = [ask(), ask(), ask("", { token: tokens["admin"] })];
    await Promise.all(held.map(({ reached }) => reached));
    // Exports that wait for a turn do not keep other calls waiting.
    expect(
      (await app.app.request("/trpc/auth.me", { headers: headersFor({ token: tokens["staff"] }) })).status,
    ).toBe(200);
    expect(countPages() - before).toBe(2);
    for (const { release } of held) release();
    const texts = await Promise.all(asked.map(async (response) => (await response).text()));
    expect(new Set(texts).size).toBe(1);
  });

  test("who leaves while waiting for a turn takes none", async () => {
    const response = await ask("", { token: tokens["staff"], headers: { "x-request-id": "e9" } });
    const reader = response.body?.getReader();
    await reader?.read();
    const held = [proxy.intercept(isPage, "hold"), proxy.intercept(isPage, "hold")];
    const heads = [ask("", { token: tokens["staff"] }, "HEAD"), ask("", { token: tokens["staff"] }, "HEAD")];
    await Promise.all(held.map(({ reached }) => reached));
    const pages = await pagesOf(async () => {
      const waiting = reader?.read();
      const left = reader?.cancel();
      for (const { release } of held) release();
      expect(await waiting).toEqual({ done: true, value: undefined });
      await left;
      await Promise.all(heads);
      await ask("", { token: tokens["staff"] }, "HEAD");
    });
    expect(pages).toBe(1);
    expect(linesOf("e9", "An export broke off.")).toEqual([]);
  });
});

describe("over a connection", () => {
  /** Sends the request, and gives what has come when the connection ends. */
  function open(requestId: string) {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A reset is an answer too.
    socket.on("error", () => {});
    const lines = [
      `GET ${path} HTTP/1.1`,
      "host: localhost",
      "connection: close",
      `x-api-key: ${testApiKey}`,
      `authorization: Bearer ${tokens["staff"]}`,
      `x-request-id: ${requestId}`,
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const ended = once(socket, "close").then(() => Buffer.concat(chunks).toString());
    return { socket, ended };
  }

  test("the whole file arrives, and its end is marked", async () => {
    const text = await open("e6").ended;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.toLowerCase()).toContain("transfer-encoding: chunked");
    expect(text.endsWith("0\r\n\r\n")).toBe(true);
    expect(linesOf("e6", "An export has ended.")).toMatchObject([{ outcome: "complete" }]);
  });

  test("a failure after the first page breaks the transfer off, so that half a file is not taken for all of it", async () => {
    const third = intercept(3, "before");
    const text = await open("e7").ended;
    await third.reached;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.endsWith("0\r\n\r\n")).toBe(false);
    expect(text).not.toContain("Error");
    expect(linesOf("e7", "An export broke off.")).toMatchObject([
      { level: "error", err: { message: expect.stringContaining("Connection terminated") as string } },
    ]);
  });

  test("a reader who leaves while a page is read makes it the last one, and nothing fails", async () => {
    const third = intercept(3, "hold");
    const { socket, ended } = open("e8");
    await third.reached;
    const before = countPages();
    socket.destroy();
    await ended;
    await logged("e8", "An export has ended.");
    third.release();
    await ask("", { token: tokens["staff"] }, "HEAD");
    expect(countPages() - before).toBe(1);
    expect(linesOf("e8", "An export has ended.")).toMatchObject([{ outcome: "left" }]);
    expect(linesOf("e8", "An export broke off.")).toEqual([]);
  });

  /** Intercepts the page that comes as the given one from now on. */
  function intercept(nth: number, deed: "hold" | "before") {
    let left = nth;
    return proxy.intercept((statement) => isPage(statement) && (left -= 1) === 0, deed);
  }

  async function logged(requestId: string, msg: string): Promise<void> {
    while (linesOf(requestId, msg).length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
});
