import { createHash } from "node:crypto";
import { insertKey, inTransaction } from "@skyfox/db";
import { describe, expect, test } from "vitest";
import {
  declinedCard,
  givenCustomer,
  givenShow,
  givenStaff,
  goodCard,
  testPassword,
  tokenOf,
} from "../../test/given.ts";
import { mutate, query, type Answer } from "../../test/rpc-call.ts";
import { createTestApp, testStart, type TestApp } from "../../test/test-app.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { removeEnded } from "../auth/remove-ended.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { Decimal, keyHours } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { answerOnce } from "./answer-once.ts";
import { KeyTaken } from "./call.ts";
import { intentOf } from "./intent.ts";

const app = await createTestApp();
const neighbour = await createTestApp({ beside: app });
const { deps, gateway } = app;

describe("the key", () => {
  test.for([
    ["empty", ""],
    ["of blanks", "   "],
    ["of 256 characters", "k".repeat(256)],
    ["with an accent", "clé"],
    ["with a control character", "a\u0001b"],
    ["with a tab", "a\tb"],
  ])("that is %s is refused by name", async ([, key]) => {
    const customer = await givenCustomer(deps);
    const refused = await hold(customer, { showId: 1, seatNumbers: ["A1"] }, key ?? "");
    expect(refused.status).toBe(400);
    expect(refused.error?.data).toMatchObject({
      domain: { code: "VALIDATION_ERROR" },
      fields: [{ field: "idempotency-key" }],
    });
  });

  test("may have 255 characters, blanks and signs too", async () => {
    const customer = await givenCustomer(deps);
    const key = `~ !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}`.padEnd(255, "k");
    const showId = await givenShow(app);
    const first = await hold(customer, { showId, seatNumbers: ["A1"] }, key);
    expect(first.status).toBe(200);
    assertReplay(await hold(customer, { showId, seatNumbers: ["A1"] }, key), first);
  });

  test("is not looked at by queries and by mutations that take none", async () => {
    const customer = await givenCustomer(deps);
    const options = { token: await tokenOf(deps, customer), headers: { "idempotency-key": "clé" } };
    expect((await query(app, "wallet.balance", undefined, options)).status).toBe(200);
    const left = await mutate(app, "auth.logout", {}, options);
    expect(left.status).toBe(200);
    expect(left.headers.get("idempotent-replayed")).toBeNull();
    expect(await keysOf(customer)).toEqual([]);
  });

  test("of another account is another key, and so is that of another procedure", async () => {
    const [one, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const showId = await givenShow(app);
    const first = await hold(one, { showId, seatNumbers: ["A1"] }, "shared");
    const second = await hold(other, { showId, seatNumbers: ["A2"] }, "shared");
    expect(second.status).toBe(200);
    const { bookingId } = first.data as { bookingId: number };
    const cancelled = await call(one, "booking.cancel", { bookingId }, "shared");
    expect(cancelled.data).toMatchObject({ bookingId, status: "Cancelled" });
    assertReplay(await hold(one, { showId, seatNumbers: ["A1"] }, "shared"), first);
  });

  test("without a key nothing is kept and nothing replayed", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const token = await tokenOf(deps, customer);
    const first = await mutate(app, "booking.initialize", { showId, seatNumbers: ["A1"] }, { token });
    const second = await mutate(app, "booking.initialize", { showId, seatNumbers: ["A1"] }, { token });
    expect([first.status, codeOf(second)]).toEqual([200, "SEATS_UNAVAILABLE"]);
    expect(await keysOf(customer)).toEqual([]);
  });
});

describe("another input", () => {
  test("is refused, and has no effect", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const first = await hold(customer, { showId, seatNumbers: ["A1"] }, "one");
    const other = await hold(customer, { showId, seatNumbers: ["A2"] }, "one");
    expect([other.status, codeOf(other)]).toEqual([422, "IDEMPOTENCY_MISMATCH"]);
    expect(other.headers.get("idempotent-replayed")).toBeNull();
    assertReplay(await hold(customer, { showId, seatNumbers: ["A1"] }, "one"), first);
    expect(await countOf("booking", customer)).toBe(1);
  });

  test("is what counts, not the order of its fields, an amount's zeros or a field without a value", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const first = await hold(customer, { showId, seatNumbers: ["A1"] }, "order");
    assertReplay(await hold(customer, { seatNumbers: ["A1"], showId }, "order"), first);

    const added = await call(customer, "wallet.addFunds", { amount: new Decimal(900), card: goodCard }, "a");
    const again = { card: goodCard, amount: new Decimal("900.00") };
    assertReplay(await call(customer, "wallet.addFunds", again, "a"), added);

    const { bookingId } = first.data as { bookingId: number };
    const paid = await call(customer, "booking.pay", { bookingId, method: "Wallet" }, "p");
    expect(paid.data).toMatchObject({ status: "Confirmed" });
    const without = { method: "Wallet", card: undefined, bookingId };
    assertReplay(await call(customer, "booking.pay", without, "p"), paid);
  });

  test("is refused while the first call runs, on this server and on another", async () => {
    const { customer, bookingId } = await givenHold();
    const charge = gateway.script("slow");
    const input = { bookingId, method: "Card", card: goodCard };
    const first = call(customer, "booking.pay", input, "k");
    await charge.arrived;
    for (const server of [app, neighbour]) {
      const other = await call(customer, "booking.pay", { ...input, bookingId: 1 }, "k", server);
      expect(codeOf(other)).toBe("IDEMPOTENCY_MISMATCH");
    }
    await charge.release();
    expect((await first).status).toBe(200);
  });

  test("of a cancellation that is under way cancels no other show", async () => {
    const admin = await givenStaff(deps, "admin");
    const [showId, otherId] = [await givenShow(app), await givenShow(app)];
    const reason = "The projector is broken.";
    await givenBegunKey(admin, "admin.cancelShow", { showId, reason }, "c");
    const other = await call(admin, "admin.cancelShow", { showId: otherId, reason }, "c");
    expect(codeOf(other)).toBe("IDEMPOTENCY_MISMATCH");
    expect(
      await app.sql.query("select 1 from show where id = $1 and cancelled_at is not null", [otherId]),
    ).toEqual([]);
  });
});

describe("while the first call is under way", () => {
  test("the same one is in flight, on this server and on another", async () => {
    const { customer, bookingId } = await givenHold();
    const charge = gateway.script("slow");
    const input = { bookingId, method: "Card", card: goodCard };
    const first = call(customer, "booking.pay", input, "k");
    await charge.arrived;
    for (const server of [app, neighbour]) {
      const repeated = await call(customer, "booking.pay", input, "k", server);
      expect([repeated.status, codeOf(repeated)]).toEqual([409, "IDEMPOTENCY_IN_FLIGHT"]);
      expect(repeated.headers.get("idempotent-replayed")).toBeNull();
    }
    await charge.release();
    const paid = await first;
    assertReplay(await call(customer, "booking.pay", input, "k", neighbour), paid);
  });

  test("a call that stood long enough before the key of another server is told so", async () => {
    const customer = await givenCustomer(deps);
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    await app.sql.query("begin");
    await insertKeyBySql(customer, "booking.initialize", input, "k", null);
    expect(codeOf(await hold(customer, input, "k"))).toBe("IDEMPOTENCY_IN_FLIGHT");
    await app.sql.query("rollback");
    expect((await hold(customer, input, "k")).status).toBe(200);
  });

  test("a hold that another server makes is answered from there, counted once and watched there only", async () => {
    const customer = await givenCustomer(deps);
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const armedBefore = deps.monitors.armed;
    const theirs = { bookingId: 1, ...input, expiresAt: testStart, timeRemainingMs: 300_000 };
    const stored = { answer: { ...theirs, amountDue: "200.00" } };
    const meta = { values: { "answer.expiresAt": ["Date"], "answer.amountDue": [["custom", "Decimal"]] } };
    await app.sql.query("begin");
    await insertKeyBySql(customer, "booking.initialize", input, "k", JSON.stringify({ json: stored, meta }));
    const waiting = hold(customer, input, "k");
    await untilBlocked(app);
    await app.sql.query("commit");
    const replayed = await waiting;
    expect(replayed.data).toMatchObject(theirs);
    expect(replayed.headers.get("idempotent-replayed")).toBe("true");
    expect(await pointsOf("holds", customer)).toBe(0);
    expect(deps.monitors.armed).toBe(armedBefore);
  });

  test("a key that is taken and freed again and again ends the call after five tries", async () => {
    const user = await givenCustomer(deps);
    const context = { deps, user, idempotencyKey: "k", keysInFlight: new Map(), markReplayed: () => {} };
    let tries = 0;
    const taken = () => {
      tries += 1;
      throw new KeyTaken();
    };
    const refused = await answerOnce(context, "booking.cancel", { bookingId: 1 }, taken).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ problem: { code: "IDEMPOTENCY_IN_FLIGHT" } });
    expect(tries).toBe(5);
    expect(context.keysInFlight.size).toBe(0);
  });

  test("a replayed hold starts no timer again", async () => {
    const customer = await givenCustomer(deps);
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const first = await hold(customer, input, "k");
    const { bookingId } = first.data as { bookingId: number };
    await call(customer, "booking.cancel", { bookingId }, "c");
    const { armed } = deps.monitors;
    assertReplay(await hold(customer, input, "k"), first);
    expect(deps.monitors.armed).toBe(armed);
  });
});

describe("a refusal", () => {
  test("frees the key: what was refused may be done later", async () => {
    const [customer, rival] = [await givenCustomer(deps), await givenCustomer(deps)];
    const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
    const { bookingId } = (await hold(rival, input, "r")).data as { bookingId: number };
    expect(codeOf(await hold(customer, input, "k"))).toBe("SEATS_UNAVAILABLE");
    expect(await keysOf(customer)).toEqual([]);
    await call(rival, "booking.cancel", { bookingId }, "c");
    expect((await hold(customer, input, "k")).status).toBe(200);
  });

  test("of a gateway that cannot be reached frees the key too", async () => {
    const { customer, bookingId } = await givenHold();
    const input = { bookingId, method: "Card", card: goodCard };
    gateway.script("forbidden");
    expect(codeOf(await call(customer, "booking.pay", input, "k"))).toBe("PAYMENT_GATEWAY_UNAVAILABLE");
    expect((await call(customer, "booking.pay", input, "k")).data).toMatchObject({ status: "Confirmed" });
  });

  test("by the bank that issued the card is kept with its details, and asks the gateway no second time", async () => {
    const { customer, bookingId } = await givenHold();
    const input = { bookingId, method: "Card", card: declinedCard };
    const first = await call(customer, "booking.pay", input, "k");
    expect(first.status).toBe(402);
    const problem = first.error?.data.domain;
    expect(problem?.code === "PAYMENT_DECLINED" && problem.details.retryUntil).toBeInstanceOf(Date);
    const calls = gateway.calls().length;
    assertReplay(await call(customer, "booking.pay", input, "k", neighbour), first);
    expect(gateway.calls()).toHaveLength(calls);
    const another = await call(customer, "booking.pay", { ...input, card: goodCard }, "another");
    expect(another.data).toMatchObject({ status: "Confirmed" });
  });

  test("of the card's details is kept with its errors", async () => {
    const customer = await givenCustomer(deps);
    const input = { amount: new Decimal(10), card: goodCard };
    gateway.script("rejected");
    const first = await call(customer, "wallet.addFunds", input, "k");
    expect(first.error?.data.domain).toMatchObject({
      code: "PAYMENT_VALIDATION_FAILED",
      details: { errors: [{ field: "card_number" }] },
    });
    assertReplay(await call(customer, "wallet.addFunds", input, "k"), first);
  });
});

describe("a payment in doubt", () => {
  test("stays so until its outcome is known, and then has the answer of the outcome", async () => {
    const customer = await givenCustomer(deps);
    const input = { amount: new Decimal(75), card: goodCard };
    gateway.script("reset-after-effect");
    for (const server of [app, neighbour, app]) {
      const unknown = await call(customer, "wallet.addFunds", input, "k", server);
      expect([unknown.status, codeOf(unknown)]).toEqual([409, "PAYMENT_OUTCOME_UNKNOWN"]);
    }
    await app.reconcile();
    const known = await call(customer, "wallet.addFunds", input, "k");
    expect(known.data).toMatchObject({ balance: new Decimal(75) });
    expect(known.headers.get("idempotent-replayed")).toBe("true");
    assertReplay(await call(customer, "wallet.addFunds", input, "k", neighbour), known);
    expect(await countOf("payment_transaction", customer)).toBe(1);
  });

  test("that another server settles first has one answer, whatever becomes of the booking", async () => {
    const { customer, bookingId } = await givenHold();
    const input = { bookingId, method: "Card", card: goodCard };
    const charge = gateway.script("timeout-after-effect");
    const first = call(customer, "booking.pay", input, "k");
    await charge.arrived;
    app.clock.advance(12_000);
    await neighbour.reconcile();
    const settled = await call(customer, "booking.pay", input, "k", neighbour);
    expect(settled.data).toMatchObject({ status: "Confirmed", refund: null });
    const admin = await givenStaff(deps, "admin");
    const refund = { bookingId, to: "wallet", reason: "Asked for." };
    expect((await call(admin, "admin.refundBooking", refund, "r")).data).toMatchObject({
      status: "Refunded",
    });
    await charge.release();
    expect((await first).text).toBe(settled.text);
    assertReplay(await call(customer, "booking.pay", input, "k"), settled);
  });

  test("keeps its key past its time, and its answer as long as any", async () => {
    const customer = await givenCustomer(deps);
    const input = { amount: new Decimal(20), card: goodCard };
    gateway.script("reset-after-effect");
    await call(customer, "wallet.addFunds", input, "k");
    const hourMs = 3_600_000;
    app.clock.advance((keyHours + 6) * hourMs);
    await removeEnded(deps);
    expect(await keysOf(customer)).toHaveLength(1);
    await app.reconcile();
    app.clock.advance((keyHours - 1) * hourMs);
    await removeEnded(deps);
    expect((await keysOf(customer)).map(({ answer }) => typeof answer)).toEqual(["string"]);
    app.clock.advance(hourMs);
    await removeEnded(deps);
    expect(await keysOf(customer)).toEqual([]);
    app.clock.set(testStart);
  });
});

describe("a verb in steps whose server died", () => {
  test("goes on with the same key", async () => {
    const admin = await givenStaff(deps, "admin");
    const { bookingId, showId } = await givenTicket();
    const input = { showId, reason: "The projector is broken." };
    await givenBegunKey(admin, "admin.cancelShow", input, "k");
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = $3 where id = $1", [
      showId,
      testStart,
      input.reason,
    ]);
    await app.sql.query(
      "insert into show_cancellation (show_id, cancelled_by, started_at) values ($1, $2, $3)",
      [showId, admin.username, testStart],
    );
    const finished = await call(admin, "admin.cancelShow", input, "k");
    expect(finished.data).toMatchObject({ showId, total: 1 });
    const refunds = "select 1 from payment_refund where booking_id = $1";
    expect(await app.sql.query(refunds, [bookingId])).toHaveLength(1);
    assertReplay(await call(admin, "admin.cancelShow", input, "k", neighbour), finished);
  });

  test("answers as it was, though it would be otherwise by now", async () => {
    const admin = await givenStaff(deps, "admin");
    const { customer, bookingId } = await givenHold();
    const input = { bookingId, method: "Card" as const, card: goodCard };
    gateway
      .script("timeout-before-effect")
      .release()
      .catch(() => {});
    await payBooking(deps, customer, input).catch(() => {});
    const [payment] = await app.sql.query("select id from payment_transaction where booking_id = $1", [
      bookingId,
    ]);
    const asked = { paymentId: payment?.["id"] };
    const first = await call(admin, "admin.resolvePayment", asked, "k");
    expect(first.data).toMatchObject({ outcome: "unknown" });
    app.clock.advance(30_000);
    expect((await call(admin, "admin.resolvePayment", asked, "later")).data).toMatchObject({
      outcome: "failed",
    });
    assertReplay(await call(admin, "admin.resolvePayment", asked, "k"), first);
    app.clock.set(testStart);
  });

  test("that was refused has no key", async () => {
    const admin = await givenStaff(deps, "admin");
    expect(codeOf(await call(admin, "admin.resolvePayment", { paymentId: 999_999 }, "k"))).toBe(
      "PAYMENT_NOT_FOUND",
    );
    expect(await keysOf(admin)).toEqual([]);
  });
});

test("an amount or a card in another form is the same intent", async () => {
  const customer = await givenCustomer(deps);
  const first = await call(customer, "wallet.addFunds", { amount: new Decimal(100), card: goodCard }, "k");
  expect(first.status).toBe(200);
  const typed = { ...goodCard, number: "4242 4242 4242 4242", expiryYear: "2039" };
  for (const amount of ["100", "100.0", "100.00"])
    assertReplay(await call(customer, "wallet.addFunds", { amount, card: typed }, "k"), first);
  const more = await call(customer, "wallet.addFunds", { amount: "100.01", card: typed }, "k");
  expect(codeOf(more)).toBe("IDEMPOTENCY_MISMATCH");
});

describe("secrets", () => {
  test("of a card are nowhere in the table: another card is the same intent", async () => {
    const { customer, bookingId } = await givenHold();
    const card = { ...goodCard, cvv: "7391", cardholderName: "Nobody Else" };
    const first = await call(customer, "booking.pay", { bookingId, method: "Card", card }, "k");
    expect(first.status).toBe(200);
    const other = { ...goodCard, number: "5555555555554444" };
    assertReplay(await call(customer, "booking.pay", { bookingId, method: "Card", card: other }, "k"), first);
    const [kept] = await keysOf(customer);
    for (const secret of [card.number, card.cvv, card.cardholderName])
      expect(kept?.answer).not.toContain(secret);
    const asked = { bookingId, card: true, method: "Card" };
    expect(kept?.fingerprint).toBe(digestOf(JSON.stringify(asked)));
  });

  test("of staff are nowhere in the table: another password is the same intent, and changes nothing", async () => {
    const admin = await givenStaff(deps, "admin");
    const username = "counter.one";
    const input = { username, name: "Counter One", role: "staff", password: testPassword };
    const first = await call(admin, "admin.createStaff", input, "k");
    expect(first.status).toBe(200);
    const hashes = await passwordHashOf(username);
    assertReplay(
      await call(admin, "admin.createStaff", { ...input, password: "Another-Horse-10" }, "k"),
      first,
    );
    expect(await passwordHashOf(username)).toEqual(hashes);
    const [kept] = await keysOf(admin);
    const asked = { name: "Counter One", password: true, role: "staff", username };
    expect(kept?.fingerprint).toBe(digestOf(JSON.stringify(asked)));
    expect(kept?.answer).not.toContain(testPassword);
    expect(kept?.answer).not.toContain("argon2");
  });
});

test("replays count against no limit", async () => {
  const { customer, bookingId } = await givenHold();
  const declined = { bookingId, method: "Card", card: declinedCard };
  const held = { showId: await givenShow(app), seatNumbers: ["A1"] };
  for (let turn = 0; turn < 25; turn += 1) {
    expect(codeOf(await call(customer, "booking.pay", declined, "p"))).toBe("PAYMENT_DECLINED");
    expect((await hold(customer, held, "h")).status).toBe(200);
  }
  expect(await pointsOf("failedCards", customer)).toBe(1);
  expect(await pointsOf("holds", customer)).toBe(2);
});

async function hold(user: User, input: object, key: string, server: TestApp = app) {
  return await call(user, "booking.initialize", input, key, server);
}

async function call(user: User, path: string, input: object, key: string, server: TestApp = app) {
  const token = await tokenOf(deps, user);
  return await mutate(server, path, input, { token, headers: { "idempotency-key": key } });
}

function codeOf({ error }: Answer<unknown>): string | undefined {
  return error?.data.domain?.code;
}

// A stored refusal names the request that asked, so that only what it says is compared.
function assertReplay(replayed: Answer<unknown>, first: Answer<unknown>): void {
  expect(replayed.headers.get("idempotent-replayed")).toBe("true");
  expect(replayed.status).toBe(first.status);
  // The time that a hold has left is that of the replay.
  if (first.error === undefined) expect(withoutTimeLeft(replayed.text)).toBe(withoutTimeLeft(first.text));
  else expect(replayed.error?.data.domain).toEqual(first.error.data.domain);
}

function withoutTimeLeft(text: string): string {
  return text.replace(/"timeRemainingMs":\d+/, "");
}

async function keysOf({ username }: User) {
  const rows = await app.sql.query(
    "select key, encode(fingerprint, 'hex') as fingerprint, answer from idempotency_key where username = $1",
    [username],
  );
  return rows as { key: string; fingerprint: string; answer: string | null }[];
}

async function countOf(table: "booking" | "payment_transaction", { username }: User): Promise<number> {
  const column = table === "booking" ? "customer_username" : "username";
  const rows = await app.sql.query(`select 1 from ${table} where ${column} = $1`, [username]);
  return rows.length;
}

async function pointsOf(limit: string, { username }: User): Promise<number> {
  for (const server of [app, neighbour]) await server.shareCounts();
  const key = `${limit}:account:${digestOf(username)}`;
  const [row] = await app.sql.query("select points from rate_limit where key = $1", [key]);
  return Number(row?.["points"] ?? 0);
}

async function passwordHashOf(username: string): Promise<unknown> {
  return await app.sql.query("select password from usertable where username = $1", [username]);
}

function digestOf(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}

async function givenHold() {
  const customer = await givenCustomer(deps);
  const showId = await givenShow(app);
  const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers: ["B1"] });
  return { customer, showId, bookingId };
}

async function givenTicket() {
  const { customer, bookingId, showId } = await givenHold();
  await payBooking(deps, customer, { bookingId, method: "Card", card: goodCard });
  return { bookingId, showId };
}

function intent(user: User, procedure: string, input: object, key: string) {
  const known = intentOf({ user, idempotencyKey: key }, procedure, input);
  if (known === undefined) throw new Error("There is a key.");
  return known;
}

/** The key of a call in steps that has begun and not been answered. */
async function givenBegunKey(user: User, procedure: string, input: object, key: string): Promise<void> {
  const keyedCall = intent(user, procedure, input, key);
  const now = deps.clock.now();
  const times = { now, expiresAt: new Date(now.getTime() + keyHours * 3_600_000) };
  await inTransaction(deps.db, (tx) => insertKey(tx, keyedCall, times));
}

/** On the test's own connection, in whatever transaction it has open. */
async function insertKeyBySql(
  user: User,
  procedure: string,
  input: object,
  key: string,
  answer: string | null,
): Promise<void> {
  const { username, fingerprint } = intent(user, procedure, input, key);
  await app.sql.query(
    `insert into idempotency_key (username, procedure, key, fingerprint, answer, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $6::timestamptz + interval '1 day')`,
    [username, procedure, key, fingerprint, answer, deps.clock.now()],
  );
}
