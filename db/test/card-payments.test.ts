import { Decimal } from "decimal.js";
import { sql as raw } from "kysely";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { connectOnce, openDatabase } from "../src/connect.ts";
import {
  acceptPayment,
  acceptTopUp,
  beginBookingPayment,
  beginTopUp,
  type BookingPaymentOrder,
} from "../src/queries/card-payments.ts";
import { isKeyLocked, type NewKey } from "../src/queries/keys.ts";
import { returnFreeTries, returnTry, type NewTry } from "../src/queries/limits.ts";

const { url } = await createTestDatabase();
const sql = await connectOnce(url);
const other = await connectOnce(url);
const db = openDatabase(url, { maxConnections: 3 });
afterAll(async () => {
  await Promise.all([sql.end(), other.end(), db.destroy()]);
});

const now = new Date("2026-03-10T06:30:00Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
const username = "one";

await sql.query(`
  insert into usertable (username, password, role, created_at) values ('one', 'x', 'customer', now()), ('two', 'x', 'customer', now());
  insert into customertable (username, name, number, email, security_question_id, security_answer_hash)
    values ('one', 'Customer One', '9000000001', 'one@example.com', 1, 'x'), ('two', 'Customer Two', '9000000002', 'two@example.com', 1, 'x');
  insert into customer_wallet (id, username) values (1, 'one'), (2, 'two');
  insert into movie (movie_id, title) values ('tt1', 'Film 1');
  insert into show (id, movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
    values (1, 'tt1', '2026-03-11', 1, 200, 1, '2026-03-11 03:00Z', '2026-03-11 06:00Z')`);

let bookingId = 0;
let keys = 0;

// A hold of two seats until a minute from now, of a customer with the given funds; earlier ones are given up.
async function givenHold(funds: number): Promise<void> {
  bookingId += 1;
  await sql.query(
    `update show set cancelled_at = null, cancel_reason = null;
     update seat_claim set booking_id = null, free_after = '-infinity';
     update payment_transaction set status = 'Failed', processed_at = now(), reserved = 0, next_attempt_at = null where status in ('Started', 'Unknown');
     update booking set status = 'Cancelled', ended_at = now(), paying_until = null where status in ('Pending', 'Paying')`,
  );
  await sql.query(
    `insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, customer_username, expires_at, hold_slot)
     values ($1, '2026-03-11', 1, 2, 400, 0, 'one', $2, 1)`,
    [bookingId, later(60)],
  );
  await sql.query(
    "insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) values ($1, 1, 1, 'B2'), ($1, 1, 1, 'B1')",
    [bookingId],
  );
  await sql.query(
    `insert into seat_claim (show_id, seat_number, booking_id, free_after) values (1, 'B1', $1, $2), (1, 'B2', $1, $2)
     on conflict (show_id, seat_number) do update set booking_id = $1, free_after = $2`,
    [bookingId, later(60)],
  );
  await sql.query(
    `with wallet as (
       update customer_wallet set reserved = 0, balance = $1 where id = 1 and balance <> $1 returning balance
     ), before as (select balance from customer_wallet where id = 1)
     insert into wallet_transaction (wallet_id, username, transaction_id, amount, transaction_type, balance_after, adopted)
     select 1, 'one', 'given', abs($1 - b.balance),
       (case when $1 > b.balance then 'ADD' else 'DEDUCT' end)::wallet_transaction_type, $1, true
     from wallet, before b`,
    [funds],
  );
  await sql.query("update customer_wallet set reserved = 0");
}

const newKey = (): NewKey => ({
  username,
  procedure: "booking.pay",
  key: `key ${(keys += 1)}`,
  fingerprint: Buffer.alloc(32),
  now,
  expiresAt: later(86_400),
});

function begin(
  order: Partial<BookingPaymentOrder> = {},
  options: { key?: NewKey; time?: Date; tried?: NewTry } = {},
) {
  const card: BookingPaymentOrder = {
    bookingId,
    username,
    method: "Card",
    hasCard: true,
    payingSeconds: 600,
  };
  const { key, time = now, tried } = options;
  return beginBookingPayment(db, { ...card, ...order }, { key, time, askAfterMs: 11_000, tried });
}

async function begun(...args: Parameters<typeof begin>) {
  const result = await begin(...args);
  if ("refusal" in result) throw new Error(result.refusal);
  return result;
}

// Another call takes the key, in a transaction that has not ended.
async function takeElsewhere({ key, fingerprint }: NewKey): Promise<void> {
  await other.query("begin");
  const values = [key, fingerprint, now, later(60)];
  await other.query("select claim_key('one', 'booking.pay', $1, $2, null, $3, $4)", values);
}

// All that a payment may change.
async function look() {
  const [row] = await sql.query(
    `select b.status, b.payment_type as type, b.amount_paid as paid, b.paying_until as until,
       (select array_agg(free_after order by seat_number) from seat_claim where booking_id = b.id) as claims,
       (select count(*)::int from payment_transaction where booking_id = b.id) as payments,
       (select array[balance, reserved]::text[] from customer_wallet where id = 1) as wallet,
       (select count(*)::int from idempotency_key) as keys
     from booking b where b.id = $1`,
    [bookingId],
  );
  return row!;
}

const accept = (paymentId: number, kept?: { answer: string; expiresAt: Date }) =>
  acceptPayment(db, { paymentId, transactionId: `ref ${paymentId}`, now: later(5), kept });

beforeEach(() => givenHold(100));

describe("beginning a payment", () => {
  test("by card freezes the expiry, claims the seats and writes the payment, and tells what the answer will say", async () => {
    const key = newKey();
    const result = await begun({}, { key });
    expect(result).toMatchObject({
      at: now,
      transactionId: null,
      payment: { walletAmount: new Decimal(0), cardAmount: new Decimal(400), startedAt: now, attempts: 0 },
      booking: {
        showId: 1,
        movieTitle: "Film 1",
        seatNumbers: ["B2", "B1"],
        customerName: "Customer One",
        phoneNumber: "9000000001",
      },
    });
    expect(await look()).toMatchObject({
      status: "Paying",
      until: later(600),
      claims: [null, null],
      payments: 1,
      wallet: ["100.00", "0.00"],
    });
    const [row] = await sql.query(
      "select p.status, p.next_attempt_at, k.answer from payment_transaction p join idempotency_key k on k.payment_id = p.id where k.key = $1",
      [key.key],
    );
    expect(row).toEqual({ status: "Started", next_attempt_at: later(11), answer: null });
  });

  test("by wallet and card reserves what the wallet has", async () => {
    const { payment } = await begun({ method: "Wallet" });
    expect([payment.walletAmount, payment.cardAmount].map(Number)).toEqual([100, 300]);
    expect(await look()).toMatchObject({ status: "Paying", wallet: ["100.00", "100.00"] });
  });

  test("by a wallet that has enough is the whole payment", async () => {
    await givenHold(450);
    const { transactionId } = await begun({ method: "Wallet", hasCard: false });
    expect(transactionId).toMatch(/^wallet-/);
    expect(await look()).toMatchObject({
      status: "Confirmed",
      type: "Wallet",
      paid: new Decimal(400),
      claims: [null, null],
      wallet: ["50.00", "0.00"],
    });
  });

  const refusals: [string, string, () => Promise<unknown>, Parameters<typeof begin>[0]][] = [
    ["of another's booking", "BOOKING_NOT_FOUND", () => Promise.resolve(), { username: "two" }],
    ["of no booking", "BOOKING_NOT_FOUND", () => Promise.resolve(), { bookingId: 999_999 }],
    [
      "of a hold whose time is over",
      "BOOKING_EXPIRED",
      () => sql.query("update booking set expires_at = $2 where id = $1", [bookingId, now]),
      {},
    ],
    [
      "of a show that is cancelled",
      "SHOW_CANCELLED",
      () => sql.query("update show set cancelled_at = now(), cancel_reason = 'A power cut'"),
      {},
    ],
    [
      "of a hold that was given up",
      "INVALID_BOOKING_STATUS",
      () => sql.query("update booking set status = 'Cancelled', ended_at = now() where id = $1", [bookingId]),
      {},
    ],
    ["while another payment runs", "PAYMENT_IN_PROGRESS", () => begun(), {}],
    [
      "while another payment is in doubt",
      "PAYMENT_OUTCOME_UNKNOWN",
      async () => {
        const { payment } = await begun();
        await sql.query("update payment_transaction set status = 'Unknown' where id = $1", [payment.id]);
      },
      {},
    ],
    [
      "by a wallet that is short, without a card",
      "INSUFFICIENT_BALANCE",
      () => Promise.resolve(),
      { method: "Wallet", hasCard: false },
    ],
  ];

  test.for(refusals)(
    "%s is refused, and changes nothing: its key is free",
    async ([, code, prepare, order]) => {
      await prepare();
      const before = await look();
      expect(await begin(order, { key: newKey() })).toMatchObject({ refusal: code });
      expect(await look()).toEqual(before);
    },
  );

  test("what is promised to other payments is not the wallet's to give", async () => {
    await sql.query("update customer_wallet set reserved = 30 where id = 1");
    const { payment } = await begun({ method: "Wallet" });
    expect(Number(payment.walletAmount)).toBe(70);
  });

  test("under a taken key is refused as such, whatever became of the booking", async () => {
    const key = newKey();
    await begun({}, { key });
    expect(await begin({}, { key })).toEqual({ refusal: "KEY_TAKEN" });
  });

  test("under a key that another transaction keeps locked says so; a lock of the booking does not look like one", async () => {
    const key = newKey();
    await takeElsewhere(key);
    const error: unknown = await begin({}, { key }).catch((reason: unknown) => reason);
    expect(isKeyLocked(error)).toBe(true);
    await other.query("rollback");
    await other.query("begin");
    await other.query("select from booking where id = $1 for update", [bookingId]);
    const locked: unknown = await begin({}, { key }).catch((reason: unknown) => reason);
    expect(locked).toMatchObject({ code: "55P03" });
    expect(isKeyLocked(locked)).toBe(false);
    await other.query("rollback");
    expect(await begin({}, { key })).toHaveProperty("payment");
  });

  test("without a given time goes by the database's", async () => {
    await sql.query("update booking set expires_at = clock_timestamp() + interval '1 hour' where id = $1", [
      bookingId,
    ]);
    await sql.query(
      "update seat_claim set free_after = (select expires_at from booking where id = $1) where booking_id = $1",
      [bookingId],
    );
    const order = { bookingId, username, method: "Card" as const, hasCard: true, payingSeconds: 600 };
    const result = await beginBookingPayment(db, order, {
      key: undefined,
      time: undefined,
      askAfterMs: 0,
      tried: undefined,
    });
    const [{ close } = {}] = await sql.query(
      "select abs(extract(epoch from clock_timestamp() - $1))::int < 60 as close",
      ["at" in result ? result.at : null],
    );
    expect(close).toBe(true);
  });
});

describe("accepting a charge", () => {
  test("confirms the booking once, and keeps the answer of the call that began it", async () => {
    const key = newKey();
    const { payment } = await begun({}, { key });
    const kept = { answer: "the answer", expiresAt: later(100_000) };
    expect(await accept(payment.id, kept)).toBe(true);
    const after = await look();
    expect(after).toMatchObject({
      status: "Confirmed",
      type: "Card",
      paid: new Decimal(400),
      until: null,
      claims: [null, null],
    });
    expect(await accept(payment.id, { ...kept, answer: "another" })).toBe(false);
    expect(await look()).toEqual(after);
    const rows = await sql.query(
      "select k.answer, k.expires_at, p.status, p.transaction_id, p.processed_at from idempotency_key k join payment_transaction p on p.id = k.payment_id where k.key = $1",
      [key.key],
    );
    expect(rows).toEqual([
      {
        answer: "the answer",
        expires_at: later(100_000),
        status: "Completed",
        transaction_id: `ref ${payment.id}`,
        processed_at: later(5),
      },
    ]);
  });

  test("of a wallet that was short goes through the wallet, and spends what was reserved", async () => {
    const { payment } = await begun({ method: "Wallet" });
    expect(await accept(payment.id)).toBe(true);
    expect(await look()).toMatchObject({ status: "Confirmed", type: "Wallet", wallet: ["0.00", "0.00"] });
    const rows = await sql.query(
      "select transaction_type as type, amount, balance_after as after from wallet_transaction where payment_id = $1 order by id",
      [payment.id],
    );
    expect(rows.map(({ type, amount, after }) => [type, Number(amount), Number(after)])).toEqual([
      ["ADD", 300, 400],
      ["DEDUCT", 400, 0],
    ]);
  });

  test.for([
    [
      "a booking that has expired meanwhile",
      "update booking set status = 'Expired', ended_at = now(), paying_until = null where id = $1",
    ],
    [
      "a show that was cancelled meanwhile",
      "update show set cancelled_at = now(), cancel_reason = 'x' where $1 > 0",
    ],
    [
      "a payment that counts as not charged",
      "update payment_transaction set status = 'Failed', processed_at = now(), next_attempt_at = null where booking_id = $1",
    ],
  ] as const)("for %s is not used, and changes nothing", async ([, change]) => {
    const { payment } = await begun();
    await sql.query(change, [bookingId]);
    const before = await look();
    expect(await accept(payment.id)).toBe(false);
    expect(await look()).toEqual(before);
  });

  test("decides by what is there after its wait: an expiry that was first is not overwritten", async () => {
    const { payment } = await begun();
    await other.query("begin");
    await other.query(
      "update booking set status = 'Expired', ended_at = now(), paying_until = null where id = $1",
      [bookingId],
    );
    const accepting = accept(payment.id);
    await untilLockIsAwaited();
    await other.query("commit");
    expect(await accepting).toBe(false);
    expect(await look()).toMatchObject({ status: "Expired" });
  });
});

describe("a card that is counted", () => {
  const nowMs = now.getTime();
  // Out of order: rows are locked by key.
  const tried: NewTry = {
    nowMs,
    windows: [
      { key: "cards:b", max: 2, expire: nowMs + 900_000 },
      { key: "cards:a", max: 3, expire: nowMs + 60_000 },
    ],
  };
  const windows = async () =>
    (await sql.query("select key, points, expire from rate_limit order by key")).map(Object.values);
  const returned = tried.windows.map(({ key, expire }) => ({ key, endsBefore: expire + 10_000 }));

  beforeEach(() => sql.query("delete from rate_limit"));

  test("is counted by the statement that begins its payment, and no more once it is returned", async () => {
    await sql.query(
      "insert into rate_limit (key, points, expire) values ('cards:b', 1, $1), ('cards:a', 3, $2)",
      [nowMs + 5_000, nowMs],
    );
    const { counted: ends } = await begun({}, { tried });
    expect(ends).toEqual([
      { key: "cards:a", expire: nowMs + 60_000 },
      { key: "cards:b", expire: nowMs + 5_000 },
    ]);
    expect(await windows()).toEqual([
      ["cards:a", 1, nowMs + 60_000],
      ["cards:b", 2, nowMs + 5_000],
    ]);
    await returnTry(db, returned);
    expect(await windows()).toEqual([
      ["cards:a", 0, nowMs + 60_000],
      ["cards:b", 1, nowMs + 5_000],
    ]);
  });

  test("has its charge recorded while another transaction keeps its window locked", async () => {
    const { payment } = await begun({}, { tried });
    await other.query("begin");
    await other.query("select from rate_limit for update");
    const charge = { paymentId: payment.id, transactionId: "ref", now: later(5), kept: undefined };
    const isAccepted = await db.transaction().execute(async (tx) => {
      await raw`set local lock_timeout = '50ms'`.execute(tx);
      return await acceptPayment(tx, charge);
    });
    expect(isAccepted).toBe(true);
    await other.query("rollback");
    expect(await look()).toMatchObject({ status: "Confirmed" });
  });

  test("that is one too many is refused until the last full window ends, and changes nothing", async () => {
    await sql.query(
      "insert into rate_limit (key, points, expire) values ('cards:b', 2, $1), ('cards:a', 3, $2)",
      [nowMs + 5_000, nowMs + 7_000],
    );
    const [before, counted] = [await look(), await windows()];
    const refusal = { refusal: "RATE_LIMITED", until: nowMs + 7_000 };
    expect(await begin({}, { tried, key: newKey() })).toEqual(refusal);
    // As before any look at what is to be paid.
    expect(await begin({ bookingId: 999_999 }, { tried })).toEqual(refusal);
    expect(await look()).toEqual(before);
    expect(await windows()).toEqual(counted);
    const [, a] = tried.windows;
    expect(await begin({}, { tried: { nowMs: nowMs + 7_000, windows: [a!] } })).toHaveProperty("payment");
  });

  test("of a payment that does not begin, or needs no card, is not counted", async () => {
    expect(await begin({ username: "two" }, { tried })).toEqual({ refusal: "BOOKING_NOT_FOUND" });
    await givenHold(450);
    expect(await begun({ method: "Wallet" }, { tried })).toMatchObject({ counted: [] });
    expect(await windows()).toEqual([]);
  });

  test("leaves a key that is locked or taken as it is without one", async () => {
    const key = newKey();
    await takeElsewhere(key);
    const error: unknown = await begin({}, { key, tried }).catch((reason: unknown) => reason);
    expect(isKeyLocked(error)).toBe(true);
    await other.query("commit");
    expect(await begin({}, { key, tried })).toEqual({ refusal: "KEY_TAKEN" });
    expect(await windows()).toEqual([]);
  });

  test("begins nothing when others fill its window meanwhile: the caller begins again, and is refused", async () => {
    await other.query("begin");
    await other.query("insert into rate_limit (key, points, expire) values ('cards:b', 2, $1)", [
      nowMs + 5_000,
    ]);
    const before = await look();
    const beginning = begin({}, { tried, key: newKey() }).catch((error: unknown) => error);
    await untilLockIsAwaited();
    await other.query("commit");
    expect(await beginning).toMatchObject({ code: "40001" });
    expect(await look()).toEqual(before);
    expect(await windows()).toEqual([["cards:b", 2, nowMs + 5_000]]);
    expect(await begin({}, { tried })).toMatchObject({ refusal: "RATE_LIMITED" });
  });

  test("for a top-up is counted, refused and returned likewise", async () => {
    const top = (amount: number) =>
      beginTopUp(
        db,
        { username, amount: new Decimal(amount), maxBalance: new Decimal(1_000) },
        { key: undefined, time: now, askAfterMs: 0, tried },
      );
    expect(await top(1_001)).toMatchObject({ refusal: "AMOUNT_TOO_LARGE" });
    expect(await windows()).toEqual([]);
    const begunAt = await top(100);
    if ("refusal" in begunAt) throw new Error(begunAt.refusal);
    expect(begunAt.counted.map(({ expire }) => expire)).toEqual([nowMs + 60_000, nowMs + 900_000]);
    await top(100);
    expect(await top(100)).toEqual({ refusal: "RATE_LIMITED", until: nowMs + 900_000 });
    const points = async () => (await windows()).map(([, count]: unknown[]) => count);
    expect(await points()).toEqual([2, 2]);
    // One is locked: it is answered by its place, and the other loses both points.
    await other.query("begin");
    await other.query("select from rate_limit where key = 'cards:a' for update");
    expect(await returnFreeTries(db, [...returned, ...returned])).toEqual([1, 3]);
    expect(await points()).toEqual([2, 0]);
    await other.query("rollback");
    expect(await returnFreeTries(db, [...returned, ...returned])).toEqual([]);
    expect(await points()).toEqual([0, 0]);
  });
});

describe("windows of limits", () => {
  const ends = "array[9]::bigint[]";
  // As long as those of real windows.
  const keyOf = (n: number | string) => `'cards:${"0".repeat(60)}' || ${n}`;
  const scansOf = async (relations: string[]) =>
    (
      await sql.query(
        "select pg_stat_get_xact_numscans(one::regclass)::int as scans from unnest($1::text[]) with ordinality as r (one, place) order by place",
        [relations],
      )
    ).map(({ scans }) => Number(scans));
  const relations = ["rate_limit", "rate_limit_expire", "rate_limit_pkey"];

  describe.each([
    `full_until(array[${keyOf(1)}], array[5], 1)`,
    `return_try(array[${keyOf(1)}], ${ends})`,
    `return_free_tries(array[${keyOf(1)}], ${ends})`,
  ])("%s", (call) => {
    // For so few, another plan would be as good, and be kept while the table grows.
    test.each([0, 3, 100])("finds its window by the key, also where there are %i", async (count) => {
      await sql.query("delete from rate_limit");
      await sql.query(
        `insert into rate_limit (key, points, expire) select ${keyOf("n")}, 50, 5 from generate_series(1, ${count}) n`,
      );
      await sql.query("vacuum analyze rate_limit");
      // Planned for its values five times; from then on the plan stays.
      for (let turn = 0; turn < 7; turn += 1) await sql.query(`select ${call}`);
      await sql.query("begin");
      try {
        const before = await scansOf(relations);
        await sql.query(`select ${call}`);
        const after = await scansOf(relations);
        const [table, byEnd, byKey] = after.map((scans, place) => scans - before[place]!);
        expect([table, byEnd]).toEqual([0, 0]);
        expect(byKey).toBeGreaterThan(0);
      } finally {
        await sql.query("rollback");
      }
    });
  });
});

// Until one of our statements waits for another's lock.
async function untilLockIsAwaited(): Promise<void> {
  const waits =
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  while ((await sql.query(waits))[0]!["n"] === 0);
}

describe("a top-up", () => {
  const beginAdding = (amount: number, key?: NewKey) =>
    beginTopUp(
      db,
      { username, amount: new Decimal(amount), maxBalance: new Decimal(1_000) },
      { key, time: now, askAfterMs: 0, tried: undefined },
    );
  const idOf = (result: Awaited<ReturnType<typeof beginAdding>>) =>
    "payment" in result ? result.payment.id : 0;
  const acceptAdding = (paymentId: number, said?: { balance: number; available: number }) =>
    acceptTopUp(
      db,
      { paymentId, transactionId: "ref", now, kept: undefined },
      said && { balance: new Decimal(said.balance), available: new Decimal(said.available) },
    );

  test("has room for what the wallet may have less what is under way; a refusal leaves nothing", async () => {
    await beginAdding(600);
    const before = await look();
    expect(await beginAdding(301, newKey())).toEqual({ refusal: "AMOUNT_TOO_LARGE", room: new Decimal(300) });
    expect(await look()).toEqual(before);
    const key = newKey();
    expect(await beginAdding(300, key)).toMatchObject({
      balance: new Decimal(100),
      available: new Decimal(100),
    });
    expect(await beginAdding(1, key)).toEqual({ refusal: "KEY_TAKEN" });
  });

  test("is added once, and only where the wallet is then as the answer says", async () => {
    const id = idOf(await beginAdding(50));
    expect(await acceptAdding(id, { balance: 149, available: 150 })).toBe(false);
    expect(await acceptAdding(id, { balance: 150, available: 149 })).toBe(false);
    expect(await look()).toMatchObject({ wallet: ["100.00", "0.00"] });
    expect(await acceptAdding(id, { balance: 150, available: 150 })).toBe(true);
    expect(await acceptAdding(id, { balance: 200, available: 200 })).toBe(false);
    expect(await acceptAdding(id)).toBe(false);
    expect(await look()).toMatchObject({ wallet: ["150.00", "0.00"] });
    expect(await acceptAdding(idOf(await beginAdding(25)))).toBe(true);
    expect(await look()).toMatchObject({ wallet: ["175.00", "0.00"] });
  });
});
