import { randomUUID } from "node:crypto";
import { connectOnce } from "@skyfox/db";
import { afterEach, describe, expect, test } from "vitest";
import type { Outcome } from "../../../scripts/sandbox/outcomes.ts";
import {
  cardMoneyOf,
  givenBooking,
  givenFunds,
  letPass,
  problemOf,
  purseOf,
} from "../../test/given-money.ts";
import { declinedCard, givenCustomer, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { headersFor, mutate, query, send } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, together } from "../../test/together.ts";
import { Decimal, type Wallet, type WalletTransactionPage } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { addFunds } from "./add-funds.ts";
import { getBalance } from "./get-balance.ts";
import { listTransactions } from "./list-transactions.ts";

const app = await createTestApp({ gatewayTimeoutMs: 500 });
const { deps, clock, gateway } = app;

afterEach(() => gateway.setAskRoute("offered"));

function topUp(customer: User, amount: string, card = goodCard) {
  return addFunds(deps, customer, { amount: new Decimal(amount), card });
}

async function historyOf(customer: User) {
  const { items } = await listTransactions(deps, customer, { limit: 100 });
  return items.map(
    ({ type, amount, balanceAfter }) => `${type} ${amount.toFixed(2)} = ${balanceAfter.toFixed(2)}`,
  );
}

async function topUpsOf({ username }: User) {
  return app.sql.query(
    "select status, last_error from payment_transaction where username = $1 and booking_id is null order by id",
    [username],
  );
}

describe("a wallet", () => {
  test("is empty at first", async () => {
    const customer = await givenCustomer(deps);
    const { balance, available, ...rest } = await getBalance(deps, customer);
    expect([balance.toFixed(2), available.toFixed(2)]).toEqual(["0.00", "0.00"]);
    expect(rest).toEqual({ username: customer.username, updatedAt: clock.now() });
    expect(await historyOf(customer)).toEqual([]);
  });

  test("has what a card has paid into it, under the gateway's reference", async () => {
    const customer = await givenCustomer(deps);
    clock.advance(1_000);
    const added = await topUp(customer, "250.50");
    expect(await cardMoneyOf(app, customer)).toEqual({ charged: ["250.50"], givenBack: [] });
    expect(added.balance.toFixed(2)).toBe("250.50");
    expect(added.available.toFixed(2)).toBe("250.50");
    expect(added.updatedAt).toEqual(clock.now());
    expect(gateway.books().charges.at(-1)?.transactionId).toBe(added.transactionId);
    const { items } = await listTransactions(deps, customer, { limit: 20 });
    expect(items).toMatchObject([{ type: "ADD", bookingId: null, transactionId: added.transactionId }]);
    expect(items[0]?.timestamp).toEqual(clock.now());
  });

  test("is for customers, each their own", async () => {
    const [one, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    await topUp(one, "10");
    const token = await tokenOf(deps, other);
    const { data } = await query<Wallet>(app, "wallet.balance", undefined, { token });
    expect(data?.username).toBe(other.username);
    expect(data?.balance.toFixed(2)).toBe("0.00");
    const page = await query<WalletTransactionPage>(app, "wallet.transactions", undefined, { token });
    expect(page.data).toEqual({ items: [], nextCursor: null });
    const staff = await tokenOf(deps, await givenStaff(deps, "staff"));
    for (const path of ["wallet.balance", "wallet.transactions"])
      expect((await query(app, path, undefined, { token: staff })).status).toBe(403);
  });
});

describe("adding funds when the gateway", () => {
  test("declines: nothing is added, and no time is given", async () => {
    const customer = await givenCustomer(deps);
    expect(await problemOf(topUp(customer, "10", declinedCard))).toEqual({
      code: "PAYMENT_DECLINED",
      details: { retryUntil: null },
    });
    expect(await topUpsOf(customer)).toMatchObject([{ status: "Declined" }]);
    expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
    await topUp(customer, "10");
    expect(await historyOf(customer)).toEqual(["ADD 10.00 = 10.00"]);
  });

  test("finds fault with the card: its words reach the customer, and nothing is added", async () => {
    const customer = await givenCustomer(deps);
    gateway.script("rejected");
    expect(await problemOf(topUp(customer, "10"))).toEqual({
      code: "PAYMENT_VALIDATION_FAILED",
      details: { errors: [{ field: "card_number", message: "Card number is not valid" }] },
    });
    expect(await topUpsOf(customer)).toMatchObject([{ status: "Rejected" }]);
    expect(await historyOf(customer)).toEqual([]);
  });

  test("turns our key away: nothing was charged, and it may be tried again", async () => {
    const customer = await givenCustomer(deps);
    gateway.script("forbidden");
    expect(await problemOf(topUp(customer, "10"))).toMatchObject({ code: "PAYMENT_GATEWAY_UNAVAILABLE" });
    expect(await topUpsOf(customer)).toEqual([
      { status: "Failed", last_error: "the gateway turned the payment away (HTTP 403)" },
    ]);
    await topUp(customer, "10");
    expect(await historyOf(customer)).toEqual(["ADD 10.00 = 10.00"]);
  });

  const unheard: [Outcome, boolean][] = [
    ["timeout-after-effect", true],
    ["reset-after-effect", true],
    ["error-after-success", true],
    ["conflict-after-success", true],
    ["unreadable", true],
    ["timeout-before-effect", false],
    ["reset-before-effect", false],
    ["unavailable", false],
  ];

  test.each(unheard)(
    "answers with %s: it is asked, and the money is added once or not at all (%s)",
    async (outcome, isCharged) => {
      const customer = await givenCustomer(deps);
      const call = gateway.script(outcome);
      expect(await problemOf(topUp(customer, "10"))).toMatchObject({ code: "PAYMENT_OUTCOME_UNKNOWN" });
      expect(await topUpsOf(customer)).toMatchObject([{ status: "Unknown" }]);
      expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
      await call.release();
      await letPass(app, 30);
      expect(await historyOf(customer)).toEqual(isCharged ? ["ADD 10.00 = 10.00"] : []);
      expect(await topUpsOf(customer)).toMatchObject([{ status: isCharged ? "Completed" : "Failed" }]);
      await letPass(app, 10);
      const sum = isCharged ? "10.00" : "0.00";
      expect(await purseOf(app, customer)).toEqual({ balance: sum, available: sum });
    },
  );

  test("charges an hour after everyone believed that it had not: the money goes back to the card", async () => {
    const customer = await givenCustomer(deps);
    const late = gateway.script("late");
    await problemOf(topUp(customer, "10"));
    await letPass(app, 30);
    expect(await topUpsOf(customer)).toMatchObject([{ status: "Failed" }]);
    await late.release();
    clock.advance(3_600_000);
    await app.reconcile();
    expect(await historyOf(customer)).toEqual([]);
    expect(await topUpsOf(customer)).toMatchObject([{ status: "Completed" }]);
    expect(await cardMoneyOf(app, customer)).toEqual({ charged: ["10.00"], givenBack: ["10.00"] });
  });

  test("charges late what was paid again under the same key: one of the two is added, the other goes back", async () => {
    const customer = await givenCustomer(deps);
    const token = await tokenOf(deps, customer);
    const add = () =>
      mutate<Wallet>(
        app,
        "wallet.addFunds",
        { amount: new Decimal("10"), card: goodCard },
        { token, headers: { "idempotency-key": "one" } },
      );
    const late = gateway.script("late");
    expect((await add()).error?.data.domain?.code).toBe("PAYMENT_OUTCOME_UNKNOWN");
    await letPass(app, 30);
    expect((await add()).data?.balance.toFixed(2)).toBe("10.00");
    await late.release();
    clock.advance(3_600_000);
    await app.reconcile();
    expect((await add()).data?.balance.toFixed(2)).toBe("10.00");
    expect(await purseOf(app, customer)).toEqual({ balance: "10.00", available: "10.00" });
    const { charged, givenBack } = await cardMoneyOf(app, customer);
    expect([charged, givenBack]).toEqual([["10.00", "10.00"], ["10.00"]]);
  });

  test("charges late what there is no room for any more: the wallet keeps to its limit", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "90000");
    const late = gateway.script("late");
    await problemOf(topUp(customer, "10000"));
    await letPass(app, 30);
    await topUp(customer, "10000");
    await late.release();
    clock.advance(3_600_000);
    await app.reconcile();
    expect(await purseOf(app, customer)).toEqual({ balance: "100000.00", available: "100000.00" });
    expect((await cardMoneyOf(app, customer)).givenBack).toEqual(["10000.00"]);
  });

  test("is asked by two servers at once: the money is added once", async () => {
    const customer = await givenCustomer(deps);
    gateway.script("error-after-success");
    await problemOf(topUp(customer, "10"));
    const beside = await createTestApp({ beside: app });
    clock.advance(20_000);
    await Promise.all([app.reconcile(), beside.reconcile(), app.reconcile()]);
    expect(await historyOf(customer)).toEqual(["ADD 10.00 = 10.00"]);
  });

  test("answers only when its own asking has found the success first: the answer is the wallet, added to once", async () => {
    const customer = await givenCustomer(deps);
    const hanging = gateway.script("timeout-after-effect");
    const added = topUp(customer, "10");
    await hanging.arrived;
    clock.advance(11_000);
    await app.reconcile();
    expect(await historyOf(customer)).toEqual(["ADD 10.00 = 10.00"]);
    await hanging.release();
    expect((await added).balance.toFixed(2)).toBe("10.00");
    expect(await historyOf(customer)).toEqual(["ADD 10.00 = 10.00"]);
  });
});

describe("how much can be added", () => {
  test.each(["0.01", "9999.99", "10000.00"])("%s is", async (amount) => {
    const customer = await givenCustomer(deps);
    await topUp(customer, amount);
    expect((await purseOf(app, customer)).balance).toBe(new Decimal(amount).toFixed(2));
  });

  test.each([
    ["0.00", "INVALID_AMOUNT"],
    ["-1.00", "INVALID_AMOUNT"],
    ["10000.01", "AMOUNT_TOO_LARGE"],
    ["0.005", "VALIDATION_ERROR"],
    ["1.999", "VALIDATION_ERROR"],
    ["NaN", "VALIDATION_ERROR"],
    ["Infinity", "VALIDATION_ERROR"],
    ["1e300000000", "VALIDATION_ERROR"],
  ])("%s is not: %s", async (amount, code) => {
    const token = await tokenOf(deps, await givenCustomer(deps));
    const calls = gateway.calls().length;
    // As the SDK would send it: nothing is rounded on the way.
    const sent = await mutate(
      app,
      "wallet.addFunds",
      { amount: new Decimal(amount), card: goodCard },
      { token },
    );
    expect([sent.status, sent.error?.data.domain?.code]).toEqual([400, code]);
    const max =
      code === "AMOUNT_TOO_LARGE" ? { max: new Decimal("10000") } : code === "INVALID_AMOUNT" ? {} : null;
    expect(sent.error?.data.domain?.details).toEqual(max);
    const raw = await send(app, "/trpc/wallet.addFunds", {
      method: "POST",
      headers: { ...headersFor({ token }), "content-type": "application/json" },
      body: JSON.stringify({
        json: { amount, card: goodCard },
        meta: { values: { amount: [["custom", "Decimal"]] } },
      }),
    });
    expect([raw.status, raw.error?.data.domain?.code]).toEqual([400, code]);
    expect(gateway.calls()).toHaveLength(calls);
  });

  test("is what is left to 100,000.00", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "99000.00");
    expect(await problemOf(topUp(customer, "1000.01"))).toEqual({
      code: "AMOUNT_TOO_LARGE",
      details: { max: new Decimal("1000") },
    });
    const calls = gateway.calls().length;
    expect((await topUp(customer, "1000.00")).balance.toFixed(2)).toBe("100000.00");
    expect(await problemOf(topUp(customer, "0.01"))).toEqual({
      code: "AMOUNT_TOO_LARGE",
      details: { max: new Decimal("0") },
    });
    expect(gateway.calls()).toHaveLength(calls + 1);
  });

  test("counts what is under way: of ten at once only as many charge as there is room for", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "65000.00");
    const { won, lost } = outcomesOf(
      await together(Array.from({ length: 10 }, () => () => topUp(customer, "10000.00"))),
    );
    expect(won).toHaveLength(3);
    expect(new Set(lost)).toEqual(new Set(["AMOUNT_TOO_LARGE"]));
    expect((await purseOf(app, customer)).balance).toBe("95000.00");
  });

  test("counts a card whose outcome is unknown, until it is known", async () => {
    const customer = await givenCustomer(deps);
    await givenFunds(app, customer, "90000.00");
    gateway.script("unavailable");
    await problemOf(topUp(customer, "6000.00"));
    expect(await problemOf(topUp(customer, "4000.01"))).toEqual({
      code: "AMOUNT_TOO_LARGE",
      details: { max: new Decimal("4000") },
    });
    await letPass(app, 30);
    await topUp(customer, "10000.00");
    expect((await purseOf(app, customer)).balance).toBe("100000.00");
  });
});

describe("the transactions of a wallet", () => {
  test("are listed newest first in pages, each with the balance after it", async () => {
    const customer = await givenCustomer(deps);
    for (const amount of ["1.00", "2.00", "3.00"]) await topUp(customer, amount);
    const { bookingId } = await givenBooking(app, customer, "both");
    const lines: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await listTransactions(deps, customer, { limit: 2, cursor });
      expect(page.items.length).toBeLessThanOrEqual(2);
      for (const { type, amount, balanceAfter, bookingId: id } of page.items)
        lines.push([type, amount.toFixed(2), balanceAfter.toFixed(2), id === bookingId].join(" "));
      cursor = page.nextCursor ?? undefined;
      pages += 1;
    } while (cursor !== undefined);
    expect(lines).toEqual([
      "DEDUCT 200.00 0.00 true",
      "ADD 144.00 200.00 true",
      "ADD 50.00 56.00 false",
      "ADD 3.00 6.00 false",
      "ADD 2.00 3.00 false",
      "ADD 1.00 1.00 false",
    ]);
    expect(pages).toBe(3);
  });

  test("have no cursor but their own", async () => {
    const token = await tokenOf(deps, await givenCustomer(deps));
    for (const cursor of ["", "0", "-1", "x", "1e3", "9".repeat(40)]) {
      const { error } = await query(app, "wallet.transactions", { cursor }, { token });
      expect(error?.data.domain?.code).toBe("VALIDATION_ERROR");
    }
    for (const limit of [0, 101, 1.5]) {
      const { error } = await query(app, "wallet.transactions", { limit }, { token });
      expect(error?.data.domain?.code).toBe("VALIDATION_ERROR");
    }
  });

  test("P16: are never changed, deleted or emptied, not even by a role that was granted everything", async () => {
    const customer = await givenCustomer(deps);
    await topUp(customer, "10");
    const role = `clerk_${randomUUID().replaceAll("-", "")}`;
    await app.sql.query(`create role ${role}`);
    const clerk = await connectOnce(app.databaseUrl);
    try {
      await app.sql.query(`grant all on all tables in schema public to ${role}`);
      await app.sql.query(`grant all on all sequences in schema public to ${role}`);
      await clerk.query(`set role ${role}`);
      expect(await clerk.query("select current_user::text as name")).toEqual([{ name: role }]);
      for (const statement of [
        "update wallet_transaction set amount = amount + 1",
        "update wallet_transaction set balance_after = 1 where false",
        "delete from wallet_transaction",
        "truncate wallet_transaction",
      ])
        await expect(clerk.query(statement)).rejects.toThrow("wallet_transaction rows are written once");
      for (const table of ["customer_wallet", "payment_transaction", "payment_refund"]) {
        await expect(clerk.query(`delete from ${table}`)).rejects.toThrow("never removed");
        await expect(clerk.query(`truncate ${table} cascade`)).rejects.toThrow("never removed");
      }
      await expect(clerk.query("update customer_wallet set balance = balance + 1")).rejects.toMatchObject({
        constraint: "customer_wallet_adds_up",
      });
      await expect(
        clerk.query(
          `insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after)
           select id, username, 'mine', 5, 'ADD', balance + 5 from customer_wallet where username = $1`,
          [customer.username],
        ),
      ).rejects.toMatchObject({ constraint: "wallet_transaction_adds_up" });
      await expect(clerk.query("alter table wallet_transaction disable trigger all")).rejects.toThrow(
        "owner",
      );
    } finally {
      await clerk.end();
      await app.sql.query(`drop owned by ${role}`);
      await app.sql.query(`drop role ${role}`);
    }
    expect(await historyOf(customer)).toEqual(["ADD 10.00 = 10.00"]);
  });
});
