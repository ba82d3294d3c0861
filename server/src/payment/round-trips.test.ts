import { afterAll, expect, test } from "vitest";
import { nameOf, startDatabaseProxy } from "../../test/database-proxy.ts";
import { declinedCard, givenCustomer, givenShow, goodCard, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { Decimal, type Card } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { addFunds } from "../wallet/add-funds.ts";

const app = await createTestApp();
const proxy = await startDatabaseProxy(app.databaseUrl);
afterAll(() => proxy.close());
const counted = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 1 });
// As if the listener had proven for ever that no session has ended: a loaded machine would now and then read one again.
counted.deps.sessions.proven(Infinity);

let keys = 0;

/** The statements of one call, each of which is a round trip, with the gateway's call among them. */
async function statementsOf(
  user: User,
  path: string,
  input: object,
  options: { isKeyed: boolean; status?: number },
): Promise<string[]> {
  const token = await tokenOf(app.deps, user);
  // Opens the one connection, and has the session in memory.
  await mutate(counted, "booking.cancel", { bookingId: 999_999_999 }, { token });
  const before = proxy.statements().length;
  const charge = options.status === undefined ? app.gateway.script("slow") : undefined;
  const headers: Record<string, string> = options.isKeyed ? { "idempotency-key": `key ${(keys += 1)}` } : {};
  const call = mutate(counted, path, input, { token, headers });
  const isCharged = await Promise.race([charge?.arrived.then(() => true), call.then(() => false)]);
  const atGateway = proxy.statements().length;
  if (isCharged) await charge?.release();
  else charge?.withdraw();
  const answer = await call;
  expect(answer).toMatchObject({ status: options.status ?? 200 });
  const names = proxy.statements().map(nameOf);
  const list = [
    ...names.slice(before, atGateway),
    ...(isCharged ? ["(gateway)"] : []),
    ...names.slice(atGateway),
  ];
  // Behind the call, together with those of other calls.
  return list.filter((name) => name !== "return_free_tries");
}

async function givenHold(user: User): Promise<number> {
  const showId = await givenShow(app);
  return (await holdSeats(app.deps, user, { showId, seatNumbers: ["A1", "A2"] })).bookingId;
}

async function pay(
  method: "Card" | "Wallet",
  isKeyed: boolean,
  card?: Card,
  status?: number,
): Promise<string[]> {
  const user = await givenCustomer(app.deps);
  const funds = method === "Wallet" ? (card === undefined ? 1_000 : 10) : 0;
  if (funds > 0) await addFunds(app.deps, user, { amount: new Decimal(funds), card: goodCard });
  const input = { bookingId: await givenHold(user), method, card };
  return await statementsOf(user, "booking.pay", input, { isKeyed, ...(status && { status }) });
}

const byCard = ["begin_payment", "(gateway)", "accept_payment"];
const lookUp = "read idempotency_key";

test("a payment by card takes two statements around the gateway's call, which also count its card, and one for its key", async () => {
  expect(await pay("Card", false, goodCard)).toEqual(byCard);
  expect(await pay("Card", true, goodCard)).toEqual([lookUp, ...byCard]);
});

test("a top-up takes as many", async () => {
  const topUp = async (isKeyed: boolean) => {
    const input = { amount: new Decimal(100), card: goodCard };
    return await statementsOf(await givenCustomer(app.deps), "wallet.addFunds", input, { isKeyed });
  };
  const ofTopUp = byCard.map((name) => name.replace("_payment", "_top_up"));
  expect(await topUp(false)).toEqual(ofTopUp);
  expect(await topUp(true)).toEqual([lookUp, ...ofTopUp]);
});

test("a payment by wallet begins in a transaction, which keeps the answer where no card is needed", async () => {
  expect(await pay("Wallet", true, goodCard)).toEqual([
    lookUp,
    "begin",
    "begin_payment",
    "commit of begin_payment",
    "(gateway)",
    "accept_payment",
  ]);
  expect(await pay("Wallet", true)).toEqual([
    lookUp,
    "begin",
    "begin_payment",
    "update idempotency_key",
    "commit of update idempotency_key",
  ]);
});

test("a declined card takes eight more statements, which make its booking a hold again", async () => {
  expect(await pay("Card", true, declinedCard, 402)).toHaveLength(byCard.length + 9);
});
