import { expireAnyDue } from "@skyfox/db";
import { afterEach, describe, expect, test } from "vitest";
import {
  cardMoneyOf,
  givenBooking,
  givenCheckIn,
  givenCounterSale,
  givenFunds,
  givenHold,
  letPass,
  paymentOf,
  problemOf,
  purseOf,
} from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";
import { Decimal, type Show, type ShowCancellation } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { cancelShow, getShowCancellation } from "./cancel-show.ts";
import { resolvePayment } from "../payment/payments-in-doubt.ts";
import { refundBooking } from "./refund-booking.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps, clock, gateway } = app;
const admin = await givenStaff(deps, "admin");
const reason = "The projector is broken.";

afterEach(async () => {
  gateway.setAskRoute("offered");
  // What one test leaves to be asked about is not the next one's.
  await app.reconcile();
});

function cancel(showId: number, why = reason) {
  return cancelShow(deps, admin, { showId, reason: why });
}

function statusOf(person: User, bookingId: number) {
  return getBooking(deps, person, { bookingId }).then(({ status, refund }) => [
    status,
    refund && [refund.amount.toFixed(2), refund.to, refund.state].join(" "),
  ]);
}

/** A show with a seat sold by card, wallet, both and cash, and one whose people are inside. */
async function givenSoldShow() {
  const showId = await givenShow(app);
  const customer = await givenCustomer(deps);
  const byCard = await givenBooking(app, customer, "card", { showId, seat: "A1" });
  const byWallet = await givenBooking(app, customer, "wallet", { showId, seat: "A2" });
  const byBoth = await givenBooking(app, customer, "both", { showId, seat: "A3" });
  const inside = await givenBooking(app, customer, "card", { showId, seat: "A4" });
  await givenCheckIn(app, inside.bookingId);
  const atCounter = await givenCounterSale(app, showId, "A5");
  return { showId, customer, byCard, byWallet, byBoth, inside, atCounter };
}

describe("from the moment on that a show is cancelled", () => {
  test("no customer holds its seats, and its holds are cancelled", async () => {
    const [customer, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const showId = await givenShow(app);
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    expect(await cancel(showId)).toEqual({
      showId,
      status: "done",
      reason,
      total: 0,
      refunded: 0,
      failed: [],
    });
    expect(await problemOf(holdSeats(deps, other, { showId, seatNumbers: ["A1"] }))).toEqual({
      code: "SHOW_CANCELLED",
      details: { reason },
    });
    expect(await statusOf(customer, bookingId)).toEqual(["Cancelled", null]);
    expect(await app.sql.query("select ended_at from booking where id = $1", [bookingId])).toEqual([
      { ended_at: clock.now() },
    ]);
    expect(deps.monitors.armed).toBe(0);
    for (const method of ["card", "wallet", "both"] as const)
      expect(await problemOf(payBooking(deps, customer, paymentOf(bookingId, method)))).toEqual({
        code: "SHOW_CANCELLED",
        details: { reason },
      });
  });

  test("a hold that was over before is Expired, as it read before", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    deps.monitors.disarm(bookingId);
    clock.advance(300_000);
    expect(await statusOf(customer, bookingId)).toEqual(["Expired", null]);
    await cancel(showId);
    expect(await statusOf(customer, bookingId)).toEqual(["Expired", null]);
  });

  test("a hold that was just being made is not there, and one that was made is cancelled", async () => {
    const showId = await givenShow(app);
    const seats = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10"];
    const customers = await Promise.all(seats.map(() => givenCustomer(deps)));
    const settled = await together<unknown>([
      ...seats
        .slice(0, 5)
        .map((seat, index) => () => holdSeats(deps, customers[index]!, { showId, seatNumbers: [seat] })),
      () => cancel(showId),
      ...seats
        .slice(5)
        .map((seat, index) => () => holdSeats(deps, customers[index + 5]!, { showId, seatNumbers: [seat] })),
    ]);
    for (const result of settled)
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ problem: { code: "SHOW_CANCELLED" } });
    const live = await app.sql.query(
      "select id from booking where show_id = $1 and status <> 'Cancelled' union select booking_id from seat_claim where show_id = $1 and booking_id is not null",
      [showId],
    );
    expect(live).toEqual([]);
  });

  test("its slot is free for another show, and it stays listed with the day of its end", async () => {
    const showId = await givenShow(app, { slotId: 2 });
    const [row] = await app.sql.query("select screen_id from show where id = $1", [showId]);
    const sameSlot = { slotId: 2, screenId: row?.["screen_id"] as number };
    await expect(givenShow(app, sameSlot)).rejects.toMatchObject({ constraint: "show_screen_slot_date_key" });
    await cancel(showId);
    const next = await givenShow(app, sameSlot);
    const customer = await givenCustomer(deps);
    await givenBooking(app, customer, "card", { showId: next, seat: "A1" });
    const token = await tokenOf(deps, customer);
    const { data } = await query<Show[]>(app, "show.list", { date: "2026-03-11" }, { token });
    const both = data?.filter(({ id }) => id === showId || id === next);
    expect(both?.map(({ id, cancelledAt }) => [id, cancelledAt])).toEqual([
      [showId, clock.now()],
      [next, null],
    ]);
  });
});

describe("every customer gets their money back", () => {
  test("each where it came from, each once, also those who are inside", async () => {
    const { showId, customer, byCard, byWallet, byBoth, inside, atCounter } = await givenSoldShow();
    const started = await cancel(showId);
    expect(started).toEqual({ showId, status: "running", reason, total: 5, refunded: 2, failed: [] });
    expect(await statusOf(customer, byCard.bookingId)).toEqual(["Refunded", "200.00 source pending"]);
    expect(await statusOf(customer, byWallet.bookingId)).toEqual(["Refunded", "200.00 source done"]);
    expect(await statusOf(customer, byBoth.bookingId)).toEqual(["Refunded", "200.00 source pending"]);
    expect(await statusOf(customer, inside.bookingId)).toEqual(["Refunded", "200.00 source pending"]);
    expect(await statusOf(admin, atCounter)).toEqual(["Refunded", "200.00 counter done"]);
    expect(await purseOf(app, customer)).toEqual({ balance: "250.00", available: "250.00" });

    await app.reconcile();
    expect(await getShowCancellation(deps, { showId })).toEqual({
      showId,
      status: "done",
      reason,
      total: 5,
      refunded: 5,
      failed: [],
    });
    await letPass(app, 15);
    await cancel(showId);
    const backs: string[][] = [];
    for (const { bookingId } of [byCard, byWallet, byBoth, inside])
      backs.push((await cardMoneyOf(app, { bookingId })).givenBack);
    expect(backs).toEqual([["200.00"], [], ["150.00"], ["200.00"]]);
    expect(await purseOf(app, customer)).toEqual({ balance: "250.00", available: "250.00" });
    const [row] = await app.sql.query(
      "select count(*)::int as refunds, count(distinct reason)::int as reasons, min(refunded_by) as by from payment_refund where booking_id in (select id from booking where show_id = $1)",
      [showId],
    );
    expect(row).toEqual({ refunds: 5, reasons: 1, by: admin.username });
  });

  test("though ten admins cancel it at once: once", async () => {
    const { showId, customer } = await givenSoldShow();
    await together(Array.from({ length: 10 }, (_, index) => () => cancel(showId, `Reason ${index}`)));
    await letPass(app, 15);
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      total: 5,
      refunded: 5,
    });
    expect((await cardMoneyOf(app, customer)).givenBack.toSorted()).toEqual(["150.00", "200.00", "200.00"]);
    expect(await purseOf(app, customer)).toEqual({ balance: "250.00", available: "250.00" });
    const entries = await app.sql.query(
      "select actor, subject from audit_entry where action = 'show-cancelled' and (details->>'showId')::int = $1",
      [showId],
    );
    expect(entries).toEqual([{ actor: admin.username, subject: null }]);
  });

  test("but not again to those who had it back before, nor counted among them", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const before = await givenBooking(app, customer, "card", { showId, seat: "A1" });
    await givenBooking(app, customer, "card", { showId, seat: "A2" });
    await refundBooking(deps, admin, { bookingId: before.bookingId, to: "wallet", reason });
    clock.advance(1_000);
    expect(await cancel(showId)).toMatchObject({ total: 1, refunded: 0 });
    await app.reconcile();
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      total: 1,
      refunded: 1,
    });
    expect((await cardMoneyOf(app, before)).givenBack).toEqual([]);
  });

  test("and what the gateway still owes for an earlier refund does not keep it from being done", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const before = await givenBooking(app, customer, "card", { showId, seat: "A1" });
    await refundBooking(deps, admin, { bookingId: before.bookingId, to: "source", reason });
    clock.advance(1_000);
    expect(await cancel(showId)).toMatchObject({ status: "done", total: 0, refunded: 0, failed: [] });
    expect(await statusOf(customer, before.bookingId)).toEqual(["Refunded", "200.00 source pending"]);
  });

  test("and what the gateway does not give back yet is listed with the reason, until it does", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card", { showId, seat: "A1" });
    await cancel(showId);
    gateway.scriptRefund("declined");
    await app.reconcile();
    const error = "the gateway refused to give the money back (HTTP 422)";
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "running",
      total: 1,
      refunded: 0,
      failed: [{ bookingId, error }],
    });
    await letPass(app, 10);
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      refunded: 1,
      failed: [],
    });
  });
});

describe("a payment that is under way when its show is cancelled", () => {
  test("is not confirmed: the payer learns why, and card and wallet have their money back", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "80.00");
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    const slow = gateway.script("slow");
    const paying = problemOf(payBooking(deps, customer, paymentOf(bookingId, "both")));
    await slow.arrived;
    expect(await cancel(showId)).toMatchObject({ status: "running", total: 1, refunded: 0 });
    expect(await statusOf(customer, bookingId)).toEqual(["Paying", null]);
    await slow.release();
    expect(await paying).toEqual({ code: "SHOW_CANCELLED", details: { reason } });
    expect(await statusOf(customer, bookingId)).toEqual(["Cancelled", "120.00 source pending"]);
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
    await letPass(app, 10);
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["120.00"], givenBack: ["120.00"] });
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      total: 1,
      refunded: 1,
    });
  });

  test("whose outcome is unknown is given back once the gateway tells", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    gateway.setAskRoute("unavailable");
    gateway.script("error-after-success");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    await cancel(showId);
    await letPass(app, 60);
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "running",
      total: 1,
      refunded: 0,
    });
    gateway.setAskRoute("offered");
    await letPass(app, 15);
    expect(await statusOf(customer, bookingId)).toEqual(["Cancelled", "200.00 source done"]);
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      total: 1,
      refunded: 1,
    });
  });

  test("keeps it running also when its booking has expired, until the gateway tells, with what was heard last", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    gateway.setAskRoute("unavailable");
    gateway.script("error-after-success");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    await letPass(app, 600);
    await expireAnyDue(deps.db, 100, clock.now());
    expect(await statusOf(customer, bookingId)).toEqual(["Expired", null]);
    expect(await cancel(showId)).toMatchObject({
      status: "running",
      total: 1,
      refunded: 0,
      failed: [{ bookingId, error: expect.stringContaining("the gateway") as string }],
    });
    gateway.setAskRoute("offered");
    await letPass(app, 60);
    expect(await statusOf(customer, bookingId)).toEqual(["Expired", "200.00 source done"]);
    const answer = await getShowCancellation(deps, { showId });
    expect(answer).toMatchObject({ status: "done", total: 1, refunded: 1, failed: [] });
  });

  test("and turns out not to be charged ends as cancelled, and is no hold again", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "80.00");
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    gateway.script("unavailable");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "both")));
    await cancel(showId);
    await letPass(app, 25);
    expect(await statusOf(customer, bookingId)).toEqual(["Cancelled", null]);
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      total: 0,
      refunded: 0,
    });
  });

  test("and is declined without having seen the cancellation becomes a hold, which the next round cancels", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    const slow = gateway.script("slow");
    const paying = refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    await slow.arrived;
    await cancel(showId);
    // As its payment's own transaction would have left it.
    await app.sql.query("update booking set status = 'Pending', paying_until = null where id = $1", [
      bookingId,
    ]);
    await app.sql.query(
      "update seat_claim set free_after = (select expires_at from booking where id = $1) where booking_id = $1",
      [bookingId],
    );
    await app.reconcile();
    expect(await statusOf(customer, bookingId)).toEqual(["Cancelled", null]);
    await slow.release();
    await paying;
    await letPass(app, 10);
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
  });

  test("by the wallet alone is either refused, or paid and given back", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "1000.00");
    const holds = [];
    for (const seat of ["A1", "A2", "A3", "A4", "A5"])
      holds.push(await givenHold(app, customer, { showId, seat }));
    const outcomes: unknown[] = [];
    await together<unknown>([
      ...holds.map(({ bookingId }) => async () => {
        outcomes.push(await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "wallet"))));
      }),
      () => cancel(showId),
    ]);
    for (const outcome of outcomes) expect(["accepted", "SHOW_CANCELLED"]).toContain(outcome);
    await letPass(app, 5);
    expect(await getShowCancellation(deps, { showId })).toMatchObject({ status: "done", failed: [] });
    expect(await purseOf(app, customer)).toEqual({ balance: "1000.00", available: "1000.00" });
  });

  test("and has its booking locked makes the cancellation wait for it, not go past it", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer, { showId, seat: "A1" });
    await app.sql.query("begin");
    await app.sql.query("select id from booking where id = $1 for update", [bookingId]);
    const cancelled = cancel(showId);
    await untilBlocked(app);
    // The show is off already, whatever its bookings are doing.
    await app.sql.query("commit");
    expect(await cancelled).toMatchObject({ status: "done" });
    expect(await statusOf(customer, bookingId)).toEqual(["Cancelled", null]);
  });
});

describe("a cancellation", () => {
  test("that fails in the middle has done the others, and goes on later with what is left", async () => {
    const { showId, customer, byWallet, byCard, byBoth } = await givenSoldShow();
    await app.sql.query(
      `create function fail_one() returns trigger language plpgsql as $$ begin raise 'the disk is full'; end $$;
       create trigger fail_one before insert on payment_refund for each row when (new.booking_id = ${byWallet.bookingId}) execute function fail_one()`,
    );
    const answer = await cancel(showId);
    await letPass(app, 5);
    const midway = await getShowCancellation(deps, { showId });
    await app.sql.query("drop trigger fail_one on payment_refund; drop function fail_one()");
    const error = expect.stringContaining("could not be given back yet") as string;
    const failed = [{ bookingId: byWallet.bookingId, error }];
    expect(answer).toMatchObject({ status: "running", total: 5, refunded: 1, failed });
    expect(midway).toMatchObject({ status: "running", total: 5, refunded: 4, failed });
    expect(await statusOf(customer, byWallet.bookingId)).toEqual(["Confirmed", null]);
    expect(await statusOf(customer, byCard.bookingId)).toEqual(["Refunded", "200.00 source done"]);
    expect(await statusOf(customer, byBoth.bookingId)).toEqual(["Refunded", "200.00 source done"]);
    expect(app.logger.lines).toContainEqual(
      expect.objectContaining({ bookingId: byWallet.bookingId, showId, level: "error" }),
    );
    await app.reconcile();
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      total: 5,
      refunded: 5,
      failed: [],
    });
    expect(await statusOf(customer, byWallet.bookingId)).toEqual(["Refunded", "200.00 source done"]);
  });

  test("that stopped right after the show was cancelled is finished by the next call, or by any server", async () => {
    for (const goOn of ["again", "server"] as const) {
      const { showId } = await givenSoldShow();
      await app.sql.query("update show set cancelled_at = $2, cancel_reason = $3 where id = $1", [
        showId,
        clock.now(),
        reason,
      ]);
      await app.sql.query(
        "insert into show_cancellation (show_id, cancelled_by, started_at) values ($1, $2, $3)",
        [showId, admin.username, clock.now()],
      );
      if (goOn === "again") await cancel(showId);
      else await app.reconcile();
      await app.reconcile();
      expect(await getShowCancellation(deps, { showId })).toMatchObject({
        status: "done",
        total: 5,
        refunded: 5,
      });
    }
  });

  test("of a show that an older SkyFox had cancelled gives back what is left, for the reason given then", async () => {
    const { showId } = await givenSoldShow();
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = 'A flood' where id = $1", [
      showId,
      clock.now(),
    ]);
    expect(await refusalOf(getShowCancellation(deps, { showId }))).toBe("SHOW_NOT_FOUND");
    expect(await cancel(showId)).toMatchObject({ reason: "A flood", total: 5, refunded: 2 });
    await app.reconcile();
    expect(await getShowCancellation(deps, { showId })).toMatchObject({ status: "done", refunded: 5 });
  });

  test("keeps its first reason when it is repeated with another", async () => {
    const showId = await givenShow(app);
    await cancel(showId, "First");
    const other = await givenStaff(deps, "admin");
    expect(await cancelShow(deps, other, { showId, reason: "Second" })).toMatchObject({
      reason: "First",
      status: "done",
    });
    const rows = await app.sql.query(
      "select cancel_reason, cancelled_by from show join show_cancellation on show_id = id where id = $1",
      [showId],
    );
    expect(rows).toEqual([{ cancel_reason: "First", cancelled_by: admin.username }]);
  });

  test("is not there for a show that goes on, or that there is not", async () => {
    const showId = await givenShow(app);
    expect(await refusalOf(getShowCancellation(deps, { showId }))).toBe("SHOW_NOT_FOUND");
    expect(await refusalOf(getShowCancellation(deps, { showId: 999_999_999 }))).toBe("SHOW_NOT_FOUND");
    expect(await refusalOf(cancel(999_999_999))).toBe("SHOW_NOT_FOUND");
  });

  test("is the admins' to make and to see", async () => {
    const showId = await givenShow(app);
    for (const person of [await givenCustomer(deps), await givenStaff(deps, "staff")]) {
      const token = await tokenOf(deps, person);
      expect((await mutate(app, "admin.cancelShow", { showId, reason }, { token })).status).toBe(403);
      expect((await query(app, "admin.showCancellation", { showId }, { token })).status).toBe(403);
    }
    const token = await tokenOf(deps, admin);
    for (const bad of ["", "  ", "x".repeat(501)])
      expect((await mutate(app, "admin.cancelShow", { showId, reason: bad }, { token })).status).toBe(400);
    const made = await mutate<ShowCancellation>(
      app,
      "admin.cancelShow",
      { showId, reason: ` ${reason} ` },
      { token },
    );
    expect(made.data).toEqual({ showId, status: "done", reason, total: 0, refunded: 0, failed: [] });
    const seen = await query<ShowCancellation>(app, "admin.showCancellation", { showId }, { token });
    expect(seen.data).toEqual(made.data);
  });
});

test("a charge that comes to light while its booking is being paid by another one does not end that one", async () => {
  const customer = await givenCustomer(deps);
  const { bookingId } = await givenHold(app, customer);
  gateway.script("unavailable");
  await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
  await letPass(app, 25);
  const [first] = await app.sql.query(
    "select id, gateway_key::text as key from payment_transaction where booking_id = $1 and status = 'Failed'",
    [bookingId],
  );
  const slow = gateway.script("slow");
  const paying = payBooking(deps, customer, paymentOf(bookingId, "card"));
  await slow.arrived;
  // The first call arrives after all.
  await deps.gateway.charge({ key: String(first?.["key"]), amount: new Decimal("200"), card: goodCard });
  const paymentId = first?.["id"] as number;
  expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "refunded" });
  expect(await statusOf(customer, bookingId)).toEqual(["Paying", "200.00 source done"]);
  await slow.release();
  expect(await paying).toMatchObject({ status: "Confirmed", refund: null });
  expect(await cardMoneyOf(app, { bookingId })).toEqual({
    charged: ["200.00", "200.00"],
    givenBack: ["200.00"],
  });
});
