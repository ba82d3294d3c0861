import { afterAll, describe, expect, test } from "vitest";
import { holdSeats } from "../src/booking/hold-seats.ts";
import { payBooking } from "../src/booking/pay-booking.ts";
import { Decimal, type KeyedProcedure } from "../src/contract/index.ts";
import type { User } from "../src/deps.ts";
import { addFunds } from "../src/wallet/add-funds.ts";
import { listDifferences } from "./compare-books.ts";
import { commits, nameOf, startDatabaseProxy, type DatabaseProxy, type Deed } from "./database-proxy.ts";
import { declinedCard, givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "./given.ts";
import { mutate, type Answer } from "./rpc-call.ts";
import { createTestApp, type TestApp } from "./test-app.ts";

const losses = ["before", "after", "silence"] as const satisfies Deed[];
// Until "unknown key" is believed, and some more.
const settleWithinMs = 60_000;
const roundMs = 5_000;

/** A server that reaches the database by a proxy of its own. */
interface Lane {
  proxy: DatabaseProxy;
  server: TestApp;
}

const app = await createTestApp();
const { deps, clock, gateway } = app;
const lanes: Lane[] = [];
const figures = { losses: 0, unheard: 0, repeats: 0 };
const startedAt = performance.now();

/** A call that may be made once, who makes it, and what is true in the end. */
interface Case {
  caller: User;
  input: object;
  /** The answer that is true, whenever it comes; a refusal by its code. */
  truth: object;
  /** How often it has had its effect. */
  countEffects(): Promise<number>;
}

const cases: Record<string, { path: KeyedProcedure; given(): Promise<Case> }> = {
  "a hold": {
    path: "booking.initialize",
    async given() {
      const caller = await givenCustomer(deps);
      const input = { showId: await givenShow(app), seatNumbers: ["A1", "F1"] };
      const countEffects = counting("booking where customer_username = $1", caller.username);
      return { caller, input, truth: input, countEffects };
    },
  },
  "a hold that takes an overdue one over": {
    path: "booking.initialize",
    async given() {
      const [loser, caller] = [await givenCustomer(deps), await givenCustomer(deps)];
      const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
      const { bookingId } = await holdSeats(deps, loser, input);
      deps.monitors.disarm(bookingId);
      await app.sql.query("update booking set expires_at = $2 where id = $1", [bookingId, clock.now()]);
      await app.sql.query("update seat_claim set free_after = $2 where booking_id = $1", [
        bookingId,
        clock.now(),
      ]);
      const countEffects = counting("booking where customer_username = $1", caller.username);
      return { caller, input, truth: input, countEffects };
    },
  },
  "a payment by card": {
    path: "booking.pay",
    async given() {
      const { caller, bookingId } = await givenHold();
      const input = { bookingId, method: "Card", card: goodCard };
      const truth = { status: "Confirmed", cardAmount: new Decimal(200), walletAmount: new Decimal(0) };
      return { caller, input, truth, countEffects: () => countCharges("booking_id = $1", bookingId) };
    },
  },
  "a payment by a card that is declined": {
    path: "booking.pay",
    async given() {
      const { caller, bookingId } = await givenHold();
      const input = { bookingId, method: "Card", card: declinedCard };
      const countEffects = counting(
        "payment_transaction where status = 'Declined' and booking_id = $1",
        bookingId,
      );
      return { caller, input, truth: { code: "PAYMENT_DECLINED" }, countEffects };
    },
  },
  "a payment by wallet": {
    path: "booking.pay",
    async given() {
      const { caller, bookingId } = await givenHold();
      await addFunds(deps, caller, { amount: new Decimal(500), card: goodCard });
      const truth = { status: "Confirmed", cardAmount: new Decimal(0), walletAmount: new Decimal(200) };
      const countEffects = counting(
        "wallet_transaction where transaction_type = 'DEDUCT' and booking_id = $1",
        bookingId,
      );
      return { caller, input: { bookingId, method: "Wallet" }, truth, countEffects };
    },
  },
  "a payment by wallet and card": {
    path: "booking.pay",
    async given() {
      const { caller, bookingId } = await givenHold();
      await addFunds(deps, caller, { amount: new Decimal("49.99"), card: goodCard });
      const input = { bookingId, method: "Wallet", card: goodCard };
      const truth = {
        status: "Confirmed",
        cardAmount: new Decimal("150.01"),
        walletAmount: new Decimal("49.99"),
      };
      return { caller, input, truth, countEffects: () => countCharges("booking_id = $1", bookingId) };
    },
  },
  "a cancelled hold": {
    path: "booking.cancel",
    async given() {
      const { caller, bookingId } = await givenHold();
      const countEffects = counting("booking where status = 'Cancelled' and id = $1", bookingId);
      return { caller, input: { bookingId }, truth: { bookingId, status: "Cancelled" }, countEffects };
    },
  },
  "funds for the wallet": {
    path: "wallet.addFunds",
    async given() {
      const caller = await givenCustomer(deps);
      const amount = new Decimal("250.50");
      const countEffects = () => countCharges("username = $1", caller.username);
      return {
        caller,
        input: { amount, card: goodCard },
        truth: { balance: amount, available: amount },
        countEffects,
      };
    },
  },
  "a refund": {
    path: "admin.refundBooking",
    async given() {
      const caller = await givenStaff(deps, "admin");
      const { bookingId } = await givenTicket();
      const input = { bookingId, to: "source", reason: "Asked for." };
      const countEffects = counting("payment_refund where booking_id = $1", bookingId);
      return { caller, input, truth: { bookingId, status: "Refunded" }, countEffects };
    },
  },
  "a cancelled show": {
    path: "admin.cancelShow",
    async given() {
      const caller = await givenStaff(deps, "admin");
      const { showId, bookingId } = await givenTicket();
      await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["J1"] });
      const refunded = counting("payment_refund where booking_id = $1", bookingId);
      const told = counting(
        "audit_entry where action = 'show-cancelled' and (details ->> 'showId')::int = $1",
        showId,
      );
      return {
        caller,
        input: { showId, reason: "A power cut." },
        truth: { showId, reason: "A power cut.", total: 1, failed: [] },
        countEffects: async () => Math.max(await refunded(), await told()),
      };
    },
  },
};

describe("P11: whichever COMMIT is lost, the same key gives the true answer, and there is one effect:", () => {
  test.each(Object.entries(cases))("%s", { timeout: 180_000 }, async (name, { path, given }) => {
    const points = await listCommits(path, await given());
    const scenes = await Promise.all(
      points
        .flatMap((point, index) => losses.map((loss) => ({ what: `${loss} ${point}`, index, loss })))
        .map(async (point, number) => ({ ...point, lane: await laneOf(number), end: await given() })),
    );
    const told = await Promise.all(scenes.map((scene) => loseCommit(path, scene)));

    // Repeated on the server that lost it and on another one, until there is an answer.
    for (
      let waitedMs = 0;
      waitedMs <= settleWithinMs && told.some(({ last }) => isOpen(last));
      waitedMs += roundMs
    ) {
      await Promise.all(
        told.map(async (scene) => {
          if (isOpen(scene.last)) scene.last = await scene.call(waitedMs % 2 === 0 ? scene.lane.server : app);
        }),
      );
      clock.advance(roundMs);
      await app.reconcile();
    }
    for (const { what, first, last, call, lane, end } of told) {
      expect({ what, ...saidBy(last) }).toMatchObject({ what, ...end.truth });
      for (const server of [lane.server, app]) expect(saidBy(await call(server))).toEqual(saidBy(last));
      if (isKnown(first)) expect({ what, ...saidBy(first) }).toEqual({ what, ...saidBy(last) });
      else figures.unheard += 1;
      expect([what, await end.countEffects()]).toEqual([what, 1]);
    }
    expect(await app.listViolations()).toEqual([]);
    figures.losses += scenes.length;
    console.log(`P11: ${name}: ${points.join(", ")}; each × ${losses.join(", ")}.`);
  });

  test("the gateway's books are ours", async () => {
    await app.reconcile();
    expect(await listDifferences(app.sql, gateway)).toEqual([]);
  });
});

afterAll(() => {
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(
    `P11: ${figures.losses} lost COMMITs of ${Object.keys(cases).length} calls, of ${figures.unheard} the caller heard nothing true at first; ` +
      `0 wrong answers, 0 second effects; ${seconds.toFixed(0)} s.`,
  );
});

async function laneOf(number: number): Promise<Lane> {
  return (lanes[number] ??= await openLane());
}

async function openLane(): Promise<Lane> {
  const proxy = await startDatabaseProxy(app.databaseUrl);
  afterAll(() => proxy.close());
  const server = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 3 });
  return { proxy, server };
}

/** The commits of a call in their order, found out by making it. */
async function listCommits(path: KeyedProcedure, { caller, input }: Case): Promise<string[]> {
  const { proxy, server } = await laneOf(0);
  const before = proxy.statements().length;
  await (
    await callerOf(path, caller, input)
  )(server);
  const found = proxy.statements().slice(before).filter(commits).map(nameOf);
  expect(found.length).toBeGreaterThan(0);
  return found;
}

async function loseCommit<Scene extends { index: number; loss: Deed; lane: Lane; end: Case }>(
  path: KeyedProcedure,
  scene: Scene,
) {
  const { index, loss, lane, end } = scene;
  const call = await callerOf(path, end.caller, end.input);
  let turn = -1;
  const lost = lane.proxy.intercept((statement) => commits(statement) && (turn += 1) === index, loss);
  const answering = call(lane.server);
  await lost.reached;
  // Another server knows the answer while the first one still waits for a reply.
  const early = loss === "silence" ? await call(app) : undefined;
  const first = await answering;
  const last = early !== undefined && !isOpen(early) ? early : await call(lane.server);
  return { ...scene, call, first, last };
}

async function callerOf(path: KeyedProcedure, user: User, input: object) {
  const options = { token: await tokenOf(deps, user), headers: { "idempotency-key": "the only one" } };
  return async (server: TestApp) => {
    figures.repeats += 1;
    return await mutate(server, path, input, options);
  };
}

function codeOf({ error }: Answer<unknown>): string | undefined {
  return error?.data.domain?.code;
}

function isOpen(answer: Answer<unknown>): boolean {
  return ["IDEMPOTENCY_IN_FLIGHT", "PAYMENT_OUTCOME_UNKNOWN"].includes(codeOf(answer) ?? "");
}

/** Whether the answer says what became of the call; a failure of ours does not. */
function isKnown(answer: Answer<unknown>): boolean {
  return answer.status < 500 && !isOpen(answer);
}

function saidBy({ data, error }: Answer<unknown>): object {
  return (data as object | undefined) ?? error?.data.domain ?? { error };
}

async function givenHold() {
  const caller = await givenCustomer(deps);
  const showId = await givenShow(app);
  const { bookingId } = await holdSeats(deps, caller, { showId, seatNumbers: ["B1"] });
  return { caller, showId, bookingId };
}

async function givenTicket() {
  const { caller, ...hold } = await givenHold();
  await addFunds(deps, caller, { amount: new Decimal(60), card: goodCard });
  await payBooking(deps, caller, { bookingId: hold.bookingId, method: "Wallet", card: goodCard });
  return hold;
}

function counting(what: string, value: unknown): () => Promise<number> {
  return async () => {
    const [row] = await app.sql.query(`select count(*)::int as found from ${what}`, [value]);
    return row?.["found"] as number;
  };
}

async function countCharges(ofWhat: string, value: unknown): Promise<number> {
  const rows = await app.sql.query(`select gateway_key from payment_transaction where ${ofWhat}`, [value]);
  const keys = rows.map((row) => row["gateway_key"]);
  return gateway.books().charges.filter(({ key }) => keys.includes(key)).length;
}
