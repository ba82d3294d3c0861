import { expireAnyDue } from "@skyfox/db";
import { describe, expect, test } from "vitest";
import { startPaymentGateway } from "../../../scripts/sandbox/payment-gateway.ts";
import { declinedCard, givenCustomer, givenShow, goodCard } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { codeOf } from "../../test/together.ts";
import type { PaymentGateway } from "../payment/ports.ts";
import type { User } from "../deps.ts";
import { connectPaymentGateway } from "../payment/card-gateway.ts";
import { reconcilePayments } from "../payment/reconcile-payments.ts";
import { getSeatMap } from "../show/get-seat-map.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp({ gatewayTimeoutMs: 500 });
const { deps, clock, gateway } = app;

async function givenHold(seats = ["A1", "F1"]) {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const hold = await holdSeats(deps, customer, { showId, seatNumbers: seats });
  return { customer, showId, bookingId: hold.bookingId, expiresAt: hold.expiresAt };
}

function pay(customer: User, bookingId: number, card = goodCard) {
  return payBooking(deps, customer, { bookingId, method: "Card", card });
}

async function problemOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "accepted",
    (error: unknown) => (error instanceof Error && "problem" in error ? error.problem : error),
  );
}

async function paymentsOf(bookingId: number) {
  return app.sql.query(
    "select status, transaction_id, last_error from payment_transaction where booking_id = $1 order by id",
    [bookingId],
  );
}

async function freeSeats(customer: User, showId: number): Promise<number> {
  const map = await getSeatMap(deps, customer, { showId });
  return map.rows.flatMap((row) => row.seats).filter((seat) => seat.status === "free").length;
}

const chargesFor = (bookingId: number) =>
  app.sql
    .query("select gateway_key from payment_transaction where booking_id = $1", [bookingId])
    .then((rows) =>
      gateway.books().charges.filter(({ key }) => rows.some((row) => row["gateway_key"] === key)),
    );

describe("paying by card", () => {
  test("charges the whole amount once and confirms the booking", async () => {
    const { customer, bookingId, showId } = await givenHold();
    const booking = await pay(customer, bookingId);
    expect(booking).toMatchObject({
      status: "Confirmed",
      paymentType: "Card",
      expiresAt: null,
      refund: null,
    });
    expect(booking.amountPaid.toFixed(2)).toBe("550.00");
    expect(booking.cardAmount.toFixed(2)).toBe("550.00");
    expect(booking.walletAmount.toFixed(2)).toBe("0.00");
    const charges = await chargesFor(bookingId);
    expect(charges.map((charge) => charge.amount)).toEqual(["550.00"]);
    expect(booking.transactionId).toBe(charges[0]?.transactionId);
    expect(await freeSeats(customer, showId)).toBe(98);
    expect(await problemOf(pay(customer, bookingId))).toEqual({
      code: "INVALID_BOOKING_STATUS",
      details: { status: "Confirmed" },
    });
  });

  test("is for one's own holds only", async () => {
    const { bookingId } = await givenHold();
    const other = await givenCustomer(deps);
    expect(await problemOf(pay(other, bookingId))).toMatchObject({ code: "BOOKING_NOT_FOUND" });
    expect(await problemOf(pay(other, 999_999_999))).toMatchObject({ code: "BOOKING_NOT_FOUND" });
  });

  test("works until the last millisecond of the hold", async () => {
    const { customer, bookingId } = await givenHold();
    clock.advance(299_999);
    expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
  });

  test("refuses a card whose month is over before the gateway is called", async () => {
    const { customer, bookingId } = await givenHold();
    const calls = gateway.calls().length;
    const old = { ...goodCard, expiryMonth: "02", expiryYear: "26" };
    await expect(pay(customer, bookingId, old)).rejects.toMatchObject({
      problem: { code: "VALIDATION_ERROR" },
      fields: [{ field: "card.expiryYear", message: "Card has expired" }],
    });
    expect(gateway.calls()).toHaveLength(calls);
    expect(await pay(customer, bookingId, { ...old, expiryMonth: "03" })).toMatchObject({
      status: "Confirmed",
    });
  });

  test("of a show that was cancelled meanwhile is refused", async () => {
    const { customer, bookingId, showId } = await givenHold();
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = 'A power cut' where id = $1", [
      showId,
      clock.now(),
    ]);
    expect(await problemOf(pay(customer, bookingId))).toEqual({
      code: "SHOW_CANCELLED",
      details: { reason: "A power cut" },
    });
  });

  test("twenty times at once charges once", async () => {
    const { customer, bookingId } = await givenHold();
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => pay(customer, bookingId)));
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const one of settled) {
      if (one.status === "rejected")
        expect(["PAYMENT_IN_PROGRESS", "INVALID_BOOKING_STATUS"]).toContain(codeOf(one.reason));
    }
    expect(await chargesFor(bookingId)).toHaveLength(1);
  });
});

describe("a declined card", () => {
  test("leaves the hold as long as it was, and another card may pay", async () => {
    const { customer, bookingId, expiresAt } = await givenHold();
    expect(await problemOf(pay(customer, bookingId, declinedCard))).toEqual({
      code: "PAYMENT_DECLINED",
      details: { retryUntil: expiresAt },
    });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending", expiresAt });
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Declined", transaction_id: null }]);
    expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
    expect(await chargesFor(bookingId)).toHaveLength(1);
  });

  test("gives half a minute more when less was left, and the monitor follows", async () => {
    const { customer, bookingId, showId } = await givenHold();
    clock.advance(280_000);
    const retryUntil = new Date(clock.now().getTime() + 30_000);
    expect(await problemOf(pay(customer, bookingId, declinedCard))).toEqual({
      code: "PAYMENT_DECLINED",
      details: { retryUntil },
    });
    clock.advance(29_999);
    await deps.monitors.settled();
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending" });
    clock.advance(1);
    await deps.monitors.settled();
    const [row] = await app.sql.query("select status from booking where id = $1", [bookingId]);
    expect(row).toEqual({ status: "Expired" });
    expect(await freeSeats(customer, showId)).toBe(100);
  });

  test("for the third time cancels the hold", async () => {
    const { customer, bookingId, showId, expiresAt } = await givenHold();
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      expect(await problemOf(pay(customer, bookingId, declinedCard))).toMatchObject({
        details: { retryUntil: expiresAt },
      });
    }
    expect(await problemOf(pay(customer, bookingId, declinedCard))).toEqual({
      code: "PAYMENT_DECLINED",
      details: { retryUntil: null },
    });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Cancelled" });
    expect(await freeSeats(customer, showId)).toBe(100);
  });
});

describe("what the gateway answers decides", () => {
  test("422: the card details go back in the gateway's words, and the hold is pending", async () => {
    const { customer, bookingId } = await givenHold();
    gateway.script("rejected");
    expect(await problemOf(pay(customer, bookingId))).toEqual({
      code: "PAYMENT_VALIDATION_FAILED",
      details: { errors: [{ field: "card_number", message: "Card number is not valid" }] },
    });
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Rejected" }]);
    expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
  });

  test("no number of refusals that are not declines makes a hold live longer", async () => {
    const { customer, bookingId, expiresAt } = await givenHold();
    clock.advance(299_000);
    for (const outcome of ["rejected", "forbidden"] as const) {
      gateway.script(outcome);
      await problemOf(pay(customer, bookingId));
      expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending", expiresAt });
    }
    clock.advance(1_000);
    expect(await problemOf(pay(customer, bookingId))).toMatchObject({ code: "BOOKING_EXPIRED" });
  });

  test("a success that comes when the seats are gone is answered as expired, and the money goes back", async () => {
    const { customer, bookingId, showId } = await givenHold();
    const slow = gateway.script("slow");
    const problem = problemOf(pay(customer, bookingId));
    await slow.arrived;
    // As after PAYING_SECONDS, but within the gateway's own timeout.
    await app.sql.query("update booking set paying_until = $2 where id = $1", [bookingId, clock.now()]);
    await sweep();
    expect(await freeSeats(customer, showId)).toBe(100);
    await slow.release();
    expect(await problem).toMatchObject({ code: "BOOKING_EXPIRED" });
    await app.reconcile();
    const booking = await getBooking(deps, customer, { bookingId });
    expect(booking).toMatchObject({ status: "Expired", refund: { to: "source", state: "done" } });
  });

  test("connection refused: nothing was charged, the payment failed, the hold is pending", async () => {
    const { customer, bookingId } = await givenHold();
    const gone = await startPaymentGateway({ apiKey: "gone" });
    await gone.stop();
    const unreachable = connectPaymentGateway({ url: gone.url, apiKey: "gone", clock });
    const work = payBooking({ ...deps, gateway: unreachable }, customer, {
      bookingId,
      method: "Card",
      card: goodCard,
    });
    expect(await problemOf(work)).toMatchObject({ code: "PAYMENT_GATEWAY_UNAVAILABLE" });
    expect(await paymentsOf(bookingId)).toMatchObject([
      { status: "Failed", last_error: "the gateway could not be reached (ECONNREFUSED)" },
    ]);
    expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
  });

  test("403: nothing was charged, the payment failed, the hold is pending", async () => {
    const { customer, bookingId } = await givenHold();
    gateway.script("forbidden");
    expect(await problemOf(pay(customer, bookingId))).toMatchObject({ code: "PAYMENT_GATEWAY_UNAVAILABLE" });
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Failed" }]);
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending" });
    expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
  });

  const effects = [
    ["timeout-after-effect", 1],
    ["reset-after-effect", 1],
    ["error-after-success", 1],
    ["conflict-after-success", 1],
    ["unreadable", 1],
    ["timeout-before-effect", 0],
    ["reset-before-effect", 0],
    ["unavailable", 0],
  ] as const;

  test.each(effects)(
    "%s: the outcome is unknown, the seats stay, and asking by key ends it rightly",
    async (outcome, charges) => {
      const { customer, bookingId, showId } = await givenHold();
      const call = gateway.script(outcome);
      expect(await problemOf(pay(customer, bookingId))).toMatchObject({ code: "PAYMENT_OUTCOME_UNKNOWN" });
      expect(await getBooking(deps, customer, { bookingId })).toMatchObject({
        status: "Paying",
        paymentType: null,
      });
      expect(await problemOf(pay(customer, bookingId))).toMatchObject({ code: "PAYMENT_OUTCOME_UNKNOWN" });
      expect(await freeSeats(customer, showId)).toBe(98);
      await call.release();

      for (let waitedMs = 0; waitedMs <= 30_000; waitedMs += 5_000) {
        await app.reconcile();
        clock.advance(5_000);
      }
      expect(await chargesFor(bookingId)).toHaveLength(charges);
      expect(await getBooking(deps, customer, { bookingId })).toMatchObject(
        charges === 1
          ? { status: "Confirmed", paymentType: "Card" }
          : { status: "Pending", paymentType: null },
      );
      expect(await paymentsOf(bookingId)).toMatchObject([{ status: charges === 1 ? "Completed" : "Failed" }]);
      if (charges === 0) expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
    },
  );

  test("an unknown key is not believed while our call may still be on its way", async () => {
    const { customer, bookingId } = await givenHold();
    const call = gateway.script("timeout-before-effect");
    await problemOf(pay(customer, bookingId));
    clock.advance(19_999);
    await app.reconcile();
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Unknown" }]);
    clock.advance(10_001);
    await app.reconcile();
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Failed" }]);
    await call.release();
  });

  test("every unknown payment is asked about in one round, and while it keeps its seats again within fifteen seconds", async () => {
    const holds = [];
    for (let index = 0; index < 60; index += 1) holds.push(await givenHold(["A1"]));
    gateway.setAskRoute("unavailable");
    await Promise.all(
      holds.map(({ customer, bookingId }) => {
        gateway.script("error-after-success");
        return problemOf(pay(customer, bookingId));
      }),
    );
    for (let waitedMs = 0; waitedMs < 590_000; waitedMs += 5_000) {
      clock.advance(5_000);
      if (waitedMs % 30_000 === 0) await app.reconcile();
    }
    gateway.setAskRoute("offered");
    for (let waitedMs = 0; waitedMs <= 15_000; waitedMs += 5_000) {
      await app.reconcile();
      clock.advance(5_000);
    }
    const [row] = await app.sql.query(
      "select count(*)::int as confirmed from booking where id = any($1) and status = 'Confirmed'",
      [holds.map(({ bookingId }) => bookingId)],
    );
    expect(row).toEqual({ confirmed: 60 });
  });

  test("another amount at the gateway than ours is not taken for a payment", async () => {
    const { customer, bookingId } = await givenHold();
    gateway.script("error-after-success");
    await problemOf(pay(customer, bookingId));
    const { findCharge } = deps.gateway;
    const less: PaymentGateway = {
      ...deps.gateway,
      findCharge: (charge) => findCharge({ ...charge, amount: charge.amount.minus(1) }),
    };
    await reconcilePayments({ ...deps, gateway: less });
    expect(await paymentsOf(bookingId)).toMatchObject([
      { status: "Unknown", last_error: "the gateway names another amount" },
    ]);
    clock.advance(5_000);
    await app.reconcile();
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Completed" }]);
  });

  test("a charge that shows up after an hour is given back", async () => {
    const { customer, bookingId } = await givenHold();
    const call = gateway.script("late");
    await problemOf(pay(customer, bookingId));
    clock.advance(20_000);
    await app.reconcile();
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Failed" }]);
    await call.release();
    expect(await pay(customer, bookingId)).toMatchObject({ status: "Confirmed" });
    clock.advance(3_600_000);
    await app.reconcile();
    const payments = await paymentsOf(bookingId);
    expect(payments).toMatchObject([{ status: "Completed" }, { status: "Completed" }]);
    expect(gateway.books().refunds.map(({ transactionId }) => transactionId)).toContain(
      payments[0]?.["transaction_id"],
    );
    expect(gateway.books().refunds.map(({ transactionId }) => transactionId)).not.toContain(
      payments[1]?.["transaction_id"],
    );
    const booking = await getBooking(deps, customer, { bookingId });
    expect(booking).toMatchObject({
      status: "Confirmed",
      refund: null,
      transactionId: payments[1]?.["transaction_id"],
    });
  });

  test("a gateway that cannot be asked proves nothing: after PAYING_SECONDS the seats are free, and a late success is given back", async () => {
    const { customer, bookingId, showId } = await givenHold();
    gateway.setAskRoute("missing");
    const call = gateway.script("timeout-after-effect");
    await problemOf(pay(customer, bookingId));
    await call.release();
    for (let minute = 0; minute < 9; minute += 1) {
      clock.advance(60_000);
      await app.reconcile();
      await sweep();
    }
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Paying" });
    clock.advance(60_000);
    await sweep();
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({
      status: "Expired",
      refund: null,
    });
    expect(await freeSeats(customer, showId)).toBe(100);
    expect(await paymentsOf(bookingId)).toMatchObject([{ status: "Unknown" }]);

    gateway.setAskRoute("offered");
    gateway.scriptRefund("unavailable");
    clock.advance(600_000);
    await app.reconcile();
    const waiting = await getBooking(deps, customer, { bookingId });
    expect(waiting).toMatchObject({ status: "Expired", refund: { to: "source", state: "pending" } });
    clock.advance(600_000);
    await app.reconcile();
    const booking = await getBooking(deps, customer, { bookingId });
    expect(booking).toMatchObject({ status: "Expired", refund: { to: "source", state: "done" } });
    expect(booking.refund?.amount.toFixed(2)).toBe("550.00");
    expect(await chargesFor(bookingId)).toHaveLength(1);
    expect(
      gateway.books().refunds.filter(({ transactionId }) => transactionId === booking.transactionId),
    ).toHaveLength(1);
  });
});

test("no card number and no CVV is in a log line or a row", async () => {
  // As text: no number that the database counts begins with a zero.
  const cvv = "0917";
  const card = { ...goodCard, number: "5555555555554444", cvv, cardholderName: "Canary Holder" };
  for (const outcome of ["success", "declined", "unavailable", "forbidden"] as const) {
    const { customer, bookingId } = await givenHold();
    gateway.script(outcome);
    await problemOf(pay(customer, bookingId, card));
  }
  const tables = await app.sql.query(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const dump = [];
  for (const { name } of tables) dump.push(await app.sql.query(`select t::text from "${String(name)}" t`));
  const everything = JSON.stringify([dump, app.logger.lines]);
  expect(everything.includes(card.number)).toBe(false);
  // Not as a part of a random key or hash.
  expect(/(?<![\w.-])0917(?![\w-])/.test(everything)).toBe(false);
  expect(everything.includes(card.cardholderName)).toBe(false);
});

async function sweep(): Promise<void> {
  await expireAnyDue(deps.db, 500, clock.now());
}
