import { beforeAll, describe, expect, test } from "vitest";
import { givenBooking, givenFunds } from "../../test/given-money.ts";
import {
  givenCustomer,
  givenShow,
  givenStaff,
  goodCard,
  declinedCard,
  testAnswer,
  tokenOf,
} from "../../test/given.ts";
import { givenPhoto, uploadOf } from "../../test/pictures.ts";
import { openPort } from "../../test/open-port.ts";
import { rest, type RestError } from "../../test/rest-call.ts";
import { headersFor, mutate } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey } from "../../test/test-app.ts";
import type { User } from "../deps.ts";
import type { OpenApiDocument } from "../openapi/document.ts";

const app = await createTestApp();

let customer: User;
const tokens: Record<string, string> = {};
let showId: number;
beforeAll(async () => {
  customer = await givenCustomer(app.deps);
  tokens["customer"] = await tokenOf(app.deps, customer);
  for (const role of ["staff", "admin"] as const)
    tokens[role] = await tokenOf(app.deps, await givenStaff(app.deps, role));
  showId = await givenShow(app, { cost: "200" });
});
const as = (role: string, headers: Record<string, string> = {}) => ({ token: tokens[role], headers });

interface Hold {
  bookingId: number;
  amountDue: string;
  expiresAt: string;
}

async function hold(seatNumbers: string[], headers?: Record<string, string>) {
  return await rest<Hold>(app, `POST /shows/${showId}/holds`, { seatNumbers }, as("customer", headers));
}

describe("a customer", () => {
  test("holds and pays in plain JSON: amounts are text, instants have their offset, null stays", async () => {
    const held = await hold(["A1", "A2"]);
    expect(held.status).toBe(201);
    expect(held.body).toEqual({
      bookingId: expect.any(Number) as number,
      showId,
      seatNumbers: ["A1", "A2"],
      amountDue: "400.00",
      expiresAt: "2026-03-10T06:35:00.000Z",
      timeRemainingMs: 300_000,
    });
    const { bookingId } = held.body;
    const paid = await rest(
      app,
      `POST /bookings/${bookingId}/payments`,
      { method: "Card", card: goodCard },
      as("customer"),
    );
    expect(paid.status).toBe(200);
    expect(paid.body).toMatchObject({
      bookingId,
      amountDue: "400.00",
      amountPaid: "400.00",
      walletAmount: "0.00",
      expiresAt: null,
      refund: null,
      status: "Confirmed",
      bookingTime: "2026-03-10T06:30:00.000Z",
    });
    expect(Object.fromEntries(paid.headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.any(String) as string,
      "date-ms": String(app.clock.now().getTime()),
    });
  });

  test("adds funds with an amount as text, and not as a number", async () => {
    const body = { amount: "50", card: goodCard };
    const added = await rest<object>(app, "POST /wallet/top-ups", body, as("customer"));
    expect([added.status, added.body]).toMatchObject([200, { balance: "50.00", available: "50.00" }]);
    const refused = await rest(app, "POST /wallet/top-ups", { ...body, amount: 50 }, as("customer"));
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { code: "VALIDATION_ERROR", errors: [{ field: "amount" }] },
    ]);
  });

  test("puts a picture as over tRPC", async () => {
    const image = uploadOf(await givenPhoto("png"));
    const body = { securityAnswer: testAnswer, image };
    const { status, body: link } = await rest<object>(app, "PUT /auth/profile-image", body, as("customer"));
    expect([status, link]).toEqual([
      200,
      { url: expect.any(String) as string, expiresAt: "2026-03-11T06:30:00.000Z" },
    ]);
    const large = { ...image, base64: "A".repeat(9_000_000) };
    const refused = await rest(app, "PUT /auth/profile-image", { ...body, image: large }, as("customer"));
    expect(refused.body).toMatchObject({ code: "INVALID_IMAGE", details: { reason: "too-large" } });
  });

  test("gets the tickets as files with names", async () => {
    const { bookingId } = await givenBooking(app, customer, "card", { showId, seat: "B1" });
    const fileOf = async (extension: string) => {
      const path = `/api/v1/bookings/${bookingId}/ticket.${extension}`;
      const response = await app.app.request(path, { headers: headersFor(as("customer")) });
      expect(response.headers.get("content-disposition")).toBe(
        `attachment; filename="ticket-${bookingId}.${extension}"`,
      );
      const bytes = Buffer.from(await response.arrayBuffer());
      return [response.status, response.headers.get("content-type"), bytes.toString("latin1", 0, 5)];
    };
    expect(await fileOf("png")).toEqual([200, "image/png", "\u0089PNG\r"]);
    expect(await fileOf("pdf")).toEqual([200, "application/pdf", "%PDF-"]);
  });

  test("pages through what is theirs", async () => {
    const other = await givenCustomer(app.deps);
    const token = await tokenOf(app.deps, other);
    await givenFunds(app, other, "10");
    await givenFunds(app, other, "20");
    interface Page {
      items: { amount: string }[];
      nextCursor: string | null;
    }
    const first = await rest<Page>(app, "GET /wallet/transactions?limit=1", undefined, { token });
    expect(first.body.items).toMatchObject([{ amount: "20.00" }]);
    const route = `GET /wallet/transactions?limit=1&cursor=${first.body.nextCursor}`;
    const second = await rest<Page>(app, route, undefined, { token });
    expect(second.body).toMatchObject({ items: [{ amount: "10.00" }], nextCursor: null });
  });
});

describe("a key", () => {
  test("makes a repeated call answer as the first did, also over tRPC", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const first = await hold(["C1"], key);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    const again = await hold(["C1"], key);
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(again.body).toEqual(first.body);
    const input = { showId, seatNumbers: ["C1"] };
    const byTrpc = await mutate(app, "booking.initialize", input, as("customer", key));
    expect(byTrpc.headers.get("idempotent-replayed")).toBe("true");
    const another = await rest(
      app,
      `POST /shows/${showId}/holds`,
      { seatNumbers: ["C2"] },
      as("customer", key),
    );
    expect([another.status, another.body.code]).toEqual([422, "IDEMPOTENCY_MISMATCH"]);
  });

  test("is one key for REST and tRPC also while its first call runs", async () => {
    const { body } = await hold(["C5"]);
    const key = { "idempotency-key": crypto.randomUUID() };
    const payment = { method: "Card", card: goodCard };
    const [one, other] = await Promise.all([
      rest(app, `POST /bookings/${body.bookingId}/payments`, payment, as("customer", key)),
      mutate(app, "booking.pay", { bookingId: body.bookingId, ...payment }, as("customer", key)),
    ]);
    expect([one.status, other.status].toSorted((a, b) => a - b)).toEqual([200, 409]);
    const codes = [one.body.code, other.error?.data.domain?.code];
    expect(codes).toContain("IDEMPOTENCY_IN_FLIGHT");
  });
});

describe("a refusal in the plain shape", () => {
  test("has code, sentence, request id and details, with amounts and instants as in answers", async () => {
    const { body } = await hold(["D1"]);
    const path = `POST /bookings/${body.bookingId}/payments`;
    const options = as("customer", { "x-request-id": "r-1" });
    const declined = await rest(app, path, { method: "Card", card: declinedCard }, options);
    expect([declined.status, declined.body]).toEqual([
      402,
      {
        status: "ERROR",
        code: "PAYMENT_DECLINED",
        message: "The card was declined; nothing was charged.",
        request_id: "r-1",
        details: { retryUntil: "2026-03-10T06:35:00.000Z" },
      },
    ]);
    const tooMuch = { amount: "10000.01", card: goodCard };
    const refused = await rest(app, "POST /wallet/top-ups", tooMuch, as("customer"));
    expect(refused.body).toMatchObject({ code: "AMOUNT_TOO_LARGE", details: { max: "10000.00" } });
  });

  test("names the fields of the input", async () => {
    const { status, body } = await rest(
      app,
      `POST /shows/${showId}/holds`,
      { seatNumbers: [1], note: "x" },
      as("customer"),
    );
    expect(status).toBe(400);
    expect(body.errors?.map(({ field }) => field)).toEqual(["seatNumbers[0]", "note"]);
  });

  test("says when to try again", async () => {
    const wrong = { username: `none-${crypto.randomUUID()}`, password: "Wrong-Horse-1" };
    let reply = await rest(app, "POST /auth/login", wrong);
    for (let tries = 0; reply.status === 401 && tries < 30; tries += 1)
      reply = await rest(app, "POST /auth/login", wrong);
    expect([reply.status, reply.body.code]).toEqual([429, "RATE_LIMITED"]);
    expect(reply.headers.get("retry-after")).toBe(String(reply.body.details?.["retryAfterSeconds"]));
  });

  test("is our fault without a word of the cause", async () => {
    await app.sql.query("alter table security_questions rename to questions_elsewhere");
    const { status, body } = await rest(app, "GET /auth/security-questions");
    await app.sql.query("alter table questions_elsewhere rename to security_questions");
    expect([status, body.code]).toEqual([500, "INTERNAL_SERVER_ERROR"]);
    expect(JSON.stringify(body)).not.toMatch(/questions_elsewhere|relation/);
  });
});

describe("a request that no call can be made of", () => {
  test.each<[string, string, unknown, number, string, string[]?]>([
    ["an unknown path", "GET /nowhere", undefined, 404, "NOT_FOUND"],
    ["an unknown path with a body", "POST /nowhere", {}, 404, "NOT_FOUND"],
    ["another method", "DELETE /shows", undefined, 405, "METHOD_NOT_SUPPORTED"],
    ["an id that is no number", "GET /shows/one", undefined, 400, "VALIDATION_ERROR", ["showId"]],
    ["an id of more digits", "GET /shows/007", undefined, 400, "VALIDATION_ERROR", ["showId"]],
    ["an id below one", "GET /shows/0", undefined, 400, "VALIDATION_ERROR", ["showId"]],
    ["an unknown parameter", "GET /shows?day=1", undefined, 400, "VALIDATION_ERROR", ["day"]],
    [
      "a parameter twice",
      "GET /shows?date=2026-03-10&date=2026-03-11",
      undefined,
      400,
      "VALIDATION_ERROR",
      ["date"],
    ],
    ["__proto__", "GET /shows?__proto__=x", undefined, 400, "VALIDATION_ERROR", [""]],
    [
      "what is in the path also in the query",
      "GET /shows/1?showId=2",
      undefined,
      400,
      "VALIDATION_ERROR",
      ["showId"],
    ],
    [
      "an input in the query of a POST",
      "POST /auth/login?username=x",
      {},
      400,
      "VALIDATION_ERROR",
      ["username"],
    ],
    ["a list as body", "POST /auth/login", [], 400, "VALIDATION_ERROR", [""]],
    ["null as body", "POST /auth/login", null, 400, "VALIDATION_ERROR", [""]],
  ])("%s", async (_, route, body, status, code, fields) => {
    const reply = await rest(app, route, body, as("customer"));
    expect([reply.status, reply.body.code]).toEqual([status, code]);
    expect(reply.body.status).toBe("ERROR");
    expect(reply.body.request_id).toBe(reply.headers.get("x-request-id"));
    expect(reply.body.errors?.map(({ field }) => field)).toEqual(fields);
  });

  test("names the methods that a path has", async () => {
    const { headers } = await rest(app, "DELETE /admin/staff", undefined, as("admin"));
    expect(headers.get("allow")).toBe("POST, GET");
  });

  test("is refused before its body is read: no key, no path, another type", async () => {
    const unread = () =>
      new ReadableStream({
        pull() {
          throw new Error("The body was read.");
        },
      });
    const post = async (path: string, headers: Record<string, string>) => {
      const init = { method: "POST", headers, body: unread(), duplex: "half" };
      const response = await app.app.request(`/api/v1${path}`, init as RequestInit);
      return [response.status, ((await response.json()) as RestError).code];
    };
    const json = { "content-type": "application/json" };
    expect(await post("/auth/login", json)).toEqual([403, "INVALID_API_KEY"]);
    expect(await post("/nowhere", { ...headersFor(), ...json })).toEqual([404, "NOT_FOUND"]);
    expect(await post("/auth/login", { ...headersFor(), "content-type": "text/plain" })).toEqual([
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ]);
  });

  test.each([
    ["a text that is no JSON", "{", 400, "VALIDATION_ERROR"],
    ["too many values", `{"a":[${"1,".repeat(400)}1]}`, 400, "VALIDATION_ERROR"],
    ["a long text", JSON.stringify({ username: "x".repeat(20_000) }), 400, "VALIDATION_ERROR"],
    ["deep nesting", `{"a":${"[".repeat(20)}${"]".repeat(20)}}`, 400, "VALIDATION_ERROR"],
    ["more than 64 KB", JSON.stringify({ username: "x".repeat(70_000) }), 413, "PAYLOAD_TOO_LARGE"],
  ])("has %s as body", async (_, body, status, code) => {
    const headers = {
      ...headersFor(),
      "content-type": "application/json",
      "content-length": String(body.length),
    };
    const response = await app.app.request("/api/v1/auth/login", { method: "POST", headers, body });
    expect([response.status, ((await response.json()) as RestError).code]).toEqual([status, code]);
  });

  test("has more parameters than any call takes", async () => {
    const { status, body } = await rest(app, `GET /shows?${"a=1&".repeat(400)}`);
    expect([status, body.errors]).toEqual([
      400,
      [{ field: "", message: "The input has more values than this call can take." }],
    ]);
  });
});

describe("beside the calls", () => {
  test("a call without input needs no body, and no content type", async () => {
    const token = await tokenOf(app.deps, await givenCustomer(app.deps));
    const { status, body } = await rest<object>(app, "POST /auth/logout", undefined, { token });
    expect([status, body]).toEqual([200, { endedSessions: 1 }]);
  });

  test("a username in a path may look like what scanners try", async () => {
    for (const username of ["backup", "env", "anna.log", "wp-anna"]) {
      const route = `POST /admin/accounts/${username}/unlock`;
      const { status, body } = await rest<object>(app, route, {}, as("admin"));
      expect([status, body]).toEqual([200, { username, cleared: 0 }]);
    }
    expect((await rest(app, "GET /.env", undefined, as("admin"))).body.code).toBe("INVALID_API_KEY");
  });

  test("a map that is known is not sent again", async () => {
    const first = await rest<{ showId: number }>(app, `GET /shows/${showId}/seat-map`);
    expect(first.body.showId).toBe(showId);
    const etag = first.headers.get("etag")!;
    const again = await rest(app, `GET /shows/${showId}/seat-map`, undefined, {
      headers: { "if-none-match": etag },
    });
    expect([again.status, again.body, again.headers.get("etag")]).toEqual([304, undefined, etag]);
  });

  test("HEAD has the answer's headers, and no body", async () => {
    const { status, body, headers } = await rest(app, "HEAD /shows", undefined, as("customer"));
    expect([status, body, headers.get("content-type")]).toEqual([200, undefined, "application/json"]);
    expect((await rest(app, `HEAD /shows/${showId}/seat-map/events`)).status).toBe(405);
  });

  test("pages of other origins may use its methods", async () => {
    const response = await app.app.request("/api/v1/auth/password", {
      method: "OPTIONS",
      headers: { origin: "http://localhost:5173", "access-control-request-method": "PUT" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-methods")).toBe("GET,POST,PUT,PATCH");
  });

  test("exports and the keys of tickets are there, too", async () => {
    const csv = await app.app.request("/api/v1/exports/bookings.csv", { headers: headersFor(as("staff")) });
    expect([csv.status, csv.headers.get("content-disposition")]).toEqual([
      200,
      'attachment; filename="bookings.csv"',
    ]);
    await csv.text();
    expect((await rest<{ keys: unknown[] }>(app, "GET /tickets/keys")).body.keys).toHaveLength(1);
  });

  test("the description of all routes is there, with the key, and is not sent again while it is known", async () => {
    const { body, headers } = await rest<OpenApiDocument>(app, "GET /openapi.json");
    expect(body.openapi).toBe("3.1.0");
    expect(Object.keys(body.paths)).toContain("/bookings/{bookingId}/payments");
    const known = { headers: { "if-none-match": headers.get("etag")! } };
    expect((await rest(app, "GET /openapi.json", undefined, known)).status).toBe(304);
    expect((await rest(app, "GET /openapi.json", undefined, { apiKey: null })).status).toBe(403);
  });

  test("log and audit name the procedure", async () => {
    const headers = { "x-request-id": "named-1" };
    await rest(app, "GET /admin/staff", undefined, { token: tokens["customer"], headers });
    const lines = app.logger.lines.filter((line) => line["requestId"] === "named-1");
    expect(lines).toMatchObject([
      { audit: "forbidden", path: "/api/v1/admin/staff", procedure: "admin.staff", reason: "role" },
      { msg: "Answered.", path: "/api/v1/admin/staff", procedure: "admin.staff", status: 403 },
    ]);
  });

  test("over a port, a call that hashes is told when to come back while the hash queue is full", async () => {
    const narrow = await createTestApp({ beside: app, hashGate: { atOnce: 1, waiting: 0 } });
    const port = await openPort(narrow);
    const ending = Promise.withResolvers<void>();
    const working = narrow.deps.hashQueue.run(() => ending.promise);
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/auth/login`, {
      method: "POST",
      headers: { "x-api-key": testApiKey, "content-type": "application/json" },
      body: "{}",
    });
    ending.resolve();
    await working;
    expect([response.status, ((await response.json()) as RestError).code]).toEqual([429, "RATE_LIMITED"]);
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
  });
});
