import { TRPCError } from "@trpc/server";
import { connectOnce, inTransaction } from "@skyfox/db";
import { throughPort } from "@skyfox/db/test-database";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { givenCustomer, tokenOf } from "../../test/given.ts";
import { headersFor, mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { DomainError } from "../errors/domain-error.ts";
import { shapeError, toTransportError } from "./error-shape.ts";

const app = await createTestApp();
const secret = "canary-7f";

const unavailable = { code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds: 2 } };

const internal = (cause: unknown) => new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: secret, cause });
const errorWith = (fields: object, message = secret) => Object.assign(new Error(message), fields);

/** Ends the connection of the app that waits for a lock, once there is one. */
async function endWaitingConnection(): Promise<void> {
  await untilBlocked(app);
  await app.sql.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
}

describe("an unexpected error", () => {
  test("is answered as that with a request id, and logged once with its cause", async () => {
    const token = await tokenOf(app.deps, await givenCustomer(app.deps));
    await app.sql.query("alter table movie rename to movie_elsewhere");
    const before = app.logger.lines.length;
    const { status, error, text } = await query(app, "show.list", undefined, {
      token,
      headers: { "x-request-id": "r1" },
    });
    await app.sql.query("alter table movie_elsewhere rename to movie");

    expect(status).toBe(500);
    expect(error).toEqual({
      code: -32_603,
      message: "Something went wrong on our side. If you ask about it, name the request r1.",
      data: {
        code: "INTERNAL_SERVER_ERROR",
        httpStatus: 500,
        path: "show.list",
        requestId: "r1",
        domain: null,
        fields: null,
      },
    });
    expect(text).not.toMatch(/movie|relation|42P01|select|stack/);
    expect(app.logger.lines.slice(before).filter((line) => line["level"] === "error")).toMatchObject([
      {
        requestId: "r1",
        path: "show.list",
        err: {
          message: 'relation "movie" does not exist',
          code: "42P01",
          stack: expect.any(String) as string,
        },
      },
    ]);
  });

  test("is answered alike in a batch and in a stream of one", async () => {
    await app.sql.query("alter table security_questions rename to questions_elsewhere");
    for (const headers of [{}, { "trpc-accept": "application/jsonl" }]) {
      const response = await app.app.request("/trpc/auth.securityQuestions,auth.none?batch=1", {
        headers: { ...headersFor(), ...headers, "x-request-id": "r2" },
      });
      const text = await response.text();
      expect(text).toContain("Something went wrong on our side. If you ask about it, name the request r2.");
      expect(text).not.toMatch(/security_questions|relation|42P01|stack/);
    }
    await app.sql.query("alter table questions_elsewhere rename to security_questions");
  });

  test("is not logged when the domain says no, or the input is wrong", async () => {
    const before = app.logger.lines.length;
    await mutate(app, "auth.login", { username: "nobody", password: "x" });
    await mutate(app, "auth.login", { username: 1 });
    await query(app, "auth.me");
    expect(app.logger.lines.slice(before).filter((line) => line["level"] === "error")).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["an error of ours", new Error(secret)],
    [
      "a zod error of an output",
      new z.ZodError([{ code: "custom", path: [secret], message: secret, input: secret }]),
    ],
    ["a syntax error", new SyntaxError(secret)],
    ["an error of the database", errorWith({ code: "23505", detail: secret, constraint: secret })],
    ["an error that looks like the operating system's", errorWith({ code: "ENOENT" })],
    ["what is no error", secret],
  ])("(%s) is answered without a word of it", (_, cause) => {
    const shape = shapeError(toTransportError(internal(cause)), { path: "auth.me", requestId: "r3" });
    expect(shape.data).toEqual({
      code: "INTERNAL_SERVER_ERROR",
      httpStatus: 500,
      path: "auth.me",
      requestId: "r3",
      domain: null,
      fields: null,
    });
    expect(JSON.stringify(shape)).not.toContain(secret);
  });
});

describe("a database that is busy or gone", () => {
  test("is a 503 when nothing listens there", async () => {
    const away = await createTestApp({
      beside: app,
      databaseUrl: (url) => throughPort(url, 1),
    });
    const { status, error } = await query(away, "auth.securityQuestions");
    expect(status).toBe(503);
    expect(error).toMatchObject({
      message: "The database cannot be used at the moment. Try again after the time given.",
      data: { code: "SERVICE_UNAVAILABLE", httpStatus: 503, domain: unavailable, fields: null },
    });
    expect(away.logger.lines.filter((line) => line["level"] === "error")).toMatchObject([
      { err: { code: "ECONNREFUSED" } },
    ]);
  });

  test("is a 503 that says when to come back when it has no connection left", async () => {
    const role = `limited_${crypto.randomUUID().replaceAll("-", "_")}`;
    await app.sql.query(`create role ${role} login password 'limited' connection limit 1`);
    const urlOf = (url: string) => Object.assign(new URL(url), { username: role, password: "limited" }).href;
    const last = await connectOnce(urlOf(app.databaseUrl));
    const full = await createTestApp({ beside: app, databaseUrl: urlOf });
    const { status, headers, error } = await query(full, "auth.securityQuestions");
    await last.end();
    expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
    expect(error?.data.domain).toEqual(unavailable);
  });

  test("is a 503 for the call whose connection dies, and the next one is answered", async () => {
    await app.sql.query("begin; lock table security_questions");
    const answer = query(app, "auth.securityQuestions");
    await endWaitingConnection();
    expect((await answer).error?.data).toMatchObject({
      code: "SERVICE_UNAVAILABLE",
      httpStatus: 503,
      domain: unavailable,
    });
    await app.sql.query("rollback");
    // A call that comes before the dead connection has left the pool meets it once more.
    await expect.poll(async () => (await query(app, "auth.securityQuestions")).status).toBe(200);
  });

  test("is a 503 for a sign-up whose connection dies half-way, of which nothing stays", async () => {
    const input = {
      name: "Anna Lee",
      username: "half-way",
      password: "Correct-Horse-9",
      phoneNumber: "6000000001",
      email: "half-way@example.com",
      securityQuestionId: 1,
      securityAnswer: "Fido",
    };
    await app.sql.query("begin; lock table customertable");
    const answer = mutate(app, "auth.signup", input);
    await endWaitingConnection();
    expect((await answer).error?.data).toMatchObject({ code: "SERVICE_UNAVAILABLE", httpStatus: 503 });
    await app.sql.query("rollback");
    expect(await app.sql.query("select from usertable where username = 'half-way'")).toEqual([]);
    await expect.poll(async () => (await mutate(app, "auth.signup", input)).status).toBe(200);
  });

  test("is a 503 when a connection dies between two statements of a transaction", async () => {
    const error: unknown = await inTransaction(app.deps.db, async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await app.sql.query("select pg_terminate_backend($1, 5000)", [rows[0]!.pid]);
      await sql`select 1`.execute(tx);
    }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(toTransportError(internal(error)).code).toBe("SERVICE_UNAVAILABLE");
  });

  test.each<[string, Error]>([
    ...[
      "55P03",
      "57014",
      "25006",
      "53100",
      "53300",
      "57P01",
      "57P02",
      "57P03",
      "25P03",
      "25P04",
      "40001",
      "40P01",
      "08006",
      "08P01",
    ].map((code): [string, Error] => [code, errorWith({ code })]),
    ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].map((code): [string, Error] => [
      code,
      errorWith({ code }),
    ]),
    ...["ENOENT", "EAGAIN"].map((code): [string, Error] => [
      `${code} of a socket`,
      errorWith({ code, syscall: "connect" }),
    ]),
    ...[
      "Connection terminated unexpectedly",
      "Connection terminated due to connection timeout",
      "Query read timeout",
      "timeout exceeded when trying to connect",
      "Client has encountered a connection error and is not queryable",
    ].map((message): [string, Error] => [message, new Error(message)]),
  ])("is what %s means", (_, cause) => {
    const shape = shapeError(toTransportError(internal(cause)), { path: "auth.me", requestId: "r4" });
    expect(shape.data).toMatchObject({ code: "SERVICE_UNAVAILABLE", httpStatus: 503, domain: unavailable });
    expect(JSON.stringify(shape)).not.toContain(cause.message);
  });

  test.each(["23505", "42P01", "22003", "XX000", "P0001", "ENOENT"])("is not what %s means", (code) => {
    expect(toTransportError(internal(errorWith({ code }))).code).toBe("INTERNAL_SERVER_ERROR");
  });
});

describe("a refusal", () => {
  test("carries its own code, details and fields", () => {
    const cause = new DomainError({ code: "TOO_MANY_SEATS", details: { max: 10 } });
    expect(
      shapeError(toTransportError(internal(cause)), { path: "booking.initialize", requestId: "r5" }),
    ).toEqual({
      code: -32_600,
      message: "That is more seats than one booking can have.",
      data: {
        code: "BAD_REQUEST",
        httpStatus: 400,
        path: "booking.initialize",
        requestId: "r5",
        domain: { code: "TOO_MANY_SEATS", details: { max: 10 } },
        fields: null,
      },
    });
  });

  test("of the input names each field as a caller writes it", () => {
    const schema = z.strictObject({
      seatNumbers: z.array(z.string()),
      card: z.strictObject({ rows: z.array(z.strictObject({ a: z.int() })) }),
    });
    const { error } = schema.safeParse({
      seatNumbers: ["A1", 2],
      card: { rows: [{ a: 1 }, { a: "x", b: 1 }], "c d": 1 },
      "": 1,
    });
    const shape = shapeError(new TRPCError({ code: "BAD_REQUEST", message: secret, cause: error }), {
      path: "x",
      requestId: "r6",
    });
    expect(shape.data.fields?.map(({ field }) => field)).toEqual([
      "seatNumbers[1]",
      "card.rows[1].a",
      "card.rows[1].b",
      "card.c d",
      "",
    ]);
    expect(shape.data.domain).toEqual({ code: "VALIDATION_ERROR", details: null });
    expect(JSON.stringify(shape)).not.toContain(secret);
  });

  const wide = new DomainError(
    { code: "VALIDATION_ERROR" },
    Array.from({ length: 300 }, (_, index) => ({
      field: `${"f".repeat(60_000)}${index}`,
      message: "There is no such field.",
    })),
  );

  test("lists ten problems, and how many more there are, in less than 8 KB", () => {
    const shape = shapeError(toTransportError(internal(wide)), { path: "x".repeat(15_000), requestId: "r7" });
    expect(shape.data.fields).toHaveLength(11);
    expect(shape.data.fields?.at(-1)).toEqual({ field: "", message: "There are 290 more problems." });
    expect(JSON.stringify(shape).length).toBeLessThan(8 * 1_024);
  });

  test("that shares its answer with nine others lists one, and all of them are less than 8 KB", () => {
    const shape = shapeError(toTransportError(internal(wide)), {
      path: "show.list",
      requestId: "r8",
      calls: 10,
    });
    expect(shape.data.fields).toHaveLength(2);
    expect(10 * JSON.stringify(shape).length).toBeLessThan(8 * 1_024);
  });
});
