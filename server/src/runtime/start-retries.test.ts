import { describe, expect, test } from "vitest";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { retryPassingFaults, type RetryTiming } from "./start-retries.ts";

/** Time that passes only in pauses, and as long as a try takes. */
function createTiming(tryMs = 0) {
  const pauses: number[] = [];
  let now = 0;
  const timing: RetryTiming = {
    nowMs: () => now,
    pause(ms, signal) {
      signal?.throwIfAborted();
      pauses.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
  const failWith = (error: unknown) => () => {
    now += tryMs;
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  };
  return { pauses, timing, failWith, passedMs: () => now };
}

function errorWith(code: string, cause?: Error): Error {
  return Object.assign(new Error(`it failed with ${code}`, { cause }), { code });
}

describe("a fault that passes by itself", () => {
  test.each([
    "ECONNREFUSED",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "57P03",
    "53300",
    "55P03",
    "57014",
    "40P01",
    "25006",
    "57P01",
    "08006",
  ])("such as %s is tried again, with its reason in the log", async (code) => {
    const { timing, pauses } = createTiming();
    const logger = createMemoryLogger();
    const errors = [errorWith(code), new Error("wrapped", { cause: errorWith(code) })];
    const result = await retryPassingFaults(
      async () => {
        const error = errors.shift();
        if (error !== undefined) throw error;
        return "started";
      },
      { logger, timing },
    );
    expect(result).toBe("started");
    expect(pauses).toEqual([250, 500]);
    expect(logger.lines).toEqual([
      expect.objectContaining({ level: "warn", reason: `it failed with ${code}`, pauseMs: 250 }),
      expect.objectContaining({ level: "warn", reason: "wrapped", triedMs: 250, pauseMs: 500 }),
    ]);
  });

  test("of a name with several addresses says the reason of the first", async () => {
    const { timing } = createTiming();
    const logger = createMemoryLogger();
    const aggregate = Object.assign(new AggregateError([errorWith("ECONNREFUSED")], ""), {
      code: "ECONNREFUSED",
    });
    const failures: Error[] = [aggregate];
    await retryPassingFaults(
      async () => {
        const error = failures.pop();
        if (error !== undefined) throw error;
      },
      { logger, timing },
    );
    expect(logger.lines).toMatchObject([{ reason: "it failed with ECONNREFUSED" }]);
  });

  test.each([0, 7_000])(
    "is tried for two minutes with growing pauses where a try takes %i ms, and then is the start's own",
    async (tryMs) => {
      const { timing, failWith, pauses, passedMs } = createTiming(tryMs);
      const error = errorWith("ECONNREFUSED");
      const start = retryPassingFaults(failWith(error), { logger: createMemoryLogger(), timing });
      await expect(start).rejects.toBe(error);
      expect(pauses.slice(0, 7)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
      expect(passedMs()).toBeGreaterThan(100_000);
      expect(passedMs()).toBeLessThanOrEqual(120_000 + tryMs);
    },
  );

  test("is not tried again once the start is to end", async () => {
    const stop = new AbortController();
    const reason = new Error("asked to end");
    const { timing, failWith } = createTiming();
    const pausing: RetryTiming = {
      ...timing,
      pause: () =>
        new Promise((_, reject) => {
          stop.signal.addEventListener("abort", () => reject(new Error("the pause was cut short")));
        }),
    };
    const options = { logger: createMemoryLogger(), signal: stop.signal, timing: pausing };
    const start = retryPassingFaults(failWith(errorWith("57P03")), options);
    setImmediate(() => stop.abort(reason));
    await expect(start).rejects.toBe(reason);
    let tries = 0;
    const late = retryPassingFaults(async () => (tries += 1), options);
    await expect(late).rejects.toBe(reason);
    expect(tries).toBe(0);
  });
});

describe("a fault that stays", () => {
  test.each(["28P01", "28000", "3D000", "23505", "P0001", "42P01", "ENOTFOUND", "EACCES"])(
    "such as %s ends the start at once",
    async (code) => {
      const { timing, failWith, pauses } = createTiming();
      const error = errorWith(code);
      const logger = createMemoryLogger();
      await expect(retryPassingFaults(failWith(error), { logger, timing })).rejects.toBe(error);
      expect([pauses, logger.lines]).toEqual([[], []]);
    },
  );
});
