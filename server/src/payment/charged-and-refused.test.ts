import { describe, expect, test } from "vitest";
import { givenHold, letPass, paymentOf } from "../../test/given-money.ts";
import { givenCustomer, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { startRudeGateway, success, unknownKey } from "../../test/rude-gateway.ts";
import { createTestApp } from "../../test/test-app.ts";
import { getBooking } from "../booking/get-booking.ts";
import { Decimal } from "../contract/index.ts";

const app = await createTestApp();
const { deps, clock } = app;
const rude = await startRudeGateway({ clock });
deps.gateway = rude.gateway;

/** What the gateway has charged by its own books: one amount for each key. */
const books = new Map<string, string>();
let refunds = 0;

/** The gateway answers each charge with this status, after it has charged or without. */
function answerWith(status: number, { charges }: { charges: boolean }): void {
  books.clear();
  refunds = 0;
  rude.says(({ what, key, body }) => {
    if (what === "charge") {
      if (charges) books.set(key, String(body["amount"]));
      return { status, body: { message: "no" } };
    }
    if (what === "refund") {
      refunds += 1;
      return success("refund");
    }
    const amount = books.get(key);
    return amount === undefined ? unknownKey : success(`charge-${key}`, amount);
  });
}

/** A call that its caller repeats with one key, as the SDK does after 503 and while the outcome is unknown. */
async function keyedCall(path: string, input: object, token: string) {
  const answer = await mutate<object>(app, path, input, {
    token,
    headers: { "idempotency-key": "one intent" },
  });
  return answer.error?.data.domain?.code ?? answer.data;
}

const statuses = [
  400, 401, 402, 404, 405, 408, 409, 410, 413, 415, 421, 423, 425, 429, 451, 499, 302, 500, 503,
];

describe("a gateway that charges and then answers with an error", () => {
  test.each(statuses)(
    "HTTP %i charges a booking's card once, however often its payer repeats the call",
    async (status) => {
      answerWith(status, { charges: true });
      const customer = await givenCustomer(deps);
      const token = await tokenOf(deps, customer);
      const { bookingId } = await givenHold(app, customer);
      const pay = () => keyedCall("booking.pay", paymentOf(bookingId, "card"), token);
      for (let time = 0; time < 4; time += 1) expect(await pay()).toBe("PAYMENT_OUTCOME_UNKNOWN");
      expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Paying" });
      // At once: the clock stands still.
      await app.reconcile();
      expect(await pay()).toMatchObject({ bookingId, status: "Confirmed" });
      expect([...books.values()]).toEqual(["200.00"]);
      expect(refunds).toBe(0);
    },
  );

  test.each(statuses)("HTTP %i charges a wallet's card once, and the money is added", async (status) => {
    answerWith(status, { charges: true });
    const token = await tokenOf(deps, await givenCustomer(deps));
    const add = () => keyedCall("wallet.addFunds", { amount: new Decimal("10"), card: goodCard }, token);
    for (let time = 0; time < 4; time += 1) expect(await add()).toBe("PAYMENT_OUTCOME_UNKNOWN");
    await app.reconcile();
    expect(await add()).toMatchObject({ balance: new Decimal("10") });
    expect([...books.values()]).toEqual(["10.00"]);
    expect(refunds).toBe(0);
  });
});

test("a payment that was turned away and not charged can be made again, with the same key, once the gateway has said so", async () => {
  answerWith(409, { charges: false });
  const customer = await givenCustomer(deps);
  const token = await tokenOf(deps, customer);
  const { bookingId } = await givenHold(app, customer);
  const pay = () => keyedCall("booking.pay", paymentOf(bookingId, "card"), token);
  expect(await pay()).toBe("PAYMENT_OUTCOME_UNKNOWN");
  await letPass(app, 15);
  expect(await pay()).toBe("PAYMENT_OUTCOME_UNKNOWN");
  await letPass(app, 5);
  expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending" });
  answerWith(409, { charges: true });
  expect(await pay()).toBe("PAYMENT_OUTCOME_UNKNOWN");
  await app.reconcile();
  expect(await pay()).toMatchObject({ bookingId, status: "Confirmed" });
  expect([...books.values()]).toEqual(["200.00"]);
});
