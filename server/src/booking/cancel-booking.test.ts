import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { givenCustomer, givenShow, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query, type Answer } from "../../test/rpc-call.ts";
import { seatStatus } from "../../test/seat-status.ts";
import { createTestApp, testStart, type TestApp } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import type { Booking } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp();
const neighbour = await createTestApp({ beside: app });
const proxy = await startDatabaseProxy(app.databaseUrl);
const cutOff = await createTestApp({ beside: app, databaseUrl: () => proxy.url });
afterAll(() => proxy.close());
const { deps, clock, gateway } = app;
// Nothing but the verbs acts on time here.
for (const server of [app, neighbour, cutOff]) await server.deps.monitors.close();
beforeEach(() => clock.set(testStart));

async function givenHold(seatNumbers = ["A1", "B1"]) {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const hold = await holdSeats(deps, customer, { showId, seatNumbers });
  return { customer, ...hold };
}

/** Keeps a booking locked by a transaction on `app.sql`, which `work` goes on with, while these calls wait in their order. */
async function whileLocked<Result>(
  bookingId: number,
  calls: (() => Promise<Result>)[],
  work: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Promise<Result>[]> {
  await app.sql.query("begin");
  onTestFinished(async () => void (await app.sql.query("rollback")));
  await app.sql.query("select from booking where id = $1 for update", [bookingId]);
  const waiting: Promise<Result>[] = [];
  for (const call of calls) {
    const one = call();
    // What it is refused with is looked at later.
    one.catch(() => {});
    waiting.push(one);
    await untilBlocked(app, waiting.length);
  }
  await work();
  await app.sql.query("commit");
  return waiting;
}

const cancelOf = (user: User, bookingId: number) => () => cancelBooking(deps, user, { bookingId });

async function withKey(server: TestApp, user: User, bookingId: number, key = "k"): Promise<Answer<Booking>> {
  const options = { token: await tokenOf(deps, user), headers: { "idempotency-key": key } };
  return await mutate<Booking>(server, "booking.cancel", { bookingId }, options);
}

async function keysOf({ username }: User): Promise<unknown[]> {
  return await app.sql.query("select key from idempotency_key where username = $1", [username]);
}

async function statusOf(bookingId: number): Promise<unknown> {
  const [row] = await app.sql.query("select status from booking where id = $1", [bookingId]);
  return row?.["status"];
}

const refusedAs = (status: string) => ({
  problem: { code: "INVALID_BOOKING_STATUS", details: { status } },
});

describe("a cancellation", () => {
  test("answers with the booking as it is read afterwards, with and without a key", async () => {
    for (const cancel of [
      (user: User, bookingId: number) => cancelOf(user, bookingId)(),
      async (user: User, bookingId: number) => (await withKey(app, user, bookingId)).data,
    ]) {
      const { customer, bookingId, showId } = await givenHold();
      clock.advance(1_000);
      const cancelled = await cancel(customer, bookingId);
      const token = await tokenOf(deps, customer);
      const { data } = await query<Booking>(app, "booking.byId", { bookingId }, { token });
      expect(cancelled).toEqual(data);
      expect(cancelled).toMatchObject({
        status: "Cancelled",
        expiresAt: null,
        seatNumbers: ["A1", "B1"],
        bookingTime: testStart,
      });
      expect(await app.sql.query("select ended_at from booking where id = $1", [bookingId])).toEqual([
        { ended_at: clock.now() },
      ]);
      expect(await seatStatus(deps, customer, showId, "B1")).toBe("free");
      clock.set(testStart);
    }
  });

  test("costs one round trip, and with a key three: the look-up, the booking, and one statement for all", async () => {
    const counting = await startCountingProxy(app.databaseUrl);
    onTestFinished(() => counting.close());
    const counted = await createTestApp({ beside: app, maxConnections: 1, databaseUrl: () => counting.url });
    counted.deps.sessions.proven(Infinity);
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    // Opens the one connection, and reads the session.
    await query(counted, "show.list", {}, { token });
    const tripsOf = async (seatNumbers: string[], headers: Record<string, string>) => {
      const showId = await givenShow(app);
      const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers });
      return await counting.count(async () => {
        const answer = await mutate<Booking>(counted, "booking.cancel", { bookingId }, { token, headers });
        expect(answer.data?.status).toBe("Cancelled");
      });
    };
    const ten = Array.from({ length: 10 }, (_, index) => `C${index + 1}`);
    expect([await tripsOf(["A1"], {}), await tripsOf(ten, {})]).toEqual([1, 1]);
    expect(await tripsOf(["A1", "B1"], { "idempotency-key": "k" })).toBe(3);
  });

  test("of another customer's booking, or of none, finds nothing and changes nothing", async () => {
    const { bookingId } = await givenHold();
    const stranger = await givenCustomer(deps);
    for (const id of [bookingId, 999_999_999]) {
      expect(await refusalOf(cancelOf(stranger, id)())).toBe("BOOKING_NOT_FOUND");
      expect((await withKey(app, stranger, id)).error?.data.domain?.code).toBe("BOOKING_NOT_FOUND");
    }
    expect(await keysOf(stranger)).toEqual([]);
    expect(await statusOf(bookingId)).toBe("Pending");
  });

  test("is done in the last millisecond of a hold, and refused at its end", async () => {
    const inTime = await givenHold();
    clock.set(new Date(inTime.expiresAt.getTime() - 1));
    expect((await cancelOf(inTime.customer, inTime.bookingId)()).status).toBe("Cancelled");
    clock.set(testStart);
    const late = await givenHold();
    clock.set(late.expiresAt);
    await expect(cancelOf(late.customer, late.bookingId)()).rejects.toMatchObject(refusedAs("Expired"));
    expect(await statusOf(late.bookingId)).toBe("Pending");
  });

  test("that is refused under its key leaves the key free", async () => {
    const { customer, bookingId, expiresAt } = await givenHold();
    clock.set(expiresAt);
    const refused = await withKey(app, customer, bookingId);
    expect(refused.error?.data.domain).toEqual({
      code: "INVALID_BOOKING_STATUS",
      details: { status: "Expired" },
    });
    expect(await keysOf(customer)).toEqual([]);
  });
});

describe("a cancellation that waits for another transaction", () => {
  test("is refused when that one expires the hold", async () => {
    const { customer, bookingId } = await givenHold();
    const [cancelling] = await whileLocked(bookingId, [cancelOf(customer, bookingId)], () =>
      app.sql.query(
        `with ended as (update booking set status = 'Expired', ended_at = expires_at where id = $1 returning id)
         update seat_claim set booking_id = null, free_after = '-infinity' where booking_id in (select id from ended)`,
        [bookingId],
      ),
    );
    await expect(cancelling).rejects.toMatchObject(refusedAs("Expired"));
  });

  test("is refused when another customer takes the overdue seat over, who keeps it", async () => {
    const { customer, bookingId, showId, expiresAt } = await givenHold();
    const buyer = await givenCustomer(deps);
    clock.set(expiresAt);
    const commit = proxy.intercept(({ sql }) => sql === "commit", "hold");
    const takingOver = holdSeats(cutOff.deps, buyer, { showId, seatNumbers: ["B1"] });
    await commit.reached;
    // As a server whose clock is behind: for it the hold is live.
    clock.set(testStart);
    const cancelling = cancelOf(customer, bookingId)();
    cancelling.catch(() => {});
    await untilBlocked(app);
    commit.release();
    await takingOver;
    await expect(cancelling).rejects.toMatchObject(refusedAs("Expired"));
    expect(await seatStatus(deps, customer, showId, "B1")).toBe("held");
    expect(await seatStatus(deps, customer, showId, "A1")).toBe("free");
  });

  test("and comes before a payment is done, and the payment refused before any charge", async () => {
    const { customer, bookingId } = await givenHold();
    const charges = gateway.calls().length;
    const payment = { bookingId, method: "Card", card: goodCard } as const;
    const [cancelling, paying] = await whileLocked(bookingId, [
      cancelOf(customer, bookingId),
      () => payBooking(deps, customer, payment),
    ]);
    expect(await cancelling).toMatchObject({ status: "Cancelled" });
    await expect(paying).rejects.toMatchObject(refusedAs("Cancelled"));
    expect(gateway.calls()).toHaveLength(charges);
  });

  test("and comes after a payment is refused while that runs, and the seats are sold", async () => {
    const { customer, bookingId, showId } = await givenHold();
    const slow = gateway.script("slow");
    const payment = { bookingId, method: "Card", card: goodCard } as const;
    const [paying, cancelling] = await whileLocked(bookingId, [
      () => payBooking(deps, customer, payment),
      cancelOf(customer, bookingId),
    ]);
    expect(await refusalOf(cancelling!)).toBe("PAYMENT_IN_PROGRESS");
    await slow.arrived;
    await slow.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
    await expect(cancelOf(customer, bookingId)()).rejects.toMatchObject(refusedAs("Confirmed"));
    expect(await seatStatus(deps, customer, showId, "B1")).toBe("sold");
  });

  test("takes the claims of its seats in the order of the seats", async () => {
    const { customer, bookingId, showId } = await givenHold();
    // Written again, the first seat's claim lies behind the other one, where a cancellation without order would come to it last.
    await app.sql.query("begin");
    const first = "show_id = $1 and seat_number = 'A1'";
    const emptied = `update seat_claim set booking_id = null, free_after = '-infinity' where ${first}`;
    await app.sql.query(emptied, [showId]);
    await app.sql.query(`update seat_claim set booking_id = $2, free_after = $3 where ${first}`, [
      showId,
      bookingId,
      clock.now(),
    ]);
    await app.sql.query("commit");

    await app.sql.query("begin");
    onTestFinished(async () => void (await app.sql.query("rollback")));
    await app.sql.query(`select from seat_claim where ${first} for update`, [showId]);
    const cancelling = cancelOf(customer, bookingId)();
    await untilBlocked(app);
    const rows = await deps.db
      .selectFrom("seat_claim")
      .where("show_id", "=", showId)
      .where("seat_number", "=", "B1")
      .select("seat_number")
      .forUpdate()
      .skipLocked()
      .execute();
    expect(rows).toHaveLength(1);
    await app.sql.query("commit");
    expect(await cancelling).toMatchObject({ status: "Cancelled" });
  });

  test("and is ended as one side of a deadlock is done again", async () => {
    const { customer, bookingId, showId } = await givenHold();
    await app.sql.query(`
      create sequence deadlocks;
      create function end_in_deadlock() returns trigger language plpgsql as $$
      begin
        if nextval('deadlocks') <= 2 then raise deadlock_detected; end if;
        return new;
      end $$;
      create trigger end_in_deadlock before update on seat_claim for each row when (new.show_id = ${showId})
        execute function end_in_deadlock()`);
    onTestFinished(async () => {
      await app.sql.query("drop function end_in_deadlock cascade; drop sequence deadlocks");
    });
    expect(await cancelOf(customer, bookingId)()).toMatchObject({ status: "Cancelled" });
  });

  test("is done once, of two at once", async () => {
    const { customer, bookingId } = await givenHold();
    const cancel = cancelOf(customer, bookingId);
    const [first, second] = await whileLocked(bookingId, [cancel, cancel]);
    expect(await first).toMatchObject({ status: "Cancelled" });
    await expect(second).rejects.toMatchObject(refusedAs("Cancelled"));
  });

  test("answers, and keeps with its key, what that one made of the booking", async () => {
    for (const key of [undefined, "k"]) {
      const { customer, bookingId } = await givenHold();
      const token = await tokenOf(deps, customer);
      const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
      const cancel = () => mutate<Booking>(app, "booking.cancel", { bookingId }, { token, headers });
      const [cancelling] = await whileLocked(bookingId, [cancel], () =>
        app.sql.query("update booking set amount_due = 150 where id = $1", [bookingId]),
      );
      const { status, data, text } = await cancelling!;
      expect([status, data?.amountDue.toFixed(2)]).toEqual([200, "150.00"]);
      if (key !== undefined) expect((await cancel()).text).toBe(text);
    }
  });
});

describe("one key", () => {
  test("sent to two servers at once has one effect and one answer", async () => {
    const { customer, bookingId } = await givenHold();
    const [first, second] = await whileLocked(bookingId, [
      () => withKey(app, customer, bookingId),
      () => withKey(neighbour, customer, bookingId),
    ]);
    const [answer, replayed] = [await first!, await second!];
    expect(answer.data?.status).toBe("Cancelled");
    expect([answer, replayed].map(({ headers }) => headers.get("idempotent-replayed"))).toEqual([
      null,
      "true",
    ]);
    expect(replayed.text).toBe(answer.text);
  });

  test("whose statement was done without an answer gives that answer when it comes again", async () => {
    const { customer, bookingId, showId } = await givenHold();
    const lost = proxy.intercept(({ sql }) => sql.includes("cancel_hold("), "after");
    const first = await withKey(cutOff, customer, bookingId);
    await lost.reached;
    expect(first.status).toBeGreaterThanOrEqual(500);
    expect(await statusOf(bookingId)).toBe("Cancelled");
    for (const server of [cutOff, neighbour]) {
      const again = await withKey(server, customer, bookingId);
      expect(again.data).toMatchObject({ bookingId, status: "Cancelled" });
      expect(again.headers.get("idempotent-replayed")).toBe("true");
    }
    expect(await seatStatus(deps, customer, showId, "A1")).toBe("free");
  });

  test("whose statement never arrived is free when it comes again", async () => {
    const { customer, bookingId } = await givenHold();
    const lost = proxy.intercept(({ sql }) => sql.includes("cancel_hold("), "before");
    const first = await withKey(cutOff, customer, bookingId);
    await lost.reached;
    expect(first.status).toBeGreaterThanOrEqual(500);
    expect([await statusOf(bookingId), await keysOf(customer)]).toEqual(["Pending", []]);
    const again = await withKey(cutOff, customer, bookingId);
    expect(again.data?.status).toBe("Cancelled");
    expect(again.headers.get("idempotent-replayed")).toBeNull();
  });
});
