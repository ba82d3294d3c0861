import { connectOnce, openDatabase } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { shiftDatabaseClock } from "../../test/shift-database-clock.ts";
import { startDatabaseClock, type RunningClock } from "./clock.ts";

const { url } = await createTestDatabase();
const owner = await connectOnce(url);
const shiftClock = await shiftDatabaseClock(owner);
const db = openDatabase(url, { maxConnections: 2 });
const sql = await connectOnce(url);
const logger = createMemoryLogger();
const dayMs = 86_400_000;

afterEach(async () => {
  // Before the timers are real again: a spy on a fake one would put that one back for all files after this.
  vi.restoreAllMocks();
  vi.useRealTimers();
  await shiftClock(0);
});
afterAll(async () => {
  await owner.end();
  await sql.end();
  await db.destroy();
});

async function startClock(): Promise<RunningClock> {
  const clock = await startDatabaseClock(db, logger);
  onTestFinished(() => clock.close());
  return clock;
}

/** For months of fake time: a connection opened meanwhile would be watched by a fake timer, which would tick millions of times. */
async function startStoppedClock(): Promise<RunningClock> {
  const clock = await startClock();
  clock.close();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  return clock;
}

/** How far the clock is from the database, at most: the measurement takes time of its own. */
async function differenceMs(clock: RunningClock): Promise<{ ms: number; toleranceMs: number }> {
  const before = clock.now().getTime();
  const [row] = await sql.query("select clock_timestamp() as time");
  const after = clock.now().getTime();
  const database = (row!["time"] as Date).getTime();
  return { ms: Math.abs(database - (before + after) / 2), toleranceMs: (after - before) / 2 + 1_000 };
}

describe("the clock of the database", () => {
  test.each([-3_600_000, 0, 3_600_000])("is right while the process is %i ms off", async (offset) => {
    const truth = new Date().getTime();
    vi.useFakeTimers({ toFake: ["Date"], now: truth + offset });
    const clock = await startClock();
    const { ms, toleranceMs } = await differenceMs(clock);
    expect(ms).toBeLessThan(toleranceMs);
    expect(Math.abs(clock.now().getTime() - truth)).toBeLessThan(10_000);
  });

  test("does not jump when the process's wall clock does", async () => {
    const clock = await startClock();
    const before = clock.now().getTime();
    vi.useFakeTimers({ toFake: ["Date"], now: before + 400 * dayMs });
    expect(clock.now().getTime() - before).toBeLessThan(10_000);
    const { ms, toleranceMs } = await differenceMs(clock);
    expect(ms).toBeLessThan(toleranceMs);
  });

  test("runs on by itself", async () => {
    const clock = await startClock();
    const before = clock.now().getTime();
    await expect.poll(() => clock.now().getTime()).toBeGreaterThan(before);
  });

  test("is measured again every minute, and a failed measure is logged and changes nothing", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance", "Date"] });
    const own = openDatabase(url, { maxConnections: 1 });
    const warnings = createMemoryLogger();
    const clock = await startDatabaseClock(own, warnings);
    // The process's own clock stands still here: only a new measure brings the hour.
    const drifted = clock.now().getTime();
    await sql.query("select pg_sleep(0.02)");
    expect(clock.now().getTime()).toBe(drifted);
    vi.advanceTimersByTime(60_000);
    await expect.poll(() => clock.now().getTime()).toBeLessThan(drifted + 59_000);
    expect(clock.now().getTime()).toBeGreaterThan(drifted);

    await own.destroy();
    const last = clock.now().getTime();
    vi.advanceTimersByTime(60_000);
    await expect.poll(() => warnings.lines.length).toBe(1);
    // Polling moves the fake time a little, too.
    expect(clock.now().getTime()).toBeGreaterThanOrEqual(last + 60_000);
    expect(clock.now().getTime()).toBeLessThan(last + 65_000);
    clock.close();
  });
});

describe("a jump of the database's clock", () => {
  const isRight = async (clock: RunningClock) =>
    await expect.poll(async () => (await differenceMs(clock)).ms).toBeLessThan(1_000);

  test.each([
    ["forward", 3_600_000],
    ["backward", -3_600_000],
  ])("%s is noticed at once by the next reading, which is right already", async (_name, byMs) => {
    const clock = await startClock();
    const before = clock.now().getTime();
    await shiftClock(byMs);
    const reading = await clock.nowIn(db);
    expect(Math.abs(reading.getTime() - before - byMs)).toBeLessThan(60_000);
    await isRight(clock);
    expect(clock.jumps).toBe(1);
    const [line] = logger.lines.splice(0).filter(({ msg }) => msg === "The database's time has jumped.");
    expect(Math.abs(Number(line?.["jumpedMs"]) - byMs)).toBeLessThan(1_000);
  });

  test("is noticed when a connection was lost", async () => {
    const clock = await startClock();
    await shiftClock(3_600_000);
    clock.doubt();
    await isRight(clock);
    expect(clock.jumps).toBe(1);
  });

  test.each([
    ["the wall and the monotonic clock of the process disagree", 1_000, 3_000],
    ["the process has stood still", 3_000, 3_000],
  ])("is noticed when %s", async (_name, monotonicMs, wallMs) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
    const clock = await startClock();
    await shiftClock(3_600_000);
    const monotonic = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => monotonic() + monotonicMs);
    vi.setSystemTime(new Date().getTime() + wallMs - 1_000);
    vi.advanceTimersByTime(1_000);
    await expect.poll(() => clock.jumps).toBe(1);
  });

  test("that is small is followed and is no jump", async () => {
    const clock = await startClock();
    await shiftClock(300);
    clock.doubt();
    const [before, monotonic] = [clock.now().getTime(), performance.now()];
    await expect
      .poll(() => clock.now().getTime() - before - (performance.now() - monotonic))
      .toBeGreaterThan(200);
    expect(clock.jumps).toBe(0);
  });
});

describe("being woken", () => {
  test("never comes early", async () => {
    const clock = await startClock();
    await Promise.all(
      [0, 1, 2, 3, 5, 8, 13, 21, 34].map(async (ms) => {
        const at = new Date(clock.now().getTime() + ms);
        const { promise, resolve } = Promise.withResolvers<Date>();
        clock.wakeAt(at, () => resolve(clock.now()), new AbortController().signal);
        expect((await promise).getTime()).toBeGreaterThanOrEqual(at.getTime());
      }),
    );
  });

  test("comes at once, but not within the call, when the time is past", async () => {
    const clock = await startClock();
    let hasReturned = false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    clock.wakeAt(new Date(0), () => resolve(hasReturned), new AbortController().signal);
    hasReturned = true;
    expect(await promise).toBe(true);
  });

  test("comes on time beyond the 24.8 days that a timer can wait, in as many steps as that takes", async () => {
    const clock = await startStoppedClock();
    const setTimeoutSpy = vi.spyOn(globalThis, "setTimeout");
    const wake = vi.fn<() => void>();
    clock.wakeAt(new Date(clock.now().getTime() + 60 * dayMs), wake, new AbortController().signal);
    vi.advanceTimersByTime(60 * dayMs - 1);
    expect(wake).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2);
    expect(wake).toHaveBeenCalledTimes(1);
    const delays = setTimeoutSpy.mock.calls.map(([, delay]) => delay ?? 0);
    expect(Math.max(...delays)).toBe(2_147_483_647);
    expect(delays.length).toBeLessThan(6);
  });

  test("looks at the clock again when a timer fires early", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    const clock = await startClock();
    const wake = vi.fn<() => void>();
    const at = clock.now().getTime() + 5_000;
    clock.wakeAt(new Date(at), wake, new AbortController().signal);
    // Five seconds for the timers, no time at all for the clock.
    vi.advanceTimersByTime(5_000);
    expect(clock.now().getTime()).toBeLessThan(at);
    expect(wake).not.toHaveBeenCalled();
  });

  test("does not come after the signal, and leaves neither a timer nor a listener behind", async () => {
    const clock = await startStoppedClock();
    const wake = vi.fn<() => void>();
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, "addEventListener");
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    clock.wakeAt(new Date(clock.now().getTime() + 60 * dayMs), wake, controller.signal);
    vi.advanceTimersByTime(30 * dayMs);
    controller.abort();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60 * dayMs);
    expect(wake).not.toHaveBeenCalled();

    clock.wakeAt(clock.now(), wake, controller.signal);
    vi.advanceTimersByTime(1_000);
    expect(wake).not.toHaveBeenCalled();
    // Every listener but the one that the abort itself took away was removed by hand.
    expect(add.mock.calls.length - remove.mock.calls.length).toBe(1);
  });

  test("ends with the clock's measurements when the clock is closed", async () => {
    // Opens the connection, which is watched by a timer of its own.
    await startClock();
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const clock = await startClock();
    expect(vi.getTimerCount()).toBe(1);
    clock.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
