import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/manual-clock.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { startLoop } from "./background.ts";

const everyMs = 5_000;

/** A task whose rounds end when the test says so. */
function givenTask() {
  const rounds: PromiseWithResolvers<void>[] = [];
  const run = async () => {
    const round = Promise.withResolvers<void>();
    rounds.push(round);
    await round.promise;
  };
  return { name: "a task", everyMs, run, rounds };
}

/** Lets everything that is ready go on. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function start() {
  const clock = createManualClock(new Date("2026-03-10T00:00:00Z"));
  const logger = createMemoryLogger();
  const task = givenTask();
  return { clock, logger, task, loop: startLoop({ clock, logger }, task) };
}

describe("a background task", () => {
  test("runs at once, then that long after each end", async () => {
    const { clock, task, loop } = start();
    expect(task.rounds).toHaveLength(1);
    // A slow round is not joined by another one.
    clock.advance(60_000);
    await settle();
    expect(task.rounds).toHaveLength(1);

    task.rounds[0]?.resolve();
    await settle();
    clock.advance(everyMs - 1);
    expect(task.rounds).toHaveLength(1);
    clock.advance(1);
    expect(task.rounds).toHaveLength(2);
    task.rounds[1]?.resolve();
    await loop.close();
  });

  test("goes on after a failed round, which is logged", async () => {
    const { clock, logger, task, loop } = start();
    task.rounds[0]?.reject(new Error("the database is away"));
    await settle();
    expect(logger.lines).toMatchObject([
      { level: "error", task: "a task", err: { message: "the database is away" } },
    ]);
    clock.advance(everyMs);
    expect(task.rounds).toHaveLength(2);
    task.rounds[1]?.resolve();
    await loop.close();
  });

  test("is waited for when the loop closes in the middle of a round, and does not run again", async () => {
    const { clock, task, loop } = start();
    let isClosed = false;
    const closed = loop.close().then(() => (isClosed = true));
    await settle();
    expect(isClosed).toBe(false);
    task.rounds[0]?.resolve();
    await closed;
    clock.advance(10 * everyMs);
    expect(task.rounds).toHaveLength(1);
  });

  test("does not run again when the loop closes between two rounds", async () => {
    const { clock, task, loop } = start();
    task.rounds[0]?.resolve();
    await settle();
    await loop.close();
    clock.advance(10 * everyMs);
    expect(task.rounds).toHaveLength(1);
  });

  test("that fails while the loop closes does not make closing fail", async () => {
    const { task, loop } = start();
    const closed = loop.close();
    task.rounds[0]?.reject(new Error("the database is away"));
    await expect(closed).resolves.toBeUndefined();
  });
});
