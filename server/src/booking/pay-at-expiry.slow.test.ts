import { expireAnyDue, connectOnce } from "@skyfox/db";
import { expect, test } from "vitest";
import { givenCustomer, givenCustomers, givenShow, goodCard } from "../../test/given.ts";
import { standDatabaseClock } from "../../test/shift-database-clock.ts";
import { createTestApp } from "../../test/test-app.ts";
import { codeOf, refusalOf } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const rounds = 50;
const holdsPerRound = 20;
const allowed = {
  pay: ["paid", "BOOKING_EXPIRED"],
  rival: ["held", "SEATS_UNAVAILABLE"],
};

const app = await createTestApp({ maxConnections: 20 });
// A payment reads the database's time after its lock, which the tests set while it waits.
const setTime = await standDatabaseClock(app.sql, app.clock);
const other = await createTestApp({ beside: app, maxConnections: 20 });

test(
  "P5: paying within 50 ms of the expiry, with lock waits and rivals, never sells a seat twice nor keeps money without seats",
  { timeout: 120_000 },
  async () => {
    const { clock } = app;
    const payers = await givenCustomers(app.deps, holdsPerRound);
    const rivals = await givenCustomers(app.deps, holdsPerRound);
    const blocker = await connectOnce(app.databaseUrl);
    const random = seededRandom(20_260_310);
    const tally: Record<string, number> = {};
    const count = (what: string) => {
      tally[what] = (tally[what] ?? 0) + 1;
    };

    for (let round = 0; round < rounds; round += 1) {
      const showId = await givenShow(app, { date: "2026-03-14" });
      const holds = await Promise.all(
        payers.map((payer, index) => holdSeats(app.deps, payer, { showId, seatNumbers: [seatOf(index)] })),
      );
      const expiresAt = holds[0]!.expiresAt.getTime();
      await setTime(new Date(expiresAt - 50 + random(50)));

      // Half of the bookings are locked by another transaction while all buyers start, and let go when their time may be over.
      await blocker.query("begin");
      await blocker.query("select id from booking where id = any($1) order by id for update", [
        holds.filter((_, index) => index % 2 === round % 2).map(({ bookingId }) => bookingId),
      ]);
      const paying = holds.map(async ({ bookingId }, index) => {
        const server = index % 3 === 0 ? other.deps : app.deps;
        return payBooking(server, payers[index]!, { bookingId, method: "Card", card: goodCard });
      });
      const tryAll = () =>
        Promise.allSettled(
          rivals.map((rival, index) => holdSeats(app.deps, rival, { showId, seatNumbers: [seatOf(index)] })),
        );
      const settledPays = Promise.allSettled(paying);
      const early = random(1) === 0 ? tryAll() : Promise.resolve([]);
      await untilBlocked(app, holdsPerRound / 2);
      await setTime(new Date(expiresAt - 5 + random(55)));
      const late = tryAll();
      const sweeps = expireAnyDue(other.deps.db, 500, clock.now());
      await blocker.query("commit");

      for (const result of await settledPays) {
        const outcome = result.status === "fulfilled" ? "paid" : codeOf(result.reason);
        expect(allowed.pay).toContain(outcome);
        count(`pay: ${String(outcome)}`);
      }
      for (const result of [...(await early), ...(await late)]) {
        const outcome = result.status === "fulfilled" ? "held" : codeOf(result.reason);
        expect(allowed.rival).toContain(outcome);
        count(`rival: ${String(outcome)}`);
      }
      await sweeps;
      await app.deps.monitors.settled();
      expect(await app.listViolations()).toEqual([]);
      await setTime(new Date(clock.now().getTime() + 400_000));
      await app.deps.monitors.settled();
      await app.reconcile();
    }
    await blocker.end();

    const [books] = await app.sql.query(
      "select count(*)::int as charges, count(*) filter (where b.status = 'Confirmed')::int as confirmed from payment_transaction p join booking b on b.id = p.booking_id where p.status = 'Completed'",
    );
    const { charges, refunds } = app.gateway.books();
    expect(books).toEqual({ charges: charges.length, confirmed: charges.length - refunds.length });
    expect(tally["pay: paid"]).toBeGreaterThan(0);
    expect(tally["pay: BOOKING_EXPIRED"]).toBeGreaterThan(0);
    expect(tally["rival: held"]).toBeGreaterThan(0);
    console.log(`P5: ${rounds * holdsPerRound} payments at their expiry: ${JSON.stringify(tally)}`);
  },
);

test("a payment that waits for a lock until the hold is over is refused, and the gateway is not called", async () => {
  const { deps, sql, gateway } = app;
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app, { date: "2026-03-15" });
  const { bookingId, expiresAt } = await holdSeats(deps, customer, { showId, seatNumbers: ["A1"] });
  deps.monitors.disarm(bookingId);
  await setTime(new Date(expiresAt.getTime() - 1));
  const blocker = await connectOnce(app.databaseUrl);
  await blocker.query("begin");
  await blocker.query("select id from booking where id = $1 for update", [bookingId]);
  const calls = gateway.calls().length;
  const refused = refusalOf(payBooking(deps, customer, { bookingId, method: "Card", card: goodCard }));
  await untilBlocked(app);
  await setTime(expiresAt);
  await blocker.query("commit");
  expect(await refused).toBe("BOOKING_EXPIRED");
  expect(gateway.calls()).toHaveLength(calls);
  const [row] = await sql.query("select status from booking where id = $1", [bookingId]);
  expect(row).toEqual({ status: "Pending" });
  await blocker.end();
});

function seatOf(index: number): string {
  return `${"ABCDEFGHIJ"[Math.floor(index / 10)]}${(index % 10) + 1}`;
}

function seededRandom(seed: number): (upTo: number) => number {
  let state = seed;
  return (upTo) => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * (upTo + 1));
  };
}
