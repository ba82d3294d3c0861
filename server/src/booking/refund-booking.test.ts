import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  cardMoneyOf,
  givenBooking,
  givenCheckIn,
  givenCounterSale,
  givenHold,
  letPass,
  paymentOf,
  problemOf,
  purseOf,
  type Method,
} from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";
import { Decimal, type Booking } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { listTransactions } from "../wallet/list-transactions.ts";
import { cancelShow } from "./cancel-show.ts";
import { listDoubts, resolvePayment } from "../payment/payments-in-doubt.ts";
import { refundBooking } from "./refund-booking.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps, clock, gateway } = app;
const admin = await givenStaff(deps, "admin");
const reason = "The customer is ill.";

function refund(bookingId: number, to: "source" | "wallet" = "source") {
  return refundBooking(deps, admin, { bookingId, to, reason });
}

async function lastLineOf(customer: User) {
  const { items } = await listTransactions(deps, customer, { limit: 1 });
  return items.map(({ type, amount, bookingId }) => [type, amount.toFixed(2), bookingId])[0];
}

describe("a booking is given back", () => {
  // What was paid, where to, and what card and wallet have of it in the end.
  const cases: [Method, "source" | "wallet", string | undefined, string][] = [
    ["card", "source", "200.00", "0.00"],
    ["card", "wallet", undefined, "200.00"],
    ["wallet", "source", undefined, "200.00"],
    ["wallet", "wallet", undefined, "200.00"],
    ["both", "source", "150.00", "50.00"],
    ["both", "wallet", undefined, "200.00"],
  ];

  test.each(cases)(
    "paid by %s, to the %s: %s to the card, %s to the wallet",
    async (method, to, toCard, toWallet) => {
      const customer = await givenCustomer(deps);
      const { bookingId } = await givenBooking(app, customer, method);
      clock.advance(60_000);
      const at = clock.now();
      const booking = await refund(bookingId, to);
      const state = toCard === undefined ? "done" : "pending";
      const amount = new Decimal("200");
      expect(booking).toMatchObject({
        status: "Refunded",
        refund: { amount, to, state, at },
        expiresAt: null,
      });
      // What goes to the wallet is there with the answer.
      expect(await purseOf(app, customer)).toEqual({ balance: toWallet, available: toWallet });
      if (toWallet !== "0.00") expect(await lastLineOf(customer)).toEqual(["ADD", toWallet, bookingId]);
      expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual([]);

      await app.reconcile();
      expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(toCard === undefined ? [] : [toCard]);
      expect((await getBooking(deps, customer, { bookingId })).refund).toEqual({
        amount,
        to,
        state: "done",
        at,
      });
      await letPass(app, 15);
      expect((await cardMoneyOf(app, { bookingId })).givenBack).toHaveLength(toCard === undefined ? 0 : 1);
      expect(await purseOf(app, customer)).toEqual({ balance: toWallet, available: toWallet });
    },
  );

  test.each(["source", "wallet"] as const)(
    "sold at the counter for cash: at the counter, though %s was asked",
    async (to) => {
      const showId = await givenShow(app);
      const bookingId = await givenCounterSale(app, showId, "A1");
      const booking = await refund(bookingId, to);
      expect(booking).toMatchObject({
        status: "Refunded",
        paymentType: "Cash",
        customerName: "Walk In",
        refund: { amount: new Decimal("200"), to: "counter", state: "done", at: clock.now() },
      });
      expect(
        await app.sql.query(
          "select subject from audit_entry where action = 'booking-refunded' and (details->>'bookingId')::int = $1",
          [bookingId],
        ),
      ).toEqual([{ subject: null }]);
    },
  );

  test("of an older SkyFox: cash with a payment row at the counter, a card without an account to the card", async () => {
    const showId = await givenShow(app);
    const cash = await givenCounterSale(app, showId, "A1");
    const card = await givenCounterSale(app, showId, "A2");
    const charge = { key: randomUUID(), amount: new Decimal(200), card: goodCard };
    const charged = await deps.gateway.charge(charge);
    const transactionId = charged.kind === "success" ? charged.transactionId : undefined;
    await app.sql.query("update booking set payment_type = 'Card', card_amount = 200 where id = $1", [card]);
    await app.sql.query(
      `insert into payment_transaction (booking_id, username, payment_method, amount, card_amount, status, transaction_id, started_at, processed_at)
       values ($1, null, 'Cash', 200, 0, 'Completed', 'cash-1', $3, $3), ($2, null, 'Card', 200, 200, 'Completed', $4, $3, $3)`,
      [cash, card, clock.now(), transactionId],
    );
    expect((await refund(cash, "wallet")).refund).toMatchObject({ to: "counter", state: "done" });
    expect((await refund(card, "wallet")).refund).toMatchObject({ to: "source", state: "pending" });
    expect(await app.listViolations()).toEqual([]);
    await app.reconcile();
    expect((await getBooking(deps, admin, { bookingId: card })).refund).toMatchObject({ state: "done" });
  });

  test("and its seats are free at once for another customer, before the money is back", async () => {
    const [customer, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const { bookingId, showId, seatNumbers } = await givenBooking(app, customer, "card");
    expect(await refusalOf(holdSeats(deps, other, { showId, seatNumbers }))).toBe("SEATS_UNAVAILABLE");
    await refund(bookingId);
    const hold = await holdSeats(deps, other, { showId, seatNumbers });
    await payBooking(deps, other, paymentOf(hold.bookingId, "card"));
    await app.reconcile();
    expect(await getBooking(deps, other, hold)).toMatchObject({ status: "Confirmed", refund: null });
    expect((await cardMoneyOf(app, hold)).givenBack).toEqual([]);
  });

  test("by whom, to where and whose is in the audit, once", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    await refund(bookingId);
    await refusalOf(refund(bookingId));
    const entries = await app.sql.query(
      "select actor, subject, address, details from audit_entry where action = 'booking-refunded' and subject = $1",
      [customer.username],
    );
    expect(entries).toEqual([
      {
        actor: admin.username,
        subject: customer.username,
        address: admin.address,
        details: { bookingId, to: "source" },
      },
    ]);
    const rows = await app.sql.query("select reason, refunded_by from payment_refund where booking_id = $1", [
      bookingId,
    ]);
    expect(rows).toEqual([{ reason, refunded_by: admin.username }]);
  });

  test("by an admin only, who says why", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    const input = { bookingId, to: "wallet", reason };
    for (const person of [customer, await givenStaff(deps, "staff")]) {
      const { error } = await mutate(app, "admin.refundBooking", input, {
        token: await tokenOf(deps, person),
      });
      expect(error?.data.domain).toEqual({ code: "FORBIDDEN", details: { requiredRoles: ["admin"] } });
    }
    const token = await tokenOf(deps, admin);
    for (const bad of [
      { ...input, reason: " " },
      { ...input, reason: "x".repeat(501) },
      { ...input, to: "counter" },
      { bookingId, reason },
      { ...input, amount: new Decimal(1) },
    ])
      expect((await mutate(app, "admin.refundBooking", bad, { token })).status).toBe(400);
    const { data } = await mutate<Booking>(app, "admin.refundBooking", input, { token });
    expect(data?.refund).toEqual({
      amount: new Decimal("200"),
      to: "wallet",
      state: "done",
      at: clock.now(),
    });
  });
});

describe("nothing is given back of", () => {
  const refused = (status: string) => ({ code: "INVALID_BOOKING_STATUS", details: { status } });

  test("no booking at all", async () => {
    expect(await refusalOf(refund(999_999_999))).toBe("BOOKING_NOT_FOUND");
  });

  test("a hold, one that is over, one that was given up", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    expect(await problemOf(refund(bookingId))).toEqual(refused("Pending"));
    await cancelBooking(deps, customer, { bookingId });
    expect(await problemOf(refund(bookingId))).toEqual(refused("Cancelled"));
    const other = await givenHold(app, customer);
    deps.monitors.disarm(other.bookingId);
    clock.advance(300_000);
    expect(await problemOf(refund(other.bookingId))).toEqual(refused("Expired"));
  });

  test("a booking that is being paid", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    const slow = gateway.script("slow");
    const paying = payBooking(deps, customer, paymentOf(bookingId, "card"));
    await slow.arrived;
    expect(await problemOf(refund(bookingId))).toEqual(refused("Paying"));
    await slow.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
  });

  test("a booking whose people are inside, or that was given back before", async () => {
    const customer = await givenCustomer(deps);
    const inside = await givenBooking(app, customer, "card");
    await givenCheckIn(app, inside.bookingId);
    expect(await problemOf(refund(inside.bookingId))).toEqual(refused("CheckedIn"));
    const { bookingId } = await givenBooking(app, customer, "both");
    await refund(bookingId);
    const purse = await purseOf(app, customer);
    for (const to of ["source", "wallet"] as const)
      expect(await problemOf(refund(bookingId, to))).toEqual(refused("Refunded"));
    expect(await purseOf(app, customer)).toEqual(purse);
  });
});

describe("never more goes back than was paid", () => {
  test("when a hundred admins give one booking back at once", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "both");
    const { won, lost } = outcomesOf(
      await together(
        Array.from(
          { length: 100 },
          (_, index) => () => refund(bookingId, index % 2 === 0 ? "source" : "wallet"),
        ),
      ),
    );
    expect(won).toHaveLength(1);
    expect(new Set(lost)).toEqual(new Set(["INVALID_BOOKING_STATUS"]));
    await letPass(app, 10);
    const { givenBack } = await cardMoneyOf(app, { bookingId });
    const { balance } = await purseOf(app, customer);
    expect([givenBack.join(), balance]).toEqual(
      won[0]?.refund?.to === "source" ? ["150.00", "50.00"] : ["", "200.00"],
    );
    const rows = await app.sql.query("select count(*)::int as entries from audit_entry where subject = $1", [
      customer.username,
    ]);
    expect(rows).toEqual([{ entries: 1 }]);
  });

  test("when the show is cancelled at the same moment", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId, showId } = await givenBooking(app, customer, "both");
    await together([
      async () => void (await refund(bookingId, "wallet").catch(() => undefined)),
      async () => void (await cancelShow(deps, admin, { showId, reason })),
      async () => void (await refund(bookingId, "source").catch(() => undefined)),
    ]);
    await letPass(app, 10);
    const { givenBack } = await cardMoneyOf(app, { bookingId });
    const { balance } = await purseOf(app, customer);
    expect([
      ["150.00", "50.00"],
      ["", "200.00"],
    ]).toContainEqual([givenBack.join(), balance]);
  });

  test("when the answer to the refund is lost: it is sent again under its key", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    await refund(bookingId);
    gateway.scriptRefund("error-after-success");
    await app.reconcile();
    expect((await getBooking(deps, customer, { bookingId })).refund).toMatchObject({ state: "pending" });
    await letPass(app, 10);
    expect((await getBooking(deps, customer, { bookingId })).refund).toMatchObject({ state: "done" });
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
  });

  test("when two servers and an admin send it at once", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    await refund(bookingId);
    const [row] = await app.sql.query("select id from payment_transaction where booking_id = $1", [
      bookingId,
    ]);
    const paymentId = row?.["id"] as number;
    const slow = gateway.scriptRefund("slow");
    const first = app.reconcile();
    await slow.arrived;
    expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "refunded" });
    await slow.release();
    await first;
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
    expect((await getBooking(deps, customer, { bookingId })).refund).toMatchObject({ state: "done" });
  });
});

test("a gateway that refuses to give back leaves the refund pending, in doubt with its words, and is asked again and again", async () => {
  const customer = await givenCustomer(deps);
  const { bookingId } = await givenBooking(app, customer, "both");
  const booking = await refund(bookingId);
  const find = async () => {
    const { items } = await listDoubts(deps, { limit: 100 });
    return items.filter((doubt) => doubt.bookingId === bookingId);
  };
  // Not sent yet is no doubt.
  expect(await find()).toEqual([]);
  gateway.scriptRefund("declined");
  clock.advance(5_000);
  await app.reconcile();
  expect(await find()).toMatchObject([
    {
      username: customer.username,
      amount: new Decimal("150"),
      ageSeconds: 5,
      attempts: 1,
      lastError: "the gateway refused to give the money back (HTTP 422)",
    },
  ]);
  expect((await getBooking(deps, customer, { bookingId })).refund).toEqual({
    ...booking.refund,
    state: "pending",
  });
  gateway.scriptRefund("unavailable");
  await letPass(app, 5);
  expect(await find()).toMatchObject([
    { attempts: 2, lastError: "the gateway has not given the money back yet (HTTP 503)" },
  ]);
  await letPass(app, 10);
  expect(await find()).toEqual([]);
  expect((await getBooking(deps, customer, { bookingId })).refund).toEqual({
    ...booking.refund,
    state: "done",
  });
});

test("a failed refund leaves booking, seats and wallet as they were", async () => {
  const customer = await givenCustomer(deps);
  const { bookingId } = await givenBooking(app, customer, "both");
  await app.sql.query(
    `create function no_refunds() returns trigger language plpgsql as $$ begin raise 'no refunds today'; end $$;
     create trigger no_refunds before insert on wallet_transaction execute function no_refunds()`,
  );
  await expect(refund(bookingId)).rejects.toThrow("no refunds today");
  await app.sql.query("drop trigger no_refunds on wallet_transaction; drop function no_refunds()");
  expect(await getBooking(deps, customer, { bookingId })).toMatchObject({
    status: "Confirmed",
    refund: null,
  });
  expect(await refund(bookingId)).toMatchObject({ status: "Refunded" });
});

test("a booking paid anew after a late charge was given back has the refund of its own payment", async () => {
  const customer = await givenCustomer(deps);
  const { bookingId } = await givenHold(app, customer);
  const late = gateway.script("late");
  const ignored = new AbortController();
  const first = payBooking({ ...deps, gateway: impatient(ignored.signal) }, customer, {
    bookingId,
    method: "Card",
    card: goodCard,
  });
  await late.arrived;
  ignored.abort();
  expect(await refusalOf(first)).toBe("PAYMENT_OUTCOME_UNKNOWN");
  await letPass(app, 25);
  const paid = await payBooking(deps, customer, paymentOf(bookingId, "card"));
  await late.release();
  clock.advance(3_600_000);
  await app.reconcile();
  expect(await getBooking(deps, customer, { bookingId })).toMatchObject({
    status: "Confirmed",
    refund: null,
  });
  const refunded = await refund(bookingId);
  expect(refunded.transactionId).toBe(paid.transactionId);
  await letPass(app, 5);
  expect(await cardMoneyOf(app, { bookingId })).toEqual({
    charged: ["200.00", "200.00"],
    givenBack: ["200.00", "200.00"],
  });
});

/** The gateway, with a caller who leaves in the middle. */
function impatient(signal: AbortSignal): typeof deps.gateway {
  return {
    ...deps.gateway,
    charge: async (charge) =>
      await Promise.race([
        deps.gateway.charge(charge),
        new Promise<{ kind: "unknown"; reason: string }>((resolve) => {
          signal.addEventListener("abort", () => resolve({ kind: "unknown", reason: "left" }));
        }),
      ]),
  };
}
