import { countPaymentsInDoubt, expireAnyDue, hurryPaymentsAndRefunds } from "@skyfox/db";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { cardMoneyOf, givenHold, letPass, paymentOf, problemOf, purseOf } from "../../test/given-money.ts";
import { givenCustomer, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { reset, startRudeGateway, success, unknownKey } from "../../test/rude-gateway.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { listDoubts, resolvePayment } from "./payments-in-doubt.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { getBooking } from "../booking/get-booking.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { Decimal, type Wallet } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { addFunds } from "../wallet/add-funds.ts";
import { askAfter } from "./charge-card.ts";

const app = await createTestApp();
const { deps, clock, gateway, sql } = app;
const admin = await givenStaff(deps, "admin");
const rude = await startRudeGateway({ clock });
const honest = deps.gateway;

afterEach(async () => {
  // Whatever is left of a test is settled: it was not charged, and its refunds are done.
  deps.gateway = rude.gateway;
  rude.says(({ what }) =>
    what === "refund"
      ? { status: 200, body: { status: "SUCCESS" } }
      : { status: 200, body: { status: "FAILED" } },
  );
  clock.advance(90_000_000);
  await deps.monitors.settled();
  await app.reconcile();
  deps.gateway = honest;
  clock.set(testStart);
});

const ten = { amount: new Decimal("10"), card: goodCard };

async function paymentsOf({ username }: User) {
  return await sql.query(
    `select id, status, contested, attempts, last_error, transaction_id as reference, next_attempt_at as next
     from payment_transaction where username = $1 order by id`,
    [username],
  );
}

async function refundsOf({ username }: User) {
  return await sql.query(
    `select r.state, r.booking_id, r.card_amount::text as amount from payment_refund r
     join payment_transaction p on p.id = r.payment_id where p.username = $1`,
    [username],
  );
}

async function doubtsOf(customer: User) {
  const { items } = await listDoubts(deps, { limit: 100 });
  return items.filter(({ username }) => username === customer.username).map(({ lastError }) => lastError);
}

/** As a server does when it starts. */
async function hurry(): Promise<void> {
  const now = clock.now();
  await hurryPaymentsAndRefunds(deps.db, { now, latestFirstTurn: askAfter(now) });
}

/** A payment that has begun and whose server has died before it heard of the outcome. */
async function givenAbandoned(customer: User): Promise<number> {
  const { bookingId } = await givenHold(app, customer);
  const begun = Promise.withResolvers<void>();
  const dead: Deps = {
    ...deps,
    gateway: {
      ...deps.gateway,
      async charge() {
        begun.resolve();
        return await new Promise<never>(() => {});
      },
    },
  };
  void payBooking(dead, customer, paymentOf(bookingId, "card"));
  await begun.promise;
  return bookingId;
}

describe("a gateway that repeats the card", () => {
  test("finds it in no row, no answer and no line of the log", async () => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    const said: string[] = [];
    const add = async (key: string) => {
      const answer = await mutate(app, "wallet.addFunds", ten, {
        token,
        headers: { "idempotency-key": key },
      });
      said.push(answer.text);
      return answer.error?.data.domain?.code;
    };
    rude.says(({ body }) => ({
      status: 200,
      body: { status: "FAILED", message: `${String(body["card_number"])} declined` },
    }));
    expect(await add("declined")).toBe("PAYMENT_DECLINED");
    rude.says(({ body }) => ({
      status: 422,
      body: { errors: [{ field: "card", message: `${String(body["card_number"])} ${String(body["cvv"])}` }] },
    }));
    expect(await add("rejected")).toBe("PAYMENT_VALIDATION_FAILED");
    expect(await add("rejected")).toBe("PAYMENT_VALIDATION_FAILED");
    rude.says(({ body }) => success(`tx-${String(body["card_number"])}`));
    expect(await add("charged")).toBeUndefined();
    const kept = await sql.query(
      `select (select string_agg(p::text, ' ') from payment_transaction p where username = $1) as payments,
         (select string_agg(answer, ' ') from idempotency_key where username = $1) as answers`,
      [customer.username],
    );
    expect(JSON.stringify([kept, said, app.logger.lines])).not.toContain(goodCard.number);
    expect(kept[0]?.["payments"]).toContain("[card] declined");
  });
});

describe("a gateway that is never through", () => {
  test("with a payment whose server died leaves it in doubt, asked about less and less, and its payer is told", async () => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    const bookingId = await givenAbandoned(customer);
    rude.says(() => ({ status: 200, body: { status: "PENDING" } }));
    const askedBefore = rude.asked.length;
    await letPass(app, 11);
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Unknown", attempts: 1 }]);
    await letPass(app, 10);
    expect(rude.asked.length - askedBefore).toBe(3);
    expect(await doubtsOf(customer)).toEqual(["the gateway is still at work on the payment"]);
    expect(await problemOf(payBooking(deps, customer, paymentOf(bookingId, "card")))).toMatchObject({
      code: "PAYMENT_OUTCOME_UNKNOWN",
    });
    clock.advance(3_600_000);
    await app.reconcile();
    await letPass(app, 80);
    expect(rude.asked.length - askedBefore).toBe(4);
    await letPass(app, 15);
    expect(rude.asked.length - askedBefore).toBe(5);
  });
});

describe("a success that our own database cannot record", () => {
  test.each([
    ["of an open payment", false],
    ["of a payment that had failed", true],
  ])("%s is in doubt, where people look, until it can", async (_what, hasFailed) => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    rude.says(({ what }) => (what === "charge" ? reset : unknownKey));
    await problemOf(addFunds(deps, customer, ten));
    if (hasFailed) await letPass(app, 30);
    rude.says(({ what }) => (what === "refund" ? success("r") : success(`charged-${hasFailed}`, "10.00")));
    await sql.query(
      `create function fail() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$;
       create trigger fail before update on payment_transaction for each row
       when (new.status = 'Completed') execute function fail()`,
    );
    clock.advance(3_600_000);
    await app.reconcile();
    await sql.query("drop trigger fail on payment_transaction; drop function fail()");
    expect(await paymentsOf(customer)).toMatchObject([
      { status: hasFailed ? "Failed" : "Unknown", contested: hasFailed },
    ]);
    expect(await doubtsOf(customer)).toEqual(["what the gateway said could not be recorded"]);
    clock.advance(600_000);
    await app.reconcile();
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Completed", contested: false }]);
    expect(await doubtsOf(customer)).toEqual([]);
    expect(await refundsOf(customer)).toHaveLength(hasFailed ? 1 : 0);
  });
});

describe("a gateway that turns a payment away for our key", () => {
  test("has not charged; it is asked again all the same, and a charge that it has goes back", async () => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    rude.says(() => ({ status: 403, body: {} }));
    expect(await problemOf(addFunds(deps, customer, ten))).toMatchObject({
      code: "PAYMENT_GATEWAY_UNAVAILABLE",
    });
    clock.advance(30_000);
    await app.reconcile();
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Failed", attempts: 1, contested: false }]);
    rude.says(({ what }) => (what === "refund" ? success("r") : success("after-403", "10.00")));
    clock.advance(270_000);
    await app.reconcile();
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Completed" }]);
    expect(await refundsOf(customer)).toEqual([{ state: "done", booking_id: null, amount: "10.00" }]);
  });
});

describe("a payment that counts as not charged", () => {
  const doubts = [
    ["another amount", success("x", "1000.00"), "the gateway names another amount"],
    ["PENDING", { status: 200, body: { status: "PENDING" } }, "the gateway is still at work on the payment"],
    [
      "what is no answer",
      { status: 200, body: { status: "PERHAPS" } },
      "the gateway's answer does not say what became of the payment (HTTP 200)",
    ],
  ] as const;

  async function givenFailed() {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    rude.says(({ what }) => (what === "charge" ? reset : unknownKey));
    await problemOf(addFunds(deps, customer, ten));
    await letPass(app, 30);
    const [payment] = await paymentsOf(customer);
    expect(payment).toMatchObject({ status: "Failed", contested: false });
    return { customer, paymentId: payment?.["id"] as number };
  }

  test.each(doubts)(
    "and of which the gateway says %s at last is in doubt, and asked about further",
    async (_what, says, why) => {
      const { customer, paymentId } = await givenFailed();
      rude.says(() => says);
      clock.advance(86_400_000);
      await app.reconcile();
      expect(await doubtsOf(customer)).toEqual([why]);
      expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "unknown" });
      expect(await countPaymentsInDoubt(deps.db)).toBe(1);
      rude.says(() => unknownKey);
      await hurry();
      await app.reconcile();
      expect(await doubtsOf(customer)).toEqual([]);
      expect(await paymentsOf(customer)).toMatchObject([{ status: "Failed", contested: false, next: null }]);
      expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "failed" });
    },
  );

  test("and of which a person hears the contrary is in doubt, though it was asked about for the last time", async () => {
    const { customer, paymentId } = await givenFailed();
    clock.advance(86_400_000);
    await app.reconcile();
    expect(await paymentsOf(customer)).toMatchObject([{ next: null }]);
    rude.says(() => success("x", "1000.00"));
    expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "unknown" });
    expect(await doubtsOf(customer)).toEqual(["the gateway names another amount"]);
    rude.says(({ what }) => (what === "refund" ? success("r") : success("right", "10.00")));
    clock.advance(600_000);
    await app.reconcile();
    expect(await doubtsOf(customer)).toEqual([]);
    expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "refunded" });
  });

  // As `givenFailed` leaves it: the gateway was believed ten seconds ago.
  const questions = [30, 300, 3_600, 86_400].map((seconds) => (seconds - 10) * 1_000);

  test("is asked about after 30 seconds, 5 minutes, an hour and a day, and then no more", async () => {
    const { customer } = await givenFailed();
    const askedBefore = rude.asked.length;
    const start = clock.now().getTime();
    for (const [index, afterMs] of questions.entries()) {
      clock.set(new Date(start + afterMs - 1));
      await app.reconcile();
      expect(rude.asked.length - askedBefore).toBe(index);
      clock.advance(1);
      await app.reconcile();
      await app.reconcile();
      expect(rude.asked.length - askedBefore).toBe(index + 1);
    }
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Failed", contested: false, next: null }]);
  });

  test.each(questions)("and was charged within %i ms of that gets its money back", async (afterMs) => {
    const { customer } = await givenFailed();
    clock.advance(afterMs - 1);
    await app.reconcile();
    rude.says(({ what }) => (what === "refund" ? success("r") : success(`late-${afterMs}`, "10.00")));
    clock.advance(1);
    await app.reconcile();
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Completed" }]);
    expect(await refundsOf(customer)).toEqual([{ state: "done", booking_id: null, amount: "10.00" }]);
  });

  test.each([
    ["does not answer", reset],
    ["answers 503", { status: 503, body: {} }],
    ["cannot be asked", { status: 404, body: {} }],
  ])(
    "and a gateway that %s contradict nothing, also when an admin asks; the next round asks again",
    async (_what, says) => {
      const { customer, paymentId } = await givenFailed();
      rude.says(() => says);
      expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "failed" });
      expect(await paymentsOf(customer)).toMatchObject([
        { status: "Failed", contested: false, next: clock.now() },
      ]);
      expect(await doubtsOf(customer)).toEqual([]);
      rude.says(({ what }) => (what === "refund" ? success("r") : success(`told-${paymentId}`, "10.00")));
      await app.reconcile();
      expect(await refundsOf(customer)).toEqual([{ state: "done", booking_id: null, amount: "10.00" }]);
    },
  );

  test("and a gateway that is silent at the last question is asked every hour for another day", async () => {
    const { customer } = await givenFailed();
    clock.advance(86_390_000);
    rude.says(() => ({ status: 503, body: {} }));
    const askedBefore = rude.asked.length;
    for (let hour = 0; hour <= 30; hour += 1) {
      await app.reconcile();
      clock.advance(3_600_000);
    }
    expect(rude.asked.length - askedBefore).toBe(25);
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Failed", contested: false, next: null }]);
  });

  test("and whose confirmation is recorded unheard is asked about again within seconds, not at its next question", async () => {
    const { customer } = await givenFailed();
    const proxy = await startDatabaseProxy(app.databaseUrl);
    onTestFinished(() => proxy.close());
    const server = await createTestApp({ beside: app, databaseUrl: () => proxy.url });
    server.deps.gateway = rude.gateway;
    const { reached } = proxy.intercept((statement) => /set "contested" = /.test(statement.sql), "after");
    clock.advance(20_000);
    await server.reconcile();
    await reached;
    expect(await doubtsOf(customer)).toEqual(["what the gateway said could not be recorded"]);
    clock.advance(5_000);
    await server.reconcile();
    expect(await doubtsOf(customer)).toEqual([]);
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Failed", contested: false }]);
  });

  test("and of which an early question learns nothing new keeps its last question", async () => {
    const { customer, paymentId } = await givenFailed();
    rude.says(() => success("x", "1000.00"));
    await resolvePayment(deps, admin, { paymentId });
    rude.says(() => unknownKey);
    expect(await resolvePayment(deps, admin, { paymentId })).toEqual({ paymentId, outcome: "failed" });
    expect(await paymentsOf(customer)).toMatchObject([{ contested: false, next: expect.any(Date) as Date }]);
  });
});

describe("a gateway that says no to one server and yes to another", () => {
  test.each([
    ["FAILED", "Declined", { status: 200, body: { status: "FAILED" } }],
    ["422", "Rejected", { status: 422, body: {} }],
  ] as const)("%s, then SUCCESS: the card gets its money back", async (_what, status, no) => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    rude.says(() => no);
    await problemOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    expect(await paymentsOf(customer)).toMatchObject([{ status }]);
    const [payment] = await paymentsOf(customer);
    await recordLate(payment?.["id"] as number);
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Completed" }]);
    expect(await refundsOf(customer)).toEqual([{ state: "done", booking_id: bookingId, amount: "200.00" }]);
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending" });
  });

  test("FAILED for the reconciler, then SUCCESS for the payer: the payer is told no, and the card gets its money back", async () => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    const [arrived, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    rude.says(async ({ what }) => {
      if (what === "ask") return { status: 200, body: { status: "FAILED" } };
      if (what === "refund") return success("r");
      arrived.resolve();
      await go.promise;
      return success("contrary");
    });
    const paying = problemOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    await arrived.promise;
    await letPass(app, 11);
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Declined" }]);
    go.resolve();
    expect(await paying).toMatchObject({ code: "PAYMENT_OUTCOME_UNKNOWN" });
    await app.reconcile();
    expect(await refundsOf(customer)).toEqual([{ state: "done", booking_id: bookingId, amount: "200.00" }]);
  });

  // As the call that hung would, once it hears of the charge.
  async function recordLate(paymentId: number): Promise<void> {
    await sql.query("update payment_transaction set next_attempt_at = $2 where id = $1", [
      paymentId,
      clock.now(),
    ]);
    rude.says(() => success(`late-${paymentId}`, "200.00"));
    await app.reconcile();
  }
});

describe("a charge that is heard of late", () => {
  test.each([
    ["while its booking waits for another card", "Pending", { code: "PAYMENT_OUTCOME_UNKNOWN" }],
    [
      "when another payment has confirmed the booking",
      "Confirmed",
      { code: "INVALID_BOOKING_STATUS", details: { status: "Confirmed" } },
    ],
    ["when the hold is over", "Expired", { code: "BOOKING_EXPIRED" }],
    ["when the hold is over and not written as expired yet", "Expired", { code: "BOOKING_EXPIRED" }],
    ["while another payment runs", "Paying", { code: "PAYMENT_IN_PROGRESS" }],
  ] as const)("%s says how things stand", async (when, status, problem) => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    const late = gateway.script("late");
    const first = problemOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    await late.arrived;
    await letPass(app, 25);
    if (status === "Confirmed") await payBooking(deps, customer, paymentOf(bookingId, "card"));
    if (status === "Expired" && when === "when the hold is over") await letPass(app, 300);
    if (when.endsWith("yet")) {
      deps.monitors.disarm(bookingId);
      clock.advance(300_000);
    }
    const slow = status === "Paying" ? gateway.script("slow") : undefined;
    const second = slow && payBooking(deps, customer, paymentOf(bookingId, "card"));
    await slow?.arrived;
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status });
    await late.release();
    expect(await first).toMatchObject(problem);
    await slow?.release();
    if (second) expect(await second).toMatchObject({ status: "Confirmed" });
    await app.reconcile();
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00"]);
    if (status !== "Confirmed") return;
    expect(await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" })).toMatchObject({
      status: "Refunded",
    });
    await app.reconcile();
    expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual(["200.00", "200.00"]);
  });

  test("when its booking has been given back already says that, not that it is paid", async () => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    const [arrived, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    rude.says(async ({ what }) => {
      if (what !== "charge") return success("given-back", "200.00");
      arrived.resolve();
      await go.promise;
      return success("given-back");
    });
    const paying = problemOf(payBooking(deps, customer, paymentOf(bookingId, "card")));
    await arrived.promise;
    await letPass(app, 11);
    await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    go.resolve();
    expect(await paying).toMatchObject({
      code: "INVALID_BOOKING_STATUS",
      details: { status: "Refunded" },
    });
  });

  test("as funds says that it is not added, and adds nothing", async () => {
    const customer = await givenCustomer(deps);
    const late = gateway.script("late");
    const first = problemOf(addFunds(deps, customer, ten));
    await late.arrived;
    await letPass(app, 25);
    await late.release();
    expect(await first).toMatchObject({ code: "PAYMENT_OUTCOME_UNKNOWN" });
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
    await app.reconcile();
    expect((await cardMoneyOf(app, customer)).givenBack).toEqual(["10.00"]);
  });

  test("too late for its seats leaves its key free: the same call hears what became of the booking", async () => {
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    const { bookingId } = await givenHold(app, customer);
    const pay = () =>
      mutate<Wallet>(app, "booking.pay", paymentOf(bookingId, "card"), {
        token,
        headers: { "idempotency-key": "too late" },
      });
    gateway.setAskRoute("missing");
    gateway.script("error-after-success");
    expect((await pay()).error?.data.domain?.code).toBe("PAYMENT_OUTCOME_UNKNOWN");
    await letPass(app, 600);
    await expireAnyDue(deps.db, 10, clock.now());
    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Expired" });
    gateway.setAskRoute("offered");
    clock.advance(600_000);
    await app.reconcile();
    expect(await refundsOf(customer)).toMatchObject([{ amount: "200.00" }]);
    expect((await pay()).error?.data.domain?.code).toBe("BOOKING_EXPIRED");
  });

  test("and was given back is not what its booking gives back, though its row comes first", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    await sql.query(
      `with late as (
         insert into payment_transaction (booking_id, username, payment_method, amount, card_amount, status, transaction_id, started_at, processed_at)
         values ($1, $2, 'Card', 200, 200, 'Completed', $3, $4, $4) returning id
       )
       insert into payment_refund (payment_id, booking_id, destination, amount, card_amount, reason, created_at, next_attempt_at)
       select id, $1, 'source', 200, 200, 'Late', $4, $4 from late`,
      [bookingId, customer.username, await chargeOutside(), clock.now()],
    );
    await payBooking(deps, customer, paymentOf(bookingId, "card"));
    expect(await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" })).toMatchObject({
      status: "Refunded",
    });
    await app.reconcile();
    expect(await refundsOf(customer)).toMatchObject([{ state: "done" }, { state: "done" }]);
  });

  async function chargeOutside(): Promise<string> {
    const key = crypto.randomUUID();
    const charged = await deps.gateway.charge({ key, amount: new Decimal(200), card: goodCard });
    return charged.kind === "success" ? charged.transactionId : "";
  }
});

describe("the clock", () => {
  test("that goes on while the gateway thinks does not make an unknown key older than the question", async () => {
    deps.gateway = rude.gateway;
    const customer = await givenCustomer(deps);
    rude.says(({ what }) => {
      if (what === "charge") return reset;
      clock.advance(2_000);
      return unknownKey;
    });
    await problemOf(addFunds(deps, customer, ten));
    clock.advance(19_000);
    await app.reconcile();
    expect(await paymentsOf(customer)).toMatchObject([{ status: "Unknown" }]);
  });

  test("that was set back an hour keeps no payment of a dead server waiting for an hour", async () => {
    const customer = await givenCustomer(deps);
    clock.advance(3_600_000);
    await givenAbandoned(customer);
    clock.advance(-3_600_000);
    const inTime = await givenCustomer(deps);
    await givenAbandoned(inTime);
    await hurry();
    await app.reconcile();
    // A payment that has just begun still has its first eleven seconds.
    expect(await paymentsOf(customer)).toMatchObject([{ attempts: 1 }]);
    expect(await paymentsOf(inTime)).toMatchObject([{ attempts: 0 }]);
    await letPass(app, 20);
    // What the gateway does not know is believed twenty seconds after it was first asked by the new time.
    expect(await paymentsOf(customer)).toMatchObject([{ attempts: 2, status: "Failed" }]);
  });
});
