import { expireAnyDue } from "@skyfox/db";
import { afterEach, describe, expect, test } from "vitest";
import {
  cardMoneyOf,
  givenFunds,
  givenHold,
  letPass,
  paymentOf,
  problemOf,
  purseOf,
} from "../../test/given-money.ts";
import { givenCustomer, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { codeOf, refusalOf, together } from "../../test/together.ts";
import { getBooking } from "../booking/get-booking.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { Decimal, type Booking, type SettlePaymentInput, type Wallet } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { cancelShow, getShowCancellation } from "../booking/cancel-show.ts";
import { listDoubts, resolvePayment } from "./payments-in-doubt.ts";
import { settlePayment } from "./settle-payment.ts";
import { settleRefund } from "./settle-refund.ts";

const app = await createTestApp();
const { deps, clock, gateway, sql } = app;
const admin = await givenStaff(deps, "admin");
const otherAdmin = await givenStaff(deps, "admin");
const reason = "The gateway's books say so.";

// Such a gateway cannot be asked: its own books are all that there is.
gateway.setAskRoute("missing");
afterEach(() => gateway.setAskRoute("missing"));

const settle = (paymentId: number, outcome: SettlePaymentInput["outcome"], reference?: string, who = admin) =>
  settlePayment(deps, who, { paymentId, outcome, reference, reason });

async function newestPaymentOf({ username }: User): Promise<{ id: number; key: string }> {
  const [row] = await sql.query(
    "select id, gateway_key::text as key from payment_transaction where username = $1 order by id desc limit 1",
    [username],
  );
  return { id: row?.["id"] as number, key: row?.["key"] as string };
}

/** A payment of unknown outcome, twenty seconds old; `reference` is what the gateway calls its charge, if it charged. */
async function givenDoubt(outcome: "error-after-success" | "unavailable", method: "card" | "both" = "card") {
  const customer = await givenCustomer(deps);
  if (method === "both") await givenFunds(app, customer, "50");
  const { bookingId, showId } = await givenHold(app, customer);
  gateway.script(outcome);
  const pay = payBooking(deps, customer, paymentOf(bookingId, method));
  expect(await refusalOf(pay)).toBe("PAYMENT_OUTCOME_UNKNOWN");
  clock.advance(20_000);
  return { customer, bookingId, showId, ...(await referenceOf(customer)) };
}

async function referenceOf(customer: User) {
  const { id: paymentId, key } = await newestPaymentOf(customer);
  const charge = gateway.books().charges.find((one) => one.key === key);
  return { paymentId, key, reference: charge?.transactionId };
}

async function givenDoubtfulTopUp(outcome: "error-after-success" | "unavailable") {
  const customer = await givenCustomer(deps);
  const token = await tokenOf(deps, customer);
  const headers = { "idempotency-key": "top up" };
  const add = () =>
    mutate<Wallet>(app, "wallet.addFunds", { amount: new Decimal("10"), card: goodCard }, { token, headers });
  gateway.script(outcome);
  expect((await add()).error?.data.domain?.code).toBe("PAYMENT_OUTCOME_UNKNOWN");
  clock.advance(20_000);
  return { customer, add, ...(await referenceOf(customer)) };
}

async function expire(bookingId: number): Promise<void> {
  await letPass(app, 580);
  clock.advance(1_000);
  await expireAnyDue(deps.db, 10, clock.now());
  expect((await getBooking(deps, admin, { bookingId })).status).toBe("Expired");
}

const isInDoubt = async (paymentId: number) =>
  (await listDoubts(deps, { limit: 100 })).items.some((item) => item.paymentId === paymentId);

describe("a payment that the gateway's books have as charged", () => {
  test("confirms its booking, and the payer's repeated call is answered with it", async () => {
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    const { bookingId } = await givenHold(app, customer);
    const pay = () =>
      mutate<Booking>(app, "booking.pay", paymentOf(bookingId, "card"), {
        token,
        headers: { "idempotency-key": "pay" },
      });
    gateway.script("error-after-success");
    expect((await pay()).error?.data.domain?.code).toBe("PAYMENT_OUTCOME_UNKNOWN");
    clock.advance(20_000);
    const { paymentId, reference } = await referenceOf(customer);
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "completed" });
    const answer = await pay();
    expect(answer.data).toMatchObject({ bookingId, status: "Confirmed", transactionId: reference });
    expect(answer.headers.get("idempotent-replayed")).toBe("true");
    expect(await isInDoubt(paymentId)).toBe(false);
    expect((await cardMoneyOf(app, { bookingId })).charged).toEqual(["200.00"]);
  });

  test("takes the wallet's part too", async () => {
    const { customer, bookingId, paymentId, reference } = await givenDoubt("error-after-success", "both");
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "completed" });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({
      status: "Confirmed",
      walletAmount: new Decimal("50"),
      cardAmount: new Decimal("150"),
    });
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
  });

  test("fills the wallet, once", async () => {
    const { customer, add, paymentId, reference } = await givenDoubtfulTopUp("error-after-success");
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "completed" });
    expect((await add()).data).toMatchObject({ balance: new Decimal("10") });
    expect(await purseOf(app, customer)).toEqual({ balance: "10.00", available: "10.00" });
  });

  test("has our key as its reference when none is named", async () => {
    const { customer, bookingId, paymentId, key } = await givenDoubt("error-after-success");
    await settle(paymentId, "charged");
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ transactionId: key });
  });

  test("too late for its seats is given back at once", async () => {
    const { bookingId, paymentId, reference } = await givenDoubt("error-after-success");
    await expire(bookingId);
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "refunded" });
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["200.00"], givenBack: ["200.00"] });
  });

  test("and given back is unknown while the gateway does not do that, which the next round tries again", async () => {
    const { bookingId, paymentId, reference } = await givenDoubt("error-after-success");
    await expire(bookingId);
    gateway.scriptRefund("unavailable");
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "unknown" });
    await app.reconcile();
    expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "refunded" });
  });

  test("is not recorded with the reference of another charge, which would be given back in its place", async () => {
    const first = await givenDoubt("error-after-success");
    await settle(first.paymentId, "charged", first.reference);
    const { bookingId, paymentId, reference } = await givenDoubt("error-after-success");
    expect(await refusalOf(settle(paymentId, "charged", first.reference))).toBe("VALIDATION_ERROR");
    expect((await getBooking(deps, admin, { bookingId })).status).toBe("Paying");
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "completed" });
  });
});

describe("a payment that the gateway's books do not have", () => {
  test("leaves its hold to be paid again, with the same key", async () => {
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    const { bookingId, expiresAt } = await givenHold(app, customer);
    const pay = () =>
      mutate<Booking>(app, "booking.pay", paymentOf(bookingId, "card"), {
        token,
        headers: { "idempotency-key": "pay" },
      });
    gateway.script("unavailable");
    await pay();
    clock.advance(20_000);
    const { paymentId } = await referenceOf(customer);
    expect(await settle(paymentId, "notCharged")).toEqual({ paymentId, outcome: "failed" });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending", expiresAt });
    expect((await pay()).data).toMatchObject({ status: "Confirmed" });
    expect((await cardMoneyOf(app, { bookingId })).charged).toEqual(["200.00"]);
  });

  test("has its hold expire in time", async () => {
    const { bookingId, paymentId } = await givenDoubt("unavailable");
    await settle(paymentId, "notCharged");
    clock.advance(280_000);
    await deps.monitors.settled();
    const [row] = await sql.query("select status from booking where id = $1", [bookingId]);
    expect(row).toEqual({ status: "Expired" });
  });

  test("gives the wallet's part back, and a top-up's key", async () => {
    const { customer, paymentId } = await givenDoubt("unavailable", "both");
    await settle(paymentId, "notCharged");
    expect(await purseOf(app, customer)).toEqual({ balance: "50.00", available: "50.00" });
    const topUp = await givenDoubtfulTopUp("unavailable");
    await settle(topUp.paymentId, "notCharged");
    expect((await topUp.add()).data).toMatchObject({ balance: new Decimal("10") });
  });

  test("is asked about again all the same: a charge that comes later goes back", async () => {
    const { bookingId, paymentId, key } = await givenDoubt("unavailable");
    await settle(paymentId, "notCharged");
    await deps.gateway.charge({ key, amount: new Decimal("200"), card: goodCard });
    gateway.setAskRoute("offered");
    clock.advance(30_000);
    await app.reconcile();
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["200.00"], givenBack: ["200.00"] });
  });
});

describe("a payment that the gateway contests", () => {
  async function givenContested() {
    const doubt = await givenDoubt("error-after-success");
    await settle(doubt.paymentId, "notCharged");
    await sql.query("update payment_transaction set contested = true, next_attempt_at = $2 where id = $1", [
      doubt.paymentId,
      clock.now(),
    ]);
    return doubt;
  }

  test("and was charged is given back", async () => {
    const { bookingId, paymentId, reference } = await givenContested();
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "refunded" });
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
  });

  test("and was not charged is not asked about any more", async () => {
    const { paymentId } = await givenContested();
    expect(await settle(paymentId, "notCharged")).toEqual({ paymentId, outcome: "failed" });
    const rows = await sql.query(
      "select status, contested, next_attempt_at as next from payment_transaction where id = $1",
      [paymentId],
    );
    expect(rows).toEqual([{ status: "Failed", contested: false, next: null }]);
    expect(await problemOf(settle(paymentId, "notCharged"))).toEqual({
      code: "PAYMENT_NOT_IN_DOUBT",
      details: { outcome: "failed" },
    });
  });
});

describe("what cannot be settled", () => {
  test("is a payment whose call may still be on its way: twenty seconds, to the millisecond", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    gateway.script("unavailable");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    const { paymentId } = await referenceOf(customer);
    for (const outcome of ["charged", "notCharged"] as const) {
      expect(await refusalOf(settle(paymentId, outcome))).toBe("PAYMENT_IN_PROGRESS");
      expect(await refusalOf(settleRefund(deps, admin, { paymentId, reference: "r", reason }))).toBe(
        "PAYMENT_IN_PROGRESS",
      );
    }
    clock.advance(19_999);
    expect(await refusalOf(settle(paymentId, "notCharged"))).toBe("PAYMENT_IN_PROGRESS");
    clock.advance(1);
    expect(await settle(paymentId, "notCharged")).toEqual({ paymentId, outcome: "failed" });
  });

  test("is a payment that is settled, whichever way: it is answered with how", async () => {
    const notInDoubt = (outcome: string) => ({ code: "PAYMENT_NOT_IN_DOUBT", details: { outcome } });
    const failed = await givenDoubt("unavailable");
    await settle(failed.paymentId, "notCharged");
    expect(await problemOf(settle(failed.paymentId, "charged", "r-1"))).toEqual(notInDoubt("failed"));
    const completed = await givenDoubt("error-after-success");
    await settle(completed.paymentId, "charged", completed.reference);
    expect(await problemOf(settle(completed.paymentId, "notCharged"))).toEqual(notInDoubt("completed"));
    const late = await givenDoubt("error-after-success");
    await expire(late.bookingId);
    await settle(late.paymentId, "charged", late.reference);
    expect(await problemOf(settle(late.paymentId, "notCharged"))).toEqual(notInDoubt("refunded"));
    expect(await problemOf(settle(999_999_999, "charged"))).toEqual({
      code: "PAYMENT_NOT_FOUND",
      details: null,
    });
  });

  test("is settled by admins only, and with a reference that can be one", async () => {
    const { paymentId } = await givenDoubt("unavailable");
    const input = { paymentId, outcome: "notCharged", reason };
    for (const person of [await givenCustomer(deps), await givenStaff(deps, "staff")]) {
      const token = await tokenOf(deps, person);
      expect((await mutate(app, "admin.settlePayment", input, { token })).status).toBe(403);
      const refund = { paymentId, reference: "r", reason };
      expect((await mutate(app, "admin.settleRefund", refund, { token })).status).toBe(403);
    }
    const token = await tokenOf(deps, admin);
    for (const reference of ["", "a b", "é", "~".repeat(256), "a\0b", 5])
      expect((await mutate(app, "admin.settlePayment", { ...input, reference }, { token })).status).toBe(400);
    for (const bad of [
      { ...input, reason: " " },
      { ...input, outcome: "refunded" },
      { paymentId, reason },
    ])
      expect((await mutate(app, "admin.settlePayment", bad, { token })).status).toBe(400);
    const answer = await mutate(app, "admin.settlePayment", input, { token });
    expect(answer.data).toEqual({ paymentId, outcome: "failed" });
  });
});

describe("at the same time", () => {
  test("two admins who disagree: one of them settles it, the others are told how", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { bookingId, paymentId, reference } = await givenDoubt("error-after-success");
      const settled = await together(
        Array.from(
          { length: 10 },
          (_, turn) => () =>
            settle(
              paymentId,
              turn % 2 === 0 ? "charged" : "notCharged",
              reference,
              turn % 3 ? admin : otherAdmin,
            ),
        ),
      );
      const won = settled.filter(({ status }) => status === "fulfilled");
      expect(won).toHaveLength(1);
      const lost = settled.filter((result) => result.status === "rejected");
      expect(new Set(lost.map((result) => codeOf(result.reason)))).toEqual(new Set(["PAYMENT_NOT_IN_DOUBT"]));
      const audited = await sql.query(
        "select count(*)::int as found from audit_entry where action = 'payment-settled' and (details->>'paymentId')::int = $1",
        [paymentId],
      );
      expect(audited).toEqual([{ found: 1 }]);
      const { status } = await getBooking(deps, admin, { bookingId });
      const { outcome } = await resolvePayment(deps, admin, { paymentId });
      expect([status, outcome]).toEqual(
        status === "Confirmed" ? [status, "completed"] : ["Pending", "failed"],
      );
    }
  });

  test.each(["charged", "notCharged"] as const)(
    "%s, and the reconciler that learns of the charge: the money is in one place",
    async (outcome) => {
      const { bookingId, paymentId, reference } = await givenDoubt("error-after-success");
      gateway.setAskRoute("offered");
      await together<unknown>([() => settle(paymentId, outcome, reference), () => app.reconcile()]);
      clock.advance(30_000);
      await app.reconcile();
      const { status } = await getBooking(deps, admin, { bookingId });
      const { givenBack } = await cardMoneyOf(app, { bookingId });
      expect(givenBack).toEqual(status === "Confirmed" ? [] : ["200.00"]);
    },
  );

  test.each([
    ["charged", "Confirmed", []],
    ["notCharged", "Pending", ["200.00"]],
  ] as const)(
    "%s, and the gateway's answer that comes late: it is charged once",
    async (outcome, status, back) => {
      const customer = await givenCustomer(deps);
      const { bookingId } = await givenHold(app, customer);
      const slow = gateway.script("timeout-after-effect");
      const paying = payBooking(deps, customer, paymentOf(bookingId, "card")).catch(codeOf);
      await slow.arrived;
      clock.advance(20_000);
      const { paymentId, reference } = await referenceOf(customer);
      await settle(paymentId, outcome, reference);
      await slow.release();
      const told = await paying;
      if (status === "Confirmed") expect(told).toMatchObject({ status });
      else expect(told).toBe("PAYMENT_OUTCOME_UNKNOWN");
      await app.reconcile();
      expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status });
      expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["200.00"], givenBack: back });
    },
  );
});

describe("a cancelled show whose payment the gateway cannot be asked about", () => {
  test("is done once the payment is settled as not charged", async () => {
    const { bookingId, showId, paymentId } = await givenDoubt("unavailable");
    await cancelShow(deps, admin, { showId, reason: "No film" });
    await letPass(app, 60);
    expect(await getShowCancellation(deps, { showId })).toMatchObject({ status: "running" });
    await settle(paymentId, "notCharged");
    await app.reconcile();
    expect(await getShowCancellation(deps, { showId })).toMatchObject({ status: "done", failed: [] });
    expect((await getBooking(deps, admin, { bookingId })).status).toBe("Cancelled");
  });

  test("is done once the payment is settled as charged and its refund as made", async () => {
    const { bookingId, showId, paymentId, reference } = await givenDoubt("error-after-success");
    await cancelShow(deps, admin, { showId, reason: "No film" });
    gateway.scriptRefund("declined");
    expect(await settle(paymentId, "charged", reference)).toEqual({ paymentId, outcome: "unknown" });
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "running",
      failed: [{ bookingId }],
    });
    clock.advance(20_000);
    const refund = { paymentId, reference: "by-hand-1", reason };
    expect(await settleRefund(deps, admin, refund)).toEqual({ paymentId, outcome: "refunded" });
    await app.reconcile();
    expect(await getShowCancellation(deps, { showId })).toMatchObject({
      status: "done",
      refunded: 1,
      failed: [],
    });
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual([]);
  });
});

test("it is in the audit: who settled whose payment, how, by which reference and why", async () => {
  const { customer, paymentId, reference } = await givenDoubt("error-after-success");
  await settle(paymentId, "charged", reference);
  const rows = await sql.query(
    "select actor, subject, address, details from audit_entry where action = 'payment-settled' and subject = $1",
    [customer.username],
  );
  const details = { paymentId, outcome: "charged", reference, reason };
  expect(rows).toEqual([
    { actor: admin.username, subject: customer.username, address: admin.address, details },
  ]);
});
