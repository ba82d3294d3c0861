import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  givenCustomer,
  givenScreen,
  givenShow,
  givenStaff,
  goodCard,
  testPassword,
  tokenOf,
} from "../../test/given.ts";
import { mutate, type Answer } from "../../test/rpc-call.ts";
import { createTestApp, type TestApp } from "../../test/test-app.ts";
import { outcomesOf, together } from "../../test/together.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { appRouter } from "../app-router.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { Decimal, isKeyed, keyedProcedures, type KeyedProcedure } from "../contract/index.ts";
import type { User } from "../deps.ts";

const times = 50;
/** A film that the movie service has. */
const movieId = "tt1375666";

const app = await createTestApp();
// Between servers on one database the key's row decides, within one server what it is working on.
const neighbour = await createTestApp({ beside: app });
const { deps } = app;

/** A call that may be made once, who makes it, and how often it has had its effect. */
interface Case {
  caller: User;
  input: object;
  countEffects(): Promise<number>;
}

const cases: Record<KeyedProcedure, () => Promise<Case>> = {
  async "booking.initialize"() {
    const caller = await givenCustomer(deps);
    const input = { showId: await givenShow(app), seatNumbers: ["A1", "F1"] };
    return { caller, input, countEffects: counting("booking where customer_username = $1", caller.username) };
  },
  async "booking.initializeBest"() {
    const caller = await givenCustomer(deps);
    const input = { showId: await givenShow(app), count: 2 };
    return { caller, input, countEffects: counting("booking where customer_username = $1", caller.username) };
  },
  async "booking.changeSeats"() {
    const { caller, bookingId } = await givenHold();
    const changed = "booking_seat_mapping where booking_id = $1 and seat_number in ('B1', 'F2')";
    const input = { bookingId, seatNumbers: ["B1", "F2"] };
    const countPairs = counting(changed, bookingId);
    return { caller, input, countEffects: async () => (await countPairs()) / 2 };
  },
  async "booking.pay"() {
    const { caller, bookingId } = await givenHold();
    return {
      caller,
      input: { bookingId, method: "Card", card: goodCard },
      countEffects: () => countCharges("booking_id = $1", bookingId),
    };
  },
  async "booking.cancel"() {
    const { caller, bookingId } = await givenHold();
    const cancelled = "booking where id = $1 and status = 'Cancelled'";
    return { caller, input: { bookingId }, countEffects: counting(cancelled, bookingId) };
  },
  async "wallet.addFunds"() {
    const caller = await givenCustomer(deps);
    return {
      caller,
      input: { amount: new Decimal("250.00"), card: goodCard },
      async countEffects() {
        const charges = await countCharges("username = $1", caller.username);
        const added =
          "wallet_transaction t join customer_wallet w on w.id = t.wallet_id where w.username = $1";
        expect(await counting(added, caller.username)()).toBe(charges);
        return charges;
      },
    };
  },
  async "admin.createShow"() {
    const caller = await givenStaff(deps, "admin");
    const screenId = await givenScreen(app);
    const input = { movieId, date: "2026-03-12", slotId: 2, cost: new Decimal("250.00"), screenId };
    return { caller, input, countEffects: counting("show where screen_id = $1", screenId) };
  },
  async "admin.createScreen"() {
    const caller = await givenStaff(deps, "admin");
    const name = `Balcony of ${caller.username}`;
    const input = { name, rows: [{ row: "A", seats: [{ number: 1, type: "Standard" }] }] };
    return { caller, input, countEffects: counting("screen where name = $1", name) };
  },
  async "admin.createStaff"() {
    const caller = await givenStaff(deps, "admin");
    const username = `counter-${caller.username}`;
    const input = { username, name: "Counter One", role: "staff", counterNo: 7, password: testPassword };
    return { caller, input, countEffects: counting("audit_entry where subject = $1", username) };
  },
  async "admin.updateStaff"() {
    const caller = await givenStaff(deps, "admin");
    const { username } = await givenStaff(deps, "staff");
    const input = { username, counterNo: 9, password: "Another-Horse-10" };
    return { caller, input, countEffects: counting("audit_entry where subject = $1", username) };
  },
  async "admin.unlockAccount"() {
    const caller = await givenStaff(deps, "admin");
    const { username } = await givenStaff(deps, "staff");
    const unlocked = "audit_entry where action = 'account-unlocked' and subject = $1";
    return { caller, input: { username }, countEffects: counting(unlocked, username) };
  },
  async "admin.createBooking"() {
    const caller = await givenStaff(deps, "admin");
    const showId = await givenShow(app);
    const input = { showId, customerName: "Walk In", phoneNumber: "9876543210", seatNumbers: ["A1", "F1"] };
    return { caller, input, countEffects: counting("booking where show_id = $1", showId) };
  },
  async "admin.refundBooking"() {
    const caller = await givenStaff(deps, "admin");
    const { bookingId } = await givenTicket();
    const input = { bookingId, to: "source", reason: "The projector is broken." };
    return { caller, input, countEffects: counting("payment_refund where booking_id = $1", bookingId) };
  },
  async "admin.cancelShow"() {
    const caller = await givenStaff(deps, "admin");
    const { bookingId, showId } = await givenTicket();
    const input = { showId, reason: "The projector is broken." };
    return {
      caller,
      input,
      async countEffects() {
        const told = "audit_entry where action = 'show-cancelled' and details ->> 'showId' = $1";
        expect(await counting(told, String(showId))()).toBe(1);
        return await counting("payment_refund where booking_id = $1", bookingId)();
      },
    };
  },
  async "admin.settlePayment"() {
    const caller = await givenStaff(deps, "admin");
    const { paymentId, bookingId } = await givenDoubt();
    const settled = "audit_entry where action = 'payment-settled' and details ->> 'paymentId' = $1";
    return {
      caller,
      input: {
        paymentId,
        outcome: "charged",
        reference: `books-${paymentId}`,
        reason: "It is in the books.",
      },
      async countEffects() {
        expect(await counting("booking where id = $1 and status = 'Confirmed'", bookingId)()).toBe(1);
        return await counting(settled, String(paymentId))();
      },
    };
  },
  async "admin.settleRefund"() {
    const caller = await givenStaff(deps, "admin");
    const { bookingId } = await givenTicket();
    await refundBooking(deps, caller, { bookingId, to: "source", reason: "Ill" });
    const [payment] = await app.sql.query("select id from payment_transaction where booking_id = $1", [
      bookingId,
    ]);
    // The refund is older than any call of it.
    app.clock.advance(20_000);
    const settled = "audit_entry where action = 'refund-settled' and details ->> 'paymentId' = $1";
    return {
      caller,
      input: { paymentId: payment?.["id"], reference: "refund-7", reason: "It is in the books." },
      countEffects: counting(settled, String(payment?.["id"])),
    };
  },
  async "admin.resolvePayment"() {
    const caller = await givenStaff(deps, "admin");
    const { paymentId, bookingId } = await givenDoubt();
    return {
      caller,
      input: { paymentId },
      async countEffects() {
        const told = "audit_entry where action = 'payment-resolved' and details ->> 'paymentId' = $1";
        expect(await counting("booking where id = $1 and status = 'Confirmed'", bookingId)()).toBe(1);
        return await counting(told, String(paymentId))();
      },
    };
  },
};

test("what takes a key is what the specification says, and has its case here", () => {
  const procedures = appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>;
  const mutations = Object.keys(procedures).filter((path) => procedures[path]?._def.type === "mutation");
  const customers = [
    "booking.initialize",
    "booking.initializeBest",
    "booking.changeSeats",
    "booking.pay",
    "booking.cancel",
    "wallet.addFunds",
  ];
  const checkIns = ["admin.checkIn", "admin.checkInTicket"];
  const expected = mutations.filter(
    (path) => customers.includes(path) || (path.startsWith("admin.") && !checkIns.includes(path)),
  );
  expect(expected.filter((path) => customers.includes(path))).toHaveLength(customers.length);
  expect([...keyedProcedures].toSorted()).toEqual(expected.toSorted());
  expect(mutations.filter(isKeyed).toSorted()).toEqual(expected.toSorted());
  expect(Object.keys(cases).toSorted()).toEqual(expected.toSorted());
});

describe("fifty times with one key", () => {
  test.for(keyedProcedures)("%s has one effect and one answer", async (path) => {
    const { caller, input, countEffects } = await cases[path]();
    const call = await callerOf(path, caller, input, `one intent of ${path}`);

    const answers = await race((turn) => call(turn % 2 === 0 ? app : neighbour));
    const stored = await call(neighbour);
    expect(stored).toMatchObject({ status: 200, error: undefined });
    expect(stored.headers.get("idempotent-replayed")).toBe("true");
    assertOneAnswer(answers, stored);
    expect(answers.filter(isFirst)).toHaveLength(1);

    const restarted = await createTestApp({ beside: app });
    await call(restarted);
    const again = await race(() => call(restarted));
    assertOneAnswer(again, stored);
    expect(again.filter(isFirst)).toEqual([]);
    for (const server of [app, neighbour, restarted]) expect((await call(server)).text).toBe(stored.text);
    expect(await countEffects()).toBe(1);
  });

  test.for(keyedProcedures)("%s on one server costs the limits one call", async (path) => {
    const { caller, input, countEffects } = await cases[path]();
    const call = await callerOf(path, caller, input, "all at once");
    const countCalls = async () => {
      await app.shareCounts();
      const [counted] = await app.sql.query(
        "select coalesce(max(points), 0) as points from rate_limit where key = any($1)",
        [["holds", "failedCards"].map((limit) => `${limit}:account:${digestOf(caller.username)}`)],
      );
      return Number(counted?.["points"]);
    };
    const before = await countCalls();
    const answers = await race(() => call(app));
    assertOneAnswer(answers, await call(app));
    expect(await countEffects()).toBe(1);
    expect((await countCalls()) - before).toBeLessThanOrEqual(1);
  });

  test.for(["booking.pay", "wallet.addFunds"] as const)(
    "%s of unknown outcome is asked about, and has one effect and one answer",
    async (path) => {
      const { caller, input, countEffects } = await cases[path]();
      const call = await callerOf(path, caller, input, `in doubt: ${path}`);
      app.gateway.script("reset-after-effect");
      const answers = await race((turn) => call(turn % 2 === 0 ? app : neighbour));
      expect(new Set(answers.map(({ error }) => error?.data.domain?.code))).toEqual(
        new Set(["IDEMPOTENCY_IN_FLIGHT", "PAYMENT_OUTCOME_UNKNOWN"]),
      );
      expect((await call(app)).error?.data.domain?.code).toBe("PAYMENT_OUTCOME_UNKNOWN");

      await app.reconcile();
      const restarted = await createTestApp({ beside: app });
      const stored = await call(restarted);
      expect(stored.status).toBe(200);
      assertOneAnswer(await race((turn) => call(turn % 2 === 0 ? app : restarted)), stored);
      expect(await countEffects()).toBe(1);
    },
  );
});

function assertOneAnswer(answers: Answer<unknown>[], stored: Answer<unknown>): void {
  const others = answers.filter(({ text }) => text !== stored.text);
  expect(new Set(others.map(({ error }) => error?.data.domain?.code ?? "another answer"))).toEqual(
    new Set(others.length === 0 ? [] : ["IDEMPOTENCY_IN_FLIGHT"]),
  );
}

function isFirst({ status, headers }: Answer<unknown>): boolean {
  return status === 200 && headers.get("idempotent-replayed") === null;
}

async function race(call: (turn: number) => Promise<Answer<unknown>>): Promise<Answer<unknown>[]> {
  const settled = await together(Array.from({ length: times }, (_, turn) => () => call(turn)));
  return outcomesOf(settled).won;
}

async function callerOf(path: string, user: User, input: object, key: string) {
  const token = await tokenOf(deps, user);
  const options = { token, headers: { "idempotency-key": key } };
  return async (server: TestApp) => await mutate(server, path, input, options);
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
  return app.gateway.books().charges.filter(({ key }) => keys.includes(key)).length;
}

async function givenHold() {
  const caller = await givenCustomer(deps);
  const showId = await givenShow(app);
  const { bookingId } = await holdSeats(deps, caller, { showId, seatNumbers: ["B1"] });
  return { caller, showId, bookingId };
}

/** A payment of unknown outcome whose call is over. */
async function givenDoubt() {
  const { caller: customer, bookingId } = await givenHold();
  app.gateway.script("reset-after-effect");
  await payBooking(deps, customer, { bookingId, method: "Card", card: goodCard }).catch(() => {});
  const [payment] = await app.sql.query(
    "select id from payment_transaction where booking_id = $1 and status = 'Unknown'",
    [bookingId],
  );
  app.clock.advance(20_000);
  return { bookingId, paymentId: payment?.["id"] as number };
}

async function givenTicket() {
  const { caller, ...hold } = await givenHold();
  await payBooking(deps, caller, { bookingId: hold.bookingId, method: "Card", card: goodCard });
  return hold;
}

function digestOf(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
