import { expect, test } from "vitest";
import { givenShow, goodCard } from "../../../server/test/given.ts";
import { createTestApp, testApiKey } from "../../../server/test/test-app.ts";
import { connectClient } from "../../src/client.ts";
import { Decimal, domainErrorOf, type Fetch } from "../../src/index.ts";
import { realTiming, type Timing } from "../../src/retries.ts";
import { connect, errorOf, newCustomer } from "../connect.ts";

const app = await createTestApp();

test("a payment whose answer was lost is answered when it is repeated, and charged once", async () => {
  const { token, bookingId } = await givenHold();
  const headers: Headers[] = [];
  const skyfox = over(token, async (url, init) => {
    const response = await app.app.request(url, init);
    headers.push(response.headers);
    // The server has done its work; its answer does not arrive.
    if (headers.length === 1) throw new TypeError("terminated");
    return response;
  });
  const chargesBefore = app.gateway.calls().length;

  const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });

  expect(paid).toMatchObject({ bookingId, status: "Confirmed", amountPaid: new Decimal("200.00") });
  expect(headers.map((one) => one.get("idempotent-replayed"))).toEqual([null, "true"]);
  expect(app.gateway.calls()).toHaveLength(chargesBefore + 1);
});

test("a payment whose connection broke while the card was being charged is waited for", async () => {
  const { token, bookingId } = await givenHold();
  const chargesBefore = app.gateway.calls().length;
  const charge = app.gateway.script("slow");
  const statuses: number[] = [];
  let lost: Promise<unknown> | undefined;
  const fetch: Fetch = async (url, init) => {
    if (lost === undefined) {
      lost = Promise.resolve(app.app.request(url, init));
      await charge.arrived;
      throw new TypeError("terminated");
    }
    const response = await app.app.request(url, init);
    statuses.push(response.status);
    return response;
  };
  // The gateway comes to an end while the client waits for the call in flight.
  const skyfox = over(token, fetch, async () => {
    if (statuses.length === 0) return;
    await charge.release();
    await lost;
  });

  const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });

  expect(paid.status).toBe("Confirmed");
  expect(statuses).toEqual([409, 200]);
  expect(app.gateway.calls()).toHaveLength(chargesBefore + 1);
});

test("a payment that the gateway charged and then refused with 409 is waited for, and charged once", async () => {
  const { token, bookingId } = await givenHold();
  const chargesBefore = app.gateway.books().charges.length;
  app.gateway.script("conflict-after-success");
  const skyfox = over(
    token,
    async (url, init) => app.app.request(url, init),
    () => app.reconcile(),
  );

  const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });

  expect(paid).toMatchObject({ bookingId, status: "Confirmed", amountPaid: new Decimal("200.00") });
  expect(app.gateway.books().charges).toHaveLength(chargesBefore + 1);
  expect(app.gateway.books().refunds).toEqual([]);
});

test("funds in doubt are added once the gateway answers, and the wallet pays with them", async () => {
  const { token, bookingId } = await givenHold();
  app.gateway.script("reset-after-effect");
  const skyfox = over(
    token,
    async (url, init) => app.app.request(url, init),
    () => app.reconcile(),
  );

  const added = await skyfox.wallet.addFunds.mutate({ amount: new Decimal(500), card: goodCard });
  expect(added.balance).toEqual(new Decimal(500));
  const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Wallet" });

  expect(paid).toMatchObject({ paymentType: "Wallet", walletAmount: new Decimal("200.00") });
  const { items } = await skyfox.wallet.transactions.query();
  expect(items.map(({ type, balanceAfter }) => [type, balanceAfter.toFixed()])).toEqual([
    ["DEDUCT", "300"],
    ["ADD", "500"],
  ]);
});

test("after the page was loaded again the same key gives the same answer, and no other input", async () => {
  const { token, bookingId } = await givenHold();
  const options = { idempotencyKey: "kept by the page" };
  const payment = { bookingId, method: "Card" as const, card: goodCard };
  const paid = await connect(app, token).booking.pay.mutate(payment, options);
  expect(await connect(app, token).booking.pay.mutate(payment, options)).toEqual(paid);

  const other = connect(app, token).booking.pay.mutate({ bookingId, method: "Wallet" }, options);
  expect(domainErrorOf(await errorOf(other))?.code).toBe("IDEMPOTENCY_MISMATCH");
});

async function givenHold() {
  const anyone = connect(app);
  const customer = newCustomer();
  await anyone.auth.signup.mutate(customer);
  const { username, password } = customer;
  const { token } = await anyone.auth.login.mutate({ username, password });
  const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
  const { bookingId } = await connect(app, token).booking.initialize.mutate(input);
  return { token, bookingId };
}

/** The SDK over a network of the test's, whose waits last as long as something else takes. */
function over(token: string, fetch: Fetch, whileWaiting: () => Promise<void> = () => Promise.resolve()) {
  const timing: Timing = {
    random: () => 0,
    after(_ms, wake) {
      void whileWaiting().then(wake);
      return () => {};
    },
    now: realTiming.now,
  };
  return connectClient({ url: "http://skyfox.test", apiKey: testApiKey, token, fetch }, timing);
}
