import { connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, test } from "vitest";
import { createMemoryLogger } from "../test/memory-logger.ts";
import { createLogger } from "./logger.ts";

const canary = "canary-5f2c";

function logged(fields: object): string {
  const logger = createMemoryLogger();
  logger.error(fields, "Something happened.");
  return JSON.stringify(logger.lines);
}

test("a line is JSON with level, time, message and fields", () => {
  const logger = createMemoryLogger();
  logger.warn({ requestId: "r1" }, "Careful.");
  expect(logger.lines).toEqual([
    { level: "warn", time: expect.stringMatching(/^\d{4}-.*Z$/) as string, requestId: "r1", msg: "Careful." },
  ]);
});

test("a level leaves out what is below it", () => {
  const lines: string[] = [];
  const logger = createLogger("warn", { write: (line) => void lines.push(line) });
  logger.debug({}, "debug");
  logger.info({}, "info");
  logger.warn({}, "warn");
  logger.error({}, "error");
  expect(lines).toHaveLength(2);
});

test("a line break in a value stays inside its line", () => {
  const lines: string[] = [];
  const logger = createLogger("info", { write: (line) => void lines.push(line) });
  logger.info({ path: '/a\r\n{"level":"error"}' }, "Asked.\nFor.");
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toContain("\n");
});

describe("secrets are redacted by name", () => {
  test.each([
    "password",
    "newPassword",
    "currentPassword",
    "securityAnswer",
    "token",
    "resetToken",
    "authorization",
    "apiKey",
    "card",
    "card_number",
    "cvv",
  ])("%s, at the top and one level down", (name) => {
    expect(logged({ [name]: canary })).not.toContain(canary);
    expect(logged({ input: { [name]: canary, kept: "kept" } })).not.toContain(canary);
    expect(logged({ input: { [name]: canary, kept: "kept" } })).toContain("kept");
    expect(logged({ [name]: { inside: canary } })).not.toContain(canary);
  });
});

describe("an error", () => {
  test("is written with its type, message, stack and causes", () => {
    const error = new TypeError("outer", { cause: new RangeError("inner") });
    const logger = createMemoryLogger();
    logger.error({ err: error }, "Failed.");
    expect(logger.lines[0]?.["err"]).toMatchObject({
      type: "TypeError",
      message: "outer",
      stack: expect.stringContaining("logger.test.ts") as string,
      cause: { type: "RangeError", message: "inner" },
    });
  });

  test("keeps what it carries beside that to itself", () => {
    const error = Object.assign(new Error("failed"), {
      detail: canary,
      input: { password: canary },
      config: { headers: canary },
      cause: { password: canary },
    });
    expect(logged({ err: error })).not.toContain(canary);
  });

  test("that is no error is written as its type alone", () => {
    expect(logged({ err: canary })).not.toContain(canary);
    expect(logged({ err: { password: canary } })).not.toContain(canary);
  });

  test("of Postgres names its code and constraint, and never the row", async () => {
    const connection = await connectOnce((await createTestDatabase()).url);
    const insert = "insert into usertable (username, password, role) values ($1, 'x', 'customer')";
    await connection.query(insert, [canary]);
    const error: unknown = await connection.query(insert, [canary]).catch((caught: unknown) => caught);
    await connection.end();
    // The error itself has the value; what is written of it has not.
    expect(JSON.stringify(error)).toContain(canary);
    const line = logged({ err: error });
    expect(line).toContain("23505");
    expect(line).toContain("usertable_username_key");
    expect(line).not.toContain(canary);
    expect(logged({ err: new Error("outer", { cause: error }) })).not.toContain(canary);
  });
});
