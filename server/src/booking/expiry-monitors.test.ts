import { expireAnyDue, openDatabase } from "@skyfox/db";
import { describe, expect, test } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { declinedCard, givenCustomer, givenPendingHolds, givenShow, goodCard } from "../../test/given.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { createTestApp, type TestApp } from "../../test/test-app.ts";
import { whenOver } from "../../test/when-over.ts";
import { scheduleWake } from "../runtime/clock.ts";
import type { Clock } from "../runtime/ports.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { createExpiryMonitors } from "./expiry-monitors.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

async function countByStatus(app: TestApp, status: string): Promise<unknown> {
  const [row] = await app.sql.query(
    "select count(*)::int as count from booking where status = $1::booking_status",
    [status],
  );
  return row?.["count"];
}

async function statusOf(app: TestApp, bookingId: number): Promise<unknown> {
  const [row] = await app.sql.query("select status from booking where id = $1", [bookingId]);
  return row?.["status"];
}

function expiredBy(logger: { lines: Record<string, unknown>[] }): number {
  return logger.lines.reduce(
    (sum, line) => sum + (typeof line["expired"] === "number" ? line["expired"] : 0),
    0,
  );
}

describe("a monitor", () => {
  test("expires its hold when the time has come, by itself", async () => {
    const app = await createTestApp();
    const hold = await holdSeats(app.deps, await givenCustomer(app.deps), {
      showId: await givenShow(app),
      seatNumbers: ["A1", "A2"],
    });
    expect(app.deps.monitors.armed).toBe(1);
    app.clock.advance(299_999);
    await app.deps.monitors.settled();
    expect(await statusOf(app, hold.bookingId)).toBe("Pending");
    app.clock.advance(1);
    await app.deps.monitors.settled();
    expect(await statusOf(app, hold.bookingId)).toBe("Expired");
    expect(app.deps.monitors.armed).toBe(0);
    const claims = await app.sql.query("select booking_id from seat_claim");
    expect(claims).toEqual([{ booking_id: null }, { booking_id: null }]);
  });

  test("is gone after payment and after cancellation", async () => {
    const app = await createTestApp();
    const customer = await givenCustomer(app.deps);
    const showId = await givenShow(app);
    const paid = await holdSeats(app.deps, customer, { showId, seatNumbers: ["A1"] });
    const cancelled = await holdSeats(app.deps, customer, { showId, seatNumbers: ["A2"] });
    expect(app.deps.monitors.armed).toBe(2);
    await payBooking(app.deps, customer, { bookingId: paid.bookingId, method: "Card", card: goodCard });
    expect(app.deps.monitors.armed).toBe(1);
    await cancelBooking(app.deps, customer, cancelled);
    expect(app.deps.monitors.armed).toBe(0);
    app.clock.advance(3_600_000);
    await app.deps.monitors.settled();
    expect(await statusOf(app, paid.bookingId)).toBe("Confirmed");
    expect(await statusOf(app, cancelled.bookingId)).toBe("Cancelled");
  });

  test("is armed again when a declined card gives the hold back", async () => {
    const app = await createTestApp();
    const customer = await givenCustomer(app.deps);
    const { bookingId } = await holdSeats(app.deps, customer, {
      showId: await givenShow(app),
      seatNumbers: ["A1"],
    });
    await expect(
      payBooking(app.deps, customer, { bookingId, method: "Card", card: declinedCard }),
    ).rejects.toThrow();
    expect(app.deps.monitors.armed).toBe(1);
    app.clock.advance(300_000);
    await app.deps.monitors.settled();
    expect(await statusOf(app, bookingId)).toBe("Expired");
  });

  test("that fires while its hold is locked looks again at once", async () => {
    const app = await createTestApp();
    const { bookingId, expiresAt } = await holdSeats(app.deps, await givenCustomer(app.deps), {
      showId: await givenShow(app),
      seatNumbers: ["A1"],
    });
    await app.sql.query("begin");
    await app.sql.query("select 1 from booking where id = $1 for update", [bookingId]);
    app.clock.set(expiresAt);
    // It does not stand and wait for the lock, which would hold up all the others of its batch.
    await app.deps.monitors.settled();
    expect(app.logger.lines.filter((line) => line["level"] === "warn")).toEqual([]);
    await app.sql.query("rollback");
    expect(await statusOf(app, bookingId)).toBe("Pending");
    app.clock.advance(200);
    await app.deps.monitors.settled();
    expect(await statusOf(app, bookingId)).toBe("Expired");
  });

  test("of another server, which does not know that the hold was given more time, does not end it early", async () => {
    const app = await createTestApp();
    const other = await createTestApp({ beside: app });
    const customer = await givenCustomer(app.deps);
    const { bookingId } = await holdSeats(app.deps, customer, {
      showId: await givenShow(app),
      seatNumbers: ["A1"],
    });
    await other.deps.monitors.rehydrate();
    app.clock.advance(280_000);
    await expect(
      payBooking(app.deps, customer, { bookingId, method: "Card", card: declinedCard }),
    ).rejects.toThrow();
    app.clock.advance(20_000);
    await other.deps.monitors.settled();
    expect(await statusOf(app, bookingId)).toBe("Pending");
    expect(other.deps.monitors.armed).toBe(1);
    await app.deps.monitors.close();
    app.clock.advance(10_000);
    await other.deps.monitors.settled();
    expect(await statusOf(app, bookingId)).toBe("Expired");
  });

  test("tries again with growing delays when the database is gone, and never becomes an unhandled rejection", async () => {
    const app = await createTestApp();
    const due = new Date(app.clock.now().getTime() + 300_000);
    // Three batches, two of them side by side.
    await givenPendingHolds(app, 1_300, due);
    const logger = createMemoryLogger();
    const db = openDatabase(app.databaseUrl);
    const monitors = createExpiryMonitors({ db, clock: app.clock, logger });
    await app.deps.monitors.close();
    await monitors.rehydrate();
    await app.sql.query("alter table booking rename to away");
    app.clock.set(due);
    await monitors.settled();
    for (const delayMs of [1_000, 2_000, 4_000]) {
      app.clock.advance(delayMs);
      await monitors.settled();
    }
    await app.sql.query("alter table away rename to booking");
    const rounds = [1_000, 2_000, 4_000, 8_000];
    expect(logger.lines.flatMap((line) => line["delayMs"] ?? [])).toEqual(
      rounds.flatMap((delayMs) => [delayMs, delayMs, delayMs]),
    );
    app.clock.advance(8_000);
    await monitors.settled();
    expect(await countByStatus(app, "Expired")).toBe(1_300);
    await monitors.close();
    await db.destroy();
  });

  test("tries again soon when the database was there meanwhile", async () => {
    const app = await createTestApp();
    const [customer, showId] = [await givenCustomer(app.deps), await givenShow(app)];
    await app.deps.monitors.close();
    const holdSeat = (seat: string) => holdSeats(app.deps, customer, { showId, seatNumbers: [seat] });
    await holdSeat("A1");
    app.clock.advance(4_000);
    await holdSeat("A2");
    app.clock.advance(1_000);
    await holdSeat("A3");
    const logger = createMemoryLogger();
    const monitors = createExpiryMonitors({ db: app.deps.db, clock: app.clock, logger });
    whenOver(() => monitors.close());
    await monitors.rehydrate();
    const advance = async (ms: number) => {
      app.clock.advance(ms);
      await monitors.settled();
    };
    await app.sql.query("alter table booking rename to away");
    // The first hold is due, and tried again after one and after two seconds more.
    for (const ms of [295_000, 1_000, 2_000]) await advance(ms);
    await app.sql.query("alter table away rename to booking");
    await advance(1_000);
    expect(expiredBy(logger)).toBe(1);
    await app.sql.query("alter table booking rename to away");
    await advance(1_000);
    await app.sql.query("alter table away rename to booking");
    expect(logger.lines.flatMap((line) => line["delayMs"] ?? [])).toEqual([1_000, 2_000, 4_000, 1_000]);
  });

  test("does not wait for the time by which a clock was set back", async () => {
    const app = await createTestApp();
    await app.deps.monitors.close();
    const logger = createMemoryLogger();
    const monitors = createExpiryMonitors({ db: app.deps.db, clock: app.clock, logger });
    whenOver(() => monitors.close());
    await app.sql.query("alter table booking rename to away");
    for (const bookingId of [1, 2]) {
      monitors.arm(bookingId, app.clock.now());
      app.clock.advance(0);
      await monitors.settled();
      app.clock.set(new Date(app.clock.now().getTime() - 30_000));
    }
    await app.sql.query("alter table away rename to booking");
    expect(logger.lines.flatMap((line) => line["delayMs"] ?? [])).toEqual([1_000, 2_000]);
  });

  test("does nothing after the server has closed its monitors", async () => {
    const app = await createTestApp();
    const { bookingId, expiresAt } = await holdSeats(app.deps, await givenCustomer(app.deps), {
      showId: await givenShow(app),
      seatNumbers: ["A1"],
    });
    await app.deps.monitors.close();
    app.deps.monitors.arm(bookingId, expiresAt);
    expect(app.deps.monitors.armed).toBe(0);
    app.clock.advance(300_000);
    await app.deps.monitors.settled();
    expect(await statusOf(app, bookingId)).toBe("Pending");
    // What a dead server left is caught by the sweep of another one.
    expect(await expireAnyDue(app.deps.db, 500, app.clock.now())).toEqual([bookingId]);
    expect(await expireAnyDue(app.deps.db, 500, app.clock.now())).toEqual([]);
    expect(await statusOf(app, bookingId)).toBe("Expired");
  });
});

describe("a batch that takes long", () => {
  async function givenMonitors() {
    const app = await createTestApp();
    await app.deps.monitors.close();
    const proxy = await startDatabaseProxy(app.databaseUrl);
    const db = openDatabase(proxy.url, { maxConnections: 2 });
    const monitors = createExpiryMonitors({ db, clock: app.clock, logger: app.logger });
    whenOver(async () => {
      await proxy.close();
      await monitors.close();
      await db.destroy();
    });
    const holdBatch = () => proxy.intercept(({ sql }) => sql.includes("with due as"), "hold");
    const countExpired = () => countByStatus(app, "Expired");
    return { app, monitors, holdBatch, countExpired };
  }

  test("does not keep the next one of the same moment waiting", async () => {
    const { app, monitors, holdBatch, countExpired } = await givenMonitors();
    const due = new Date(app.clock.now().getTime() + 300_000);
    await givenPendingHolds(app, 600, due);
    await monitors.rehydrate();
    const batch = holdBatch();
    app.clock.set(due);
    await batch.reached;
    await expect.poll(countExpired, { timeout: 5_000 }).toBe(100);
    batch.release();
    await monitors.settled();
    expect(await countExpired()).toBe(600);
  });

  test("does not keep a hold waiting that is due later", async () => {
    const { app, monitors, holdBatch, countExpired } = await givenMonitors();
    const customer = await givenCustomer(app.deps);
    const showId = await givenShow(app);
    for (const seat of ["A1", "A2"]) {
      await holdSeats(app.deps, customer, { showId, seatNumbers: [seat] });
      app.clock.advance(1_000);
    }
    await monitors.rehydrate();
    const batch = holdBatch();
    app.clock.advance(298_000);
    await batch.reached;
    app.clock.advance(1_000);
    await expect.poll(countExpired, { timeout: 5_000 }).toBe(1);
    batch.release();
    await monitors.settled();
    expect(await countExpired()).toBe(2);
  });
});

test("P4: 5,000 holds due together are released within two seconds, each exactly once, by three servers", async () => {
  const app = await createTestApp();
  const servers = [1, 2, 3].map(() => {
    const db = openDatabase(app.databaseUrl, { maxConnections: 3 });
    const logger = createMemoryLogger();
    return { db, logger, monitors: createExpiryMonitors({ db, clock: processClock, logger }) };
  });
  const due = new Date(processClock.now().getTime() + 3_000);
  await givenPendingHolds(app, 5_000, due);
  for (const { monitors } of servers) expect(await monitors.rehydrate()).toBe(5_000);
  expect(processClock.now() < due).toBe(true);

  while ((await countByStatus(app, "Expired")) !== 5_000);
  const ms = processClock.now().getTime() - due.getTime();
  for (const { monitors } of servers) await monitors.settled();
  const expired = servers.map(({ logger }) => expiredBy(logger));
  for (const { db, monitors } of servers) {
    await monitors.close();
    await db.destroy();
  }
  expect(expired.reduce((sum, count) => sum + count)).toBe(5_000);
  expect(ms).toBeLessThan(2_000);
  console.log(
    `P4: 5,000 holds released ${ms} ms after they were due, ${expired.join(", ")} by the three servers.`,
  );
});

// Real time and real timers.
const processClock: Clock = {
  now: () => new Date(),
  standsAt: undefined,
  nowFrom: () => new Date(),
  jumpedForwardTo: undefined,
  nowIn: () => Promise.resolve(new Date()),
  wakeAt: (at, wake, signal) => scheduleWake(() => new Date(), at, wake, signal),
  wakeAfter: (ms, wake, signal) =>
    scheduleWake(() => new Date(), new Date(new Date().getTime() + ms), wake, signal),
};
