import { expireAnyDue } from "@skyfox/db";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { readJsonObject, sendJson, startLoopbackServer } from "../../../scripts/sandbox/loopback-server.ts";
import {
  cardMoneyOf,
  givenBooking,
  givenHold,
  letPass,
  paymentOf,
  problemOf,
  purseOf,
} from "../../test/given-money.ts";
import { givenCustomer, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { getBooking } from "../booking/get-booking.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { Decimal, type PaymentsInDoubtPage, type ResolvePaymentOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { connectPaymentGateway } from "./card-gateway.ts";
import { reconcilePayments } from "./reconcile-payments.ts";
import { addFunds } from "../wallet/add-funds.ts";
import { listDoubts, resolvePayment } from "./payments-in-doubt.ts";
import { refundBooking } from "../booking/refund-booking.ts";

const app = await createTestApp();
const { deps, clock, gateway } = app;
const admin = await givenStaff(deps, "admin");

afterEach(async () => {
  gateway.setAskRoute("offered");
  // Nothing in doubt is left for the next test.
  await letPass(app, 30);
  clock.advance(600_000);
  await app.reconcile();
  clock.set(testStart);
});

/** The newest payment of a customer. */
async function paymentIdOf({ username }: User): Promise<number> {
  const [row] = await app.sql.query("select max(id) as id from payment_transaction where username = $1", [
    username,
  ]);
  return row?.["id"] as number;
}

async function givenUnknownPayment(outcome: "error-after-success" | "unavailable", parts: Deps = deps) {
  const customer = await givenCustomer(deps);
  const { bookingId } = await givenHold(app, customer);
  gateway.script(outcome);
  expect(await refusalOf(payBooking(parts, customer, paymentOf(bookingId, "card")))).toBe(
    "PAYMENT_OUTCOME_UNKNOWN",
  );
  return { customer, bookingId, paymentId: await paymentIdOf(customer) };
}

async function givenUnknownTopUp(amount: string) {
  const customer = await givenCustomer(deps);
  gateway.script("error-after-success");
  await refusalOf(addFunds(deps, customer, { amount: new Decimal(amount), card: goodCard }));
  return { customer, paymentId: await paymentIdOf(customer) };
}

const auditOf = (paymentId: number) =>
  app.sql.query(
    "select actor, subject, address, details from audit_entry where action = 'payment-resolved' and (details->>'paymentId')::int = $1 order by id",
    [paymentId],
  );
const resolve = (paymentId: number) => resolvePayment(deps, admin, { paymentId });

describe("payments whose outcome is unknown", () => {
  test("are listed newest first, with whose, how much, how old, how often asked and why", async () => {
    gateway.setAskRoute("unavailable");
    const booking = await givenUnknownPayment("error-after-success");
    clock.advance(30_500);
    const topUp = await givenUnknownTopUp("12.34");
    clock.advance(1_000);
    const first = await listDoubts(deps, { limit: 20 });
    const why = "the gateway's answer does not say what happened (HTTP 500)";
    expect(first).toEqual({
      items: [
        {
          paymentId: topUp.paymentId,
          bookingId: null,
          username: topUp.customer.username,
          amount: new Decimal("12.34"),
          ageSeconds: 1,
          attempts: 0,
          lastError: why,
        },
        {
          paymentId: booking.paymentId,
          bookingId: booking.bookingId,
          username: booking.customer.username,
          amount: new Decimal("200"),
          ageSeconds: 31,
          attempts: 0,
          lastError: why,
        },
      ],
      nextCursor: null,
    });
    await app.reconcile();
    const asked = await listDoubts(deps, { limit: 20 });
    expect(asked.items.map(({ attempts, lastError }) => [attempts, lastError])).toEqual([
      [1, "the gateway did not say what became of the payment (HTTP 503)"],
      [1, "the gateway did not say what became of the payment (HTTP 503)"],
    ]);
    gateway.setAskRoute("offered");
    await letPass(app, 10);
    expect((await listDoubts(deps, { limit: 20 })).items).toEqual([]);
  });

  test("come in pages", async () => {
    gateway.setAskRoute("unavailable");
    const ids: number[] = [];
    for (let index = 0; index < 5; index += 1) ids.push((await givenUnknownTopUp("1.00")).paymentId);
    const seen: number[] = [];
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await listDoubts(deps, { limit: 2, cursor });
      seen.push(...page.items.map(({ paymentId }) => paymentId));
      sizes.push(page.items.length);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids.toReversed());
    expect(sizes).toEqual([2, 2, 1]);
    expect(await refusalOf(listDoubts(deps, { limit: 2, cursor: "x" }))).toBe("VALIDATION_ERROR");
  });

  test("are not those under way, and not those that ended", async () => {
    const customer = await givenCustomer(deps);
    await givenBooking(app, customer, "both");
    const { bookingId } = await givenHold(app, customer);
    gateway.script("forbidden");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    const slow = gateway.script("slow");
    const paying = payBooking(deps, customer, paymentOf(bookingId, "card"));
    await slow.arrived;
    expect((await listDoubts(deps, { limit: 20 })).items).toEqual([]);
    await slow.release();
    await paying;
  });

  test("are the admins' to see and to ask about", async () => {
    gateway.setAskRoute("unavailable");
    const { paymentId } = await givenUnknownTopUp("1.00");
    for (const person of [await givenCustomer(deps), await givenStaff(deps, "staff")]) {
      const token = await tokenOf(deps, person);
      expect((await query(app, "admin.paymentsInDoubt", undefined, { token })).status).toBe(403);
      expect((await mutate(app, "admin.resolvePayment", { paymentId }, { token })).status).toBe(403);
      expect((await query(app, "admin.integrity", undefined, { token })).status).toBe(403);
    }
    const token = await tokenOf(deps, admin);
    const page = await query<PaymentsInDoubtPage>(app, "admin.paymentsInDoubt", undefined, { token });
    expect(page.data?.items.map((item) => item.paymentId)).toEqual([paymentId]);
    gateway.setAskRoute("offered");
    const answer = await mutate<ResolvePaymentOutput>(app, "admin.resolvePayment", { paymentId }, { token });
    expect(answer.data).toEqual({ paymentId, outcome: "completed" });
    for (const bad of [0, -1, 1.5, "1", 2 ** 53])
      expect((await mutate(app, "admin.resolvePayment", { paymentId: bad }, { token })).status).toBe(400);
  });
});

describe("an admin asks about a payment now", () => {
  test("during an outage: the reconciler asks again in its next round, however seldom it asked before", async () => {
    gateway.setAskRoute("unavailable");
    const { customer, paymentId } = await givenUnknownTopUp("10.00");
    clock.advance(6 * 3_600_000);
    await app.reconcile();
    clock.advance(60_000);
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "unknown" });
    gateway.setAskRoute("offered");
    await app.reconcile();
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "completed" });
    expect(await purseOf(app, customer)).toEqual({ balance: "10.00", available: "10.00" });
  });

  test("whose refund the gateway does not do now: it is sent again in the next round", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    const paymentId = await paymentIdOf(customer);
    gateway.scriptRefund("unavailable");
    await app.reconcile();
    clock.advance(3_600_000);
    gateway.scriptRefund("unavailable");
    await app.reconcile();
    gateway.scriptRefund("unavailable");
    clock.advance(1_000);
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "unknown" });
    await app.reconcile();
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
  });

  test("that was charged: completed, and the booking is confirmed", async () => {
    const { customer, bookingId, paymentId } = await givenUnknownPayment("error-after-success");
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "completed" });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Confirmed" });
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "completed" });
  });

  test("that filled a wallet: completed, and the money is in it once", async () => {
    const { customer, paymentId } = await givenUnknownTopUp("10.00");
    const outcomes = await Promise.all([resolve(paymentId), resolve(paymentId), resolve(paymentId)]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["completed", "completed", "completed"]);
    expect(await purseOf(app, customer)).toEqual({ balance: "10.00", available: "10.00" });
  });

  test("that the gateway never heard of: unknown while the call may be on its way, then failed", async () => {
    const { customer, bookingId, paymentId } = await givenUnknownPayment("unavailable");
    clock.advance(19_999);
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "unknown" });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Paying" });
    clock.advance(1);
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "failed" });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending" });
  });

  test("that failed: asking early does not spare the gateway its last question, and a late charge goes back", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    gateway.script("unavailable");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    const paymentId = await paymentIdOf(customer);
    await letPass(app, 25);
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "failed" });
    const [row] = await app.sql.query(
      "select gateway_key::text as key from payment_transaction where id = $1",
      [paymentId],
    );
    await deps.gateway.charge({ key: String(row?.["key"]), amount: new Decimal("200"), card: goodCard });
    clock.advance(3_600_000);
    await app.reconcile();
    expect(await cardMoneyOf(app, { bookingId })).toEqual({ charged: ["200.00"], givenBack: ["200.00"] });
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "refunded" });
  });

  test("that failed and stayed so is asked about until a day later, and then no more", async () => {
    const { paymentId } = await givenUnknownPayment("unavailable");
    await letPass(app, 25);
    const next = async () =>
      (
        await app.sql.query("select next_attempt_at from payment_transaction where id = $1", [paymentId])
      )[0]?.["next_attempt_at"];
    expect(await next()).toBeInstanceOf(Date);
    clock.advance(86_400_000);
    await app.reconcile();
    expect(await next()).toBeNull();
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "failed" });
  });

  test("that was declined, paid by the wallet, or given back: as it is, and the gateway is left alone", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    gateway.script("declined");
    await refusalOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    const declined = await paymentIdOf(customer);
    const byWallet = await givenBooking(app, customer, "wallet");
    const paid = await paymentIdOf(customer);
    gateway.setAskRoute("missing");
    expect(await resolve(declined)).toEqual({ paymentId: declined, outcome: "failed" });
    expect(await resolve(paid)).toEqual({ paymentId: paid, outcome: "completed" });
    await refundBooking(deps, admin, { bookingId: byWallet.bookingId, to: "source", reason: "Ill" });
    expect(await resolve(paid)).toEqual({ paymentId: paid, outcome: "refunded" });
  });

  test("whose refund is owed: it is sent now, refunded when it is done and unknown when it is not", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card");
    await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    const paymentId = await paymentIdOf(customer);
    gateway.scriptRefund("declined");
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "unknown" });
    expect((await listDoubts(deps, { limit: 20 })).items).toMatchObject([{ paymentId, bookingId }]);
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "refunded" });
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
    expect((await listDoubts(deps, { limit: 20 })).items).toEqual([]);
  });

  test("that came too late for its seats: it is charged, and given back, in one go", async () => {
    const { customer, bookingId, paymentId } = await givenUnknownPayment("error-after-success");
    await app.sql.query("update booking set paying_until = $2 where id = $1", [bookingId, clock.now()]);
    clock.advance(1);
    await expireAnyDue(deps.db, 10, clock.now());
    expect(await resolve(paymentId)).toEqual({ paymentId, outcome: "refunded" });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({
      status: "Expired",
      refund: { state: "done" },
    });
  });

  test("which is in the audit: who asked, about whose payment, and what became of it", async () => {
    const { customer, paymentId } = await givenUnknownPayment("unavailable");
    await resolve(paymentId);
    await letPass(app, 20);
    await resolve(paymentId);
    const audited = { actor: admin.username, subject: customer.username, address: admin.address };
    expect(await auditOf(paymentId)).toEqual([
      { ...audited, details: { paymentId, outcome: "unknown" } },
      { ...audited, details: { paymentId, outcome: "failed" } },
    ]);
  });

  test("that names no account, as an older system may have left it: nor does the audit", async () => {
    const customer = await givenCustomer(deps);
    await givenBooking(app, customer, "wallet");
    const paymentId = await paymentIdOf(customer);
    // Past the triggers that keep payments as they are.
    const setUsername = (username: string) =>
      app.sql.query(
        `begin; set local session_replication_role = replica;
         update payment_transaction set username = ${username} where id = ${paymentId}; commit`,
      );
    await setUsername("null");
    await resolve(paymentId);
    await setUsername(`'${customer.username}'`);
    expect(await auditOf(paymentId)).toMatchObject([{ actor: admin.username, subject: null }]);
  });

  test("that there is not", async () => {
    expect(await problemOf(resolve(999_999_999))).toEqual({ code: "PAYMENT_NOT_FOUND", details: null });
  });
});

// It takes payments and forgets to answer, and knows no other route.
const charged: string[] = [];
const simple = await startLoopbackServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/payment") {
    sendJson(response, { status: 404, body: {} });
    return;
  }
  const body = await readJsonObject(request);
  charged.push(String(body?.["amount"]));
  if (body?.["name"] === "Well Answered")
    sendJson(response, { status: 200, body: { status: "SUCCESS", transaction_id: `t-${charged.length}` } });
  else request.socket.destroy();
}, 0);
afterAll(() => simple.stop());
const withSimple = { ...deps, gateway: connectPaymentGateway({ url: simple.url, apiKey: "any", clock }) };
const reconcile = () => reconcilePayments(withSimple);

describe("a gateway that can neither be asked nor give back", () => {
  test("leaves an unknown payment waiting where a manager reads what to do, charges it once, and frees its seats in the end", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    expect(await refusalOf(payBooking(withSimple, customer, paymentOf(bookingId, "card")))).toBe(
      "PAYMENT_OUTCOME_UNKNOWN",
    );
    const paymentId = await paymentIdOf(customer);
    const find = async () =>
      (await listDoubts(deps, { limit: 20 })).items.find((item) => item.paymentId === paymentId);
    expect((await find())?.lastError).toMatch(/^the gateway was lost in the middle of a call/);
    for (let round = 0; round < 9; round += 1) {
      clock.advance(60_000);
      await reconcile();
    }
    expect(await find()).toMatchObject({
      bookingId,
      lastError: "the gateway cannot be asked about payments; look this one up in its own books (HTTP 404)",
      ageSeconds: 540,
      attempts: 9,
    });
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Paying" });
    expect(await resolvePayment(withSimple, admin, { paymentId })).toEqual({ paymentId, outcome: "unknown" });
    clock.advance(60_000);
    await deps.monitors.settled();
    await expireAnyDue(deps.db, 10, clock.now());
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Expired" });
    expect(await find()).toMatchObject({ bookingId });
    clock.advance(6 * 3_600_000);
    await reconcile();
    expect(await find()).toMatchObject({ bookingId });
    expect(charged).toEqual(["200.00"]);
    await app.sql.query(
      "update payment_transaction set status = 'Failed', processed_at = $2, next_attempt_at = null where id = $1",
      [paymentId, clock.now()],
    );
  });

  test("leaves a refund pending where a manager reads that it is not given back", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    const card = { ...goodCard, cardholderName: "Well Answered" };
    await payBooking(withSimple, customer, { bookingId, method: "Card", card });
    await refundBooking(withSimple, admin, { bookingId, to: "source", reason: "Ill" });
    await reconcile();
    const { items } = await listDoubts(deps, { limit: 20 });
    expect(items).toMatchObject([
      { bookingId, lastError: "the gateway refused to give the money back (HTTP 404)", attempts: 1 },
    ]);
    const paymentId = await paymentIdOf(customer);
    expect(await resolvePayment(withSimple, admin, { paymentId })).toEqual({ paymentId, outcome: "unknown" });
    expect((await getBooking(deps, customer, { bookingId })).refund).toMatchObject({ state: "pending" });
    await app.sql.query(
      "update payment_refund set state = 'done', done_at = $2, next_attempt_at = null where payment_id = $1",
      [paymentId, clock.now()],
    );
  });
});

describe("admin.integrity", () => {
  async function violations() {
    const token = await tokenOf(deps, admin);
    const answer = await query<{ violations: { rule: string; subject: string; details: string }[] }>(
      app,
      "admin.integrity",
      undefined,
      { token },
    );
    return answer.data?.violations;
  }

  test("says nothing while the books add up", async () => {
    await givenBooking(app, await givenCustomer(deps), "both");
    expect(await violations()).toEqual([]);
  });

  test("names what does not, and where", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "both");
    const [wallet] = await app.sql.query("select id from customer_wallet where username = $1", [
      customer.username,
    ]);
    // Past every trigger, as only the owner of the database could.
    const tamper = (balance: number, cardAmount: number) =>
      app.sql.query(
        `begin; set local session_replication_role = replica; update customer_wallet set balance = ${balance} where id = ${String(wallet?.["id"])};
         update payment_transaction set amount = ${50 + cardAmount}, card_amount = ${cardAmount} where booking_id = ${bookingId}; commit`,
      );
    await tamper(5, 149);
    const found = await violations();
    await tamper(0, 150);
    expect(found).toContainEqual({
      rule: "wallet differs from its transactions",
      subject: `customer_wallet ${String(wallet?.["id"])}`,
      details: "balance 5.00, transactions 0.00",
    });
    expect(found).toContainEqual({
      rule: "paid booking without exactly one completed payment",
      subject: `booking ${bookingId}`,
      details: "Wallet 200.00, 1 completed payments",
    });
    expect(await violations()).toEqual([]);
  });
});
