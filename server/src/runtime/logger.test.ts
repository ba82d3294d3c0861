import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test } from "vitest";
import { Decimal } from "../contract/index.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
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
    "deviceToken",
    "authorization",
    "apiKey",
    "card",
    "card_number",
    "cvv",
  ])("%s, at the top and below", (name) => {
    expect(logged({ [name]: canary })).not.toContain(canary);
    expect(logged({ input: { [name]: canary, kept: "kept" } })).not.toContain(canary);
    expect(logged({ input: { [name]: canary, kept: "kept" } })).toContain("kept");
    expect(logged({ [name]: { inside: canary } })).not.toContain(canary);
    expect(logged({ inputs: [{ [name]: canary }] })).not.toContain(canary);
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

describe("what is long is cut, and says how long it was", () => {
  const long = "x".repeat(15_000);
  const lineOf = (fields: object) => {
    const logger = createMemoryLogger();
    logger.info(fields, "Something happened.");
    return logger.lines[0] ?? {};
  };

  test("a text has 200 characters at most", () => {
    const { path, method } = lineOf({ path: `/${long}`, method: "y".repeat(200) });
    expect(path).toHaveLength(200);
    expect(path).toMatch(/^\/x+… \(15001 characters\)$/);
    expect(method).toBe("y".repeat(200));
  });

  test("also inside lists and objects, and as the name of a field", () => {
    const { input } = lineOf({ input: { list: [long, { deep: long }], [long]: 1 } });
    const texts = JSON.stringify(input).match(/x+[^"]*/g) ?? [];
    expect(texts).toHaveLength(3);
    for (const text of texts)
      expect([text.length, text.slice(-20)]).toEqual([200, "x… (15000 characters)".slice(-20)]);
  });

  test("an error's message has 2,000, its stack 4,000, its code 200, and of its causes five are logged", () => {
    let error: Error = Object.assign(new Error(long), { code: long });
    const innermost = error;
    for (let outer = 0; outer < 10; outer += 1) error = new Error(`outer ${outer}`, { cause: error });
    const first = lineOf({ err: innermost })["err"] as Record<string, string>;
    expect(first["message"]).toHaveLength(2_000);
    expect(first["message"]).toMatch(/x… \(15000 characters\)$/);
    expect(first["stack"]).toHaveLength(4_000);
    expect(first["stack"]).toMatch(/… \(\d+ characters\)$/);
    expect(first["code"]).toHaveLength(200);
    expect(JSON.stringify(lineOf({ err: error })).match(/"outer \d"/g)).toHaveLength(6);
    innermost.cause = innermost;
    expect(JSON.stringify(lineOf({ err: innermost })).length).toBeLessThan(40_000);
  });

  test("an error beside a long text is described as ever", () => {
    expect(lineOf({ path: long, err: new TypeError("failed") })["err"]).toMatchObject({
      type: "TypeError",
      message: "failed",
    });
  });

  test("a list or an object has 50 items at most", () => {
    const items = Array.from({ length: 60 }, (_item, index) => index);
    const { list, object } = lineOf({
      list: items,
      object: Object.fromEntries(items.map((n) => [`n${n}`, n])),
    });
    expect(list).toEqual([...items.slice(0, 50), "… (10 more)"]);
    expect(Object.keys(object as object)).toEqual([...items.slice(0, 50).map((n) => `n${n}`), "…"]);
    expect(object).toMatchObject({ "…": "(10 more)" });
  });

  test("and has four levels at most, so that one that has itself in it ends", () => {
    expect(lineOf({ a: { b: { c: { d: { e: 1 } } } } })["a"]).toEqual({ b: { c: { d: "…" } } });
    const round: Record<string, unknown> = {};
    round["round"] = round;
    expect(JSON.stringify(lineOf({ round }))).toContain("…");
  });

  test("and what is not a text stays what it is", () => {
    const at = new Date("2026-03-10T04:00:00.000Z");
    const fields = { at, amount: new Decimal("12.50"), ms: 1.5, ok: true, none: null, list: [], object: {} };
    const {
      level: _level,
      time: _time,
      msg: _msg,
      ...written
    } = lineOf({ ...fields, path: long, inside: fields });
    const plain = JSON.parse(JSON.stringify(fields)) as object;
    expect(written).toEqual({ ...plain, path: expect.any(String) as string, inside: plain });
    expect(plain).toMatchObject({ at: "2026-03-10T04:00:00.000Z", amount: "12.5", ms: 1.5, ok: true });
  });

  test("and secrets are redacted all the same", () => {
    expect(JSON.stringify(lineOf({ token: canary, input: { card: canary }, path: long }))).not.toContain(
      canary,
    );
  });
});

describe("the lines of a process", () => {
  const logger = JSON.stringify(new URL("./logger.ts", import.meta.url).href);

  /** Runs this code in a process of its own, with a `logger` in scope. */
  function run(body: string) {
    const program = `import { createProcessLogger } from ${logger}; const logger = createProcessLogger("info"); ${body}`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const messages: unknown[] = [];
    const read = createInterface({ input: child.stdout });
    const firstLine = once(read, "line");
    read.on("line", (line) => messages.push((JSON.parse(line) as { msg: unknown }).msg));
    const errors = createInterface({ input: child.stderr });
    const firstError = once(errors, "line");
    const closed = Promise.all([once(child, "close"), once(read, "close")]);
    return { child, messages, firstLine, firstError, code: closed.then(([[code]]) => code as number) };
  }

  test("are written while it goes on", async () => {
    const { messages, firstLine } = run(`logger.info({}, "one"); setInterval(() => {}, 1000);`);
    await firstLine;
    expect(messages).toEqual(["one"]);
  });

  test("are all there when it ends by itself", async () => {
    const { messages, code } = run(`logger.info({}, "one"); logger.info({}, "two");`);
    expect(await code).toBe(0);
    expect(messages).toEqual(["one", "two"]);
  });

  test("are all there, in their order, when it is told to end, however many there are", async () => {
    const { child, messages, firstError, code } = run(
      `process.on("SIGTERM", () => {
         for (let index = 0; index < 5_000; index += 1) logger.info({}, String(index));
         process.exit(0);
       });
       setInterval(() => {}, 1000);
       console.error("ready");`,
    );
    await firstError;
    child.kill("SIGTERM");
    expect(await code).toBe(0);
    expect(messages).toEqual(Array.from({ length: 5_000 }, (_, index) => String(index)));
  });

  test("are all there after an uncaught error", async () => {
    const { messages, code } = run(
      `logger.info({}, "one"); setImmediate(() => { logger.error({}, "two"); throw new Error("uncaught"); });`,
    );
    expect(await code).toBe(1);
    expect(messages).toEqual(["one", "two"]);
  });

  test("are there before what is written after a flush", async () => {
    const { messages, code } = run(
      `logger.info({}, "one"); logger.flush(); console.log('{"msg":"written after"}'); logger.info({}, "two");`,
    );
    expect(await code).toBe(0);
    expect(messages).toEqual(["one", "written after", "two"]);
  });
});
