import { expireAnyDue, expireBookings } from "@skyfox/db";
import { afterEach, describe, expect, test } from "vitest";
import {
  cardMoneyOf,
  givenFunds,
  givenHold,
  givenHundredHolds,
  letPass,
  paymentOf,
  problemOf,
  purseOf,
} from "../../test/given-money.ts";
import { declinedCard, givenCustomer, givenShow, givenStaff, goodCard } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { refundBooking } from "./refund-booking.ts";
import { Decimal } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { getSeatMap } from "../show/get-seat-map.ts";
import { listTransactions } from "../wallet/list-transactions.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps, clock, gateway } = app;

afterEach(() => gateway.setAskRoute("offered"));

/** A customer with that much in the wallet, who holds a seat for 200.00. */
async function givenBuyer(funds: string) {
  const customer = await givenCustomer(deps);
  await givenFunds(app, customer, funds);
  const { bookingId, showId, expiresAt } = await givenHold(app, customer);
  return { customer, bookingId, showId, expiresAt };
}

async function ledgerOf(customer: User, bookingId: number) {
  const { items } = await listTransactions(deps, customer, { limit: 100 });
  const own = items.filter((item) => item.bookingId === bookingId).toReversed();
  return own.map(
    ({ type, amount, balanceAfter }) => `${type} ${amount.toFixed(2)} = ${balanceAfter.toFixed(2)}`,
  );
}

async function bookingOf(customer: User, bookingId: number) {
  const { amountPaid, walletAmount, cardAmount, ...booking } = await getBooking(deps, customer, {
    bookingId,
  });
  const amounts = [amountPaid, walletAmount, cardAmount].map((amount) => amount.toFixed(2));
  return { ...booking, amounts };
}

async function freeSeats(customer: User, showId: number): Promise<number> {
  const map = await getSeatMap(deps, customer, { showId });
  return map.rows.flatMap((row) => row.seats).filter((seat) => seat.status === "free").length;
}

const rowOf = (bookingId: number) =>
  app.sql.query(
    "select status, amount::text, wallet_amount::text as wallet, card_amount::text as card, reserved::text from payment_transaction where booking_id = $1 order by id",
    [bookingId],
  );

describe("a wallet that has enough", () => {
  test("pays alone: the booking is confirmed, and no card is touched", async () => {
    const { customer, bookingId, showId } = await givenBuyer("250.00");
    const calls = gateway.calls().length;
    const paid = await payBooking(deps, customer, paymentOf(bookingId, "wallet"));
    expect(paid).toMatchObject({ status: "Confirmed", paymentType: "Wallet", expiresAt: null, refund: null });
    expect(await bookingOf(customer, bookingId)).toMatchObject({ amounts: ["200.00", "200.00", "0.00"] });
    expect(await ledgerOf(customer, bookingId)).toEqual(["DEDUCT 200.00 = 50.00"]);
    expect(await purseOf(app, customer)).toEqual({ balance: "50.00", available: "50.00" });
    expect(gateway.calls()).toHaveLength(calls);
    const { items } = await listTransactions(deps, customer, { limit: 1 });
    expect(items[0]?.transactionId).toBe(paid.transactionId);
    expect(await freeSeats(customer, showId)).toBe(99);
    // Its time is over and its monitor is gone: a paid seat stays.
    clock.advance(400_000);
    await deps.monitors.settled();
    expect(await bookingOf(customer, bookingId)).toMatchObject({ status: "Confirmed" });
  });

  test("pays to the last paisa, and leaves the card that came along alone", async () => {
    const { customer, bookingId } = await givenBuyer("200.00");
    const calls = gateway.calls().length;
    const card = { ...declinedCard, expiryYear: "20" };
    await payBooking(deps, customer, { bookingId, method: "Wallet", card });
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
    expect(gateway.calls()).toHaveLength(calls);
  });

  test("pays once however often it is asked at once", async () => {
    const { customer, bookingId } = await givenBuyer("1000.00");
    const { won, lost } = outcomesOf(
      await together(
        Array.from({ length: 20 }, () => () => payBooking(deps, customer, paymentOf(bookingId, "wallet"))),
      ),
    );
    expect(won).toHaveLength(1);
    expect(new Set(lost)).toEqual(new Set(["INVALID_BOOKING_STATUS"]));
    expect(await purseOf(app, customer)).toEqual({ balance: "800.00", available: "800.00" });
  });

  test("is not asked for a booking of another customer, nor for one that is over", async () => {
    const { bookingId } = await givenBuyer("0");
    const other = await givenCustomer(deps);
    await givenFunds(app, other, "500.00");
    expect(await refusalOf(payBooking(deps, other, paymentOf(bookingId, "wallet")))).toBe(
      "BOOKING_NOT_FOUND",
    );
    const own = await givenHold(app, other);
    clock.advance(300_000);
    expect(await refusalOf(payBooking(deps, other, paymentOf(own.bookingId, "wallet")))).toBe(
      "BOOKING_EXPIRED",
    );
    expect(await purseOf(app, other)).toEqual({ balance: "500.00", available: "500.00" });
  });

  test("has it back when the seats are given back, and can spend it again", async () => {
    const { customer, bookingId } = await givenBuyer("200.00");
    await payBooking(deps, customer, paymentOf(bookingId, "wallet"));
    const admin = await givenStaff(deps, "admin");
    await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    const again = await givenHold(app, customer);
    await payBooking(deps, customer, paymentOf(again.bookingId, "wallet"));
    expect(await ledgerOf(customer, bookingId)).toEqual(["DEDUCT 200.00 = 0.00", "ADD 200.00 = 200.00"]);
  });
});

describe("a wallet that is short", () => {
  test("without a card is refused with what is missing, and nothing changes", async () => {
    const { customer, bookingId, expiresAt } = await givenBuyer("199.99");
    expect(await problemOf(payBooking(deps, customer, paymentOf(bookingId, "wallet")))).toEqual({
      code: "INSUFFICIENT_BALANCE",
      details: { required: new Decimal("200"), available: new Decimal("199.99") },
    });
    expect(await bookingOf(customer, bookingId)).toMatchObject({
      status: "Pending",
      paymentType: null,
      expiresAt,
    });
    expect(await rowOf(bookingId)).toEqual([]);
    expect(await purseOf(app, customer)).toEqual({ balance: "199.99", available: "199.99" });
    await givenFunds(app, customer, "0.01");
    expect(await payBooking(deps, customer, paymentOf(bookingId, "wallet"))).toMatchObject({
      status: "Confirmed",
    });
  });

  test("has the card charged exactly what it lacks, which it gets and spends", async () => {
    const { customer, bookingId } = await givenBuyer("80.35");
    const paid = await payBooking(deps, customer, paymentOf(bookingId, "both"));
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["119.65"], givenBack: [] });
    expect(await ledgerOf(customer, bookingId)).toEqual(["ADD 119.65 = 200.00", "DEDUCT 200.00 = 0.00"]);
    expect(await bookingOf(customer, bookingId)).toMatchObject({
      status: "Confirmed",
      paymentType: "Wallet",
      amounts: ["200.00", "80.35", "119.65"],
      transactionId: gateway.books().charges.at(-1)?.transactionId,
    });
    expect(paid.cardAmount.toFixed(2)).toBe("119.65");
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
    expect(await rowOf(bookingId)).toEqual([
      { status: "Completed", amount: "200.00", wallet: "80.35", card: "119.65", reserved: "0.00" },
    ]);
  });

  test("of all has the card pay all", async () => {
    const { customer, bookingId } = await givenBuyer("0");
    await payBooking(deps, customer, paymentOf(bookingId, "both"));
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["200.00"], givenBack: [] });
    expect(await ledgerOf(customer, bookingId)).toEqual(["ADD 200.00 = 200.00", "DEDUCT 200.00 = 0.00"]);
  });

  test.each([
    ["declined", "PAYMENT_DECLINED"],
    ["rejected", "PAYMENT_VALIDATION_FAILED"],
    ["forbidden", "PAYMENT_GATEWAY_UNAVAILABLE"],
  ] as const)("has its part back at once when the card is %s, and may pay again", async (outcome, code) => {
    const { customer, bookingId } = await givenBuyer("80.00");
    gateway.script(outcome);
    expect(await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "both")))).toBe(code);
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
    expect(await bookingOf(customer, bookingId)).toMatchObject({
      status: "Pending",
      amounts: ["0.00", "0.00", "0.00"],
    });
    expect(await ledgerOf(customer, bookingId)).toEqual([]);
    await payBooking(deps, customer, paymentOf(bookingId, "both"));
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["120.00"], givenBack: [] });
  });

  test("has its part back also with the third declined card, which cancels the hold", async () => {
    const { customer, bookingId } = await givenBuyer("80.00");
    for (let attempt = 0; attempt < 3; attempt += 1)
      await refusalOf(payBooking(deps, customer, { bookingId, method: "Wallet", card: declinedCard }));
    expect(await bookingOf(customer, bookingId)).toMatchObject({ status: "Cancelled" });
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
  });
});

describe("while the card is being charged", () => {
  test("the wallet's part is promised: others see only the rest, and a show that it cannot pay for is refused", async () => {
    const { customer, bookingId } = await givenBuyer("80.00");
    const slow = gateway.script("slow");
    const paying = payBooking(deps, customer, paymentOf(bookingId, "both"));
    await slow.arrived;
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "0.00" });
    const { bookingId: second } = await givenHold(app, customer);
    expect(await problemOf(payBooking(deps, customer, paymentOf(second, "wallet")))).toEqual({
      code: "INSUFFICIENT_BALANCE",
      details: { required: new Decimal("200"), available: new Decimal("0") },
    });
    // With a card of its own the second booking is paid by it alone.
    await payBooking(deps, customer, paymentOf(second, "both"));
    expect(await cardMoneyOf(app, { bookingId: second })).toEqual({ charged: ["200.00"], givenBack: [] });
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "0.00" });
    await givenFunds(app, customer, "300.00");
    expect(await purseOf(app, customer)).toEqual({ balance: "380.00", available: "300.00" });
    await slow.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["120.00"], givenBack: [] });
    expect(await purseOf(app, customer)).toEqual({ balance: "300.00", available: "300.00" });
  });

  test("two bookings share the wallet, and never promise the same money", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "250.00");
    const holds = [];
    for (let index = 0; index < 4; index += 1) holds.push(await givenHold(app, customer));
    const settled = await together(
      holds.map(
        ({ bookingId }) =>
          () =>
            payBooking(deps, customer, paymentOf(bookingId, "both")),
      ),
    );
    expect(outcomesOf(settled).won).toHaveLength(4);
    const { charged } = await cardMoneyOf(app, customer);
    const fromCards = charged.map(Number).reduce((sum, amount) => sum + amount, 0);
    // 250.00 by the top-up's card, and of 800.00 what the wallet did not have.
    expect(fromCards).toBe(800);
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
  });

  test("a payment whose outcome is unknown keeps the promise, and spends it once the gateway says that it charged", async () => {
    const { customer, bookingId, showId } = await givenBuyer("80.00");
    gateway.script("error-after-success");
    expect(await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "both")))).toBe(
      "PAYMENT_OUTCOME_UNKNOWN",
    );
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "0.00" });
    expect(await freeSeats(customer, showId)).toBe(99);
    expect(await rowOf(bookingId)).toMatchObject([{ status: "Unknown", reserved: "80.00" }]);
    await app.reconcile();
    expect(await bookingOf(customer, bookingId)).toMatchObject({
      status: "Confirmed",
      amounts: ["200.00", "80.00", "120.00"],
    });
    expect(await ledgerOf(customer, bookingId)).toEqual(["ADD 120.00 = 200.00", "DEDUCT 200.00 = 0.00"]);
    await letPass(app, 10);
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
  });

  test("a payment that turns out never to have been charged lets its promise go", async () => {
    const { customer, bookingId } = await givenBuyer("80.00");
    gateway.script("unavailable");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "both")));
    await letPass(app, 25);
    expect(await bookingOf(customer, bookingId)).toMatchObject({ status: "Pending" });
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
    expect(await ledgerOf(customer, bookingId)).toEqual([]);
  });
});

describe("a payment whose outcome stays unknown for ten minutes", () => {
  async function givenExpiredPayment() {
    const buyer = await givenBuyer("80.00");
    gateway.setAskRoute("unavailable");
    gateway.script("error-after-success");
    await refusalOf(payBooking(deps, buyer.customer, paymentOf(buyer.bookingId, "both")));
    clock.advance(599_999);
    await expireAnyDue(deps.db, 500, clock.now());
    expect(await bookingOf(buyer.customer, buyer.bookingId)).toMatchObject({ status: "Paying" });
    expect(await purseOf(app, buyer.customer)).toEqual({ balance: "80.00", available: "0.00" });
    clock.advance(1);
    await expireAnyDue(deps.db, 500, clock.now());
    return buyer;
  }

  test("loses its seats and its promise, and a late success gives the card's part back, and only that", async () => {
    const { customer, bookingId, showId } = await givenExpiredPayment();
    expect(await bookingOf(customer, bookingId)).toMatchObject({ status: "Expired", refund: null });
    expect(await freeSeats(customer, showId)).toBe(100);
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
    expect(await rowOf(bookingId)).toMatchObject([{ status: "Unknown", reserved: "0.00" }]);
    const other = await givenCustomer(deps);
    await holdSeats(deps, other, { showId, seatNumbers: ["A1"] });

    gateway.setAskRoute("offered");
    clock.advance(600_000);
    await app.reconcile();
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["120.00"], givenBack: ["120.00"] });
    expect(await bookingOf(customer, bookingId)).toMatchObject({
      status: "Expired",
      refund: { to: "source", state: "done", amount: new Decimal("120") },
    });
    expect(await ledgerOf(customer, bookingId)).toEqual([]);
    expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
    expect(await rowOf(bookingId)).toEqual([
      { status: "Completed", amount: "120.00", wallet: "0.00", card: "120.00", reserved: "0.00" },
    ]);
  });

  test("may find that its wallet has been emptied meanwhile: the card's part still goes back", async () => {
    const { customer, bookingId } = await givenExpiredPayment();
    await givenFunds(app, customer, "120.00");
    const { bookingId: second } = await givenHold(app, customer);
    await payBooking(deps, customer, paymentOf(second, "wallet"));
    gateway.setAskRoute("offered");
    clock.advance(600_000);
    await app.reconcile();
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["120.00"], givenBack: ["120.00"] });
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
  });

  test("is let go by the monitor of the next buyer of its seats, and its promise with it", async () => {
    const buyer = await givenBuyer("80.00");
    gateway.setAskRoute("unavailable");
    gateway.script("error-after-success");
    await refusalOf(payBooking(deps, buyer.customer, paymentOf(buyer.bookingId, "both")));
    clock.advance(600_000);
    await expireBookings(deps.db, [buyer.bookingId], clock.now());
    await expireBookings(deps.db, [buyer.bookingId], clock.now());
    expect(await purseOf(app, buyer.customer)).toEqual({ balance: "80.00", available: "80.00" });
  });

  test("lets nothing go that the payment let go itself while its expiry waited for it", async () => {
    const { customer, bookingId } = await givenBuyer("80.00");
    gateway.setAskRoute("unavailable");
    gateway.script("unavailable");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "both")));
    // Another booking's promise is in the same wallet.
    await givenFunds(app, customer, "50.00");
    const { bookingId: second } = await givenHold(app, customer);
    gateway.script("unavailable");
    await refusalOf(payBooking(deps, customer, paymentOf(second, "both")));
    expect(await purseOf(app, customer)).toEqual({ balance: "130.00", available: "0.00" });
    await app.sql.query("update booking set paying_until = $2 where id = $1", [bookingId, clock.now()]);

    await app.sql.query("begin");
    await app.sql.query(
      "update booking set status = 'Pending', paying_until = null, expires_at = $2 where id = $1",
      [bookingId, clock.now()],
    );
    const expiry = expireBookings(deps.db, [bookingId], clock.now());
    await untilBlocked(app);
    await app.sql.query("update customer_wallet set reserved = reserved - 80 where username = $1", [
      customer.username,
    ]);
    await app.sql.query(
      "update payment_transaction set status = 'Failed', reserved = 0, processed_at = $2, next_attempt_at = null where booking_id = $1",
      [bookingId, clock.now()],
    );
    await app.sql.query("commit");
    expect(await expiry).toEqual([bookingId]);
    expect(await purseOf(app, customer)).toEqual({ balance: "130.00", available: "80.00" });
  });
});

describe("P14: a wallet is never overdrawn", () => {
  test("of 100 spends of 10 at once from 50, exactly 5 succeed", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "50.00");
    const holds = await givenHundredHolds(app, customer, "10.00");
    const { won, lost } = outcomesOf(
      await together(holds.map((id) => () => payBooking(deps, customer, paymentOf(id, "wallet")))),
    );
    expect(won).toHaveLength(5);
    expect(new Set(lost)).toEqual(new Set(["INSUFFICIENT_BALANCE"]));
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
  });

  test("spends with a card and without, and top-ups, at once: all that happened adds up", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "35.00");
    const holds = await givenHundredHolds(app, customer, "10.00");
    const settled = await together([
      ...holds.slice(0, 30).map((id, index) => async () => {
        await payBooking(deps, customer, paymentOf(id, index % 3 === 0 ? "both" : "wallet"));
      }),
      ...Array.from({ length: 5 }, () => () => givenFunds(app, customer, "7.00")),
    ]);
    expect(new Set(outcomesOf(settled).lost)).toEqual(new Set(["INSUFFICIENT_BALANCE"]));
    const { charged } = await cardMoneyOf(app, customer);
    const paise = charged
      .map((amount) => Math.round(Number(amount) * 100))
      .reduce((sum, one) => sum + one, 0);
    const [row] = await app.sql.query(
      "select count(*)::int as paid from booking where customer_username = $1 and status = 'Confirmed'",
      [customer.username],
    );
    const { balance, available } = await purseOf(app, customer);
    expect(balance).toBe(available);
    expect(paise - Number(row?.["paid"]) * 1_000).toBe(Math.round(Number(balance) * 100));
  });
});

test("too many cards that fail are refused, and leave the wallet alone; the wallet alone may still pay", async () => {
  const { customer, bookingId } = await givenBuyer("80.00");
  for (let attempt = 0; attempt < 20; attempt += 1) {
    gateway.script("rejected");
    await refusalOf(payBooking(deps, customer, { bookingId, method: "Wallet", card: goodCard }));
  }
  expect(await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "both")))).toBe("RATE_LIMITED");
  expect(await purseOf(app, customer)).toEqual({ balance: "80.00", available: "80.00" });
  const showId = await givenShow(app, { cost: "50.00" });
  const cheap = await givenHold(app, customer, { showId, seat: "A1" });
  await payBooking(deps, customer, paymentOf(cheap.bookingId, "wallet"));
  expect(await purseOf(app, customer)).toEqual({ balance: "30.00", available: "30.00" });
});
