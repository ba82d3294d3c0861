import { connectOnce } from "@skyfox/db";
import { beforeEach, describe, expect, test } from "vitest";
import { givenFunds, givenHold, paymentOf, problemOf } from "../../test/given-money.ts";
import { givenCustomer, givenCustomers, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { seatStatus } from "../../test/seat-status.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { getBooking } from "./get-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";
import { Decimal, maxSeatsPerBooking, type Booking, type SellAtCounterInput } from "../contract/index.ts";
import { cancelShow } from "./cancel-show.ts";
import { refundBooking } from "./refund-booking.ts";
import { sellAtCounter } from "./sell-at-counter.ts";

const app = await createTestApp({ maxConnections: 20 });
const { deps, clock } = app;
const neighbour = await createTestApp({ beside: app });
const admin = await givenStaff(deps, "admin");
const token = await tokenOf(deps, admin);
beforeEach(() => clock.set(testStart));

const walkIn = { customerName: "Walk In", phoneNumber: "9876543210" };

function sell(showId: number, seatNumbers: string[], more: Partial<SellAtCounterInput> = {}) {
  return sellAtCounter(deps, admin, { ...walkIn, showId, seatNumbers, ...more });
}

/** Sells as a client does, so that the input is read. */
function sellOverHttp(input: object, key?: string) {
  const headers = key === undefined ? {} : { "idempotency-key": key };
  return mutate<Booking>(app, "admin.createBooking", { ...walkIn, ...input }, { token, headers });
}

async function countSales(showId: number): Promise<number> {
  const [row] = await app.sql.query("select count(*)::int as sales from booking where show_id = $1", [
    showId,
  ]);
  return row?.["sales"] as number;
}

describe("a sale at the counter", () => {
  test("is confirmed at once, paid in cash, and priced by the server", async () => {
    const showId = await givenShow(app, { cost: "200.10" });
    const sold = await sell(showId, ["F1", "E10", "A1"]);
    expect(sold).toMatchObject({
      showId,
      seatNumbers: ["A1", "E10", "F1"],
      status: "Confirmed",
      paymentType: "Cash",
      amountDue: new Decimal("750.30"),
      amountPaid: new Decimal("750.30"),
      walletAmount: new Decimal(0),
      cardAmount: new Decimal(0),
      bookingTime: clock.now(),
      expiresAt: null,
      customerName: "Walk In",
      phoneNumber: "9876543210",
      transactionId: null,
      refund: null,
    });
    expect(await getBooking(deps, admin, sold)).toEqual(sold);
    expect(await seatStatus(deps, admin, showId, "E10")).toBe("sold");
  });

  test("belongs to no account: no customer sees it", async () => {
    const sold = await sell(await givenShow(app), ["A1"]);
    expect(await refusalOf(getBooking(deps, await givenCustomer(deps), sold))).toBe("BOOKING_NOT_FOUND");
  });

  test("keeps its customer with the booking, in both directions", async () => {
    const { bookingId } = await sell(await givenShow(app), ["A1"]);
    expect(
      await app.sql.query(
        "select a.name, a.number, a.booking_id from booking b join admin_booked_customer a on a.id = b.customer_id where b.id = $1",
        [bookingId],
      ),
    ).toEqual([{ name: "Walk In", number: "9876543210", booking_id: bookingId }]);
  });

  test("is in the audit, with who sold what", async () => {
    const showId = await givenShow(app);
    const { bookingId } = await sell(showId, ["A2", "A1"]);
    expect(
      await app.sql.query(
        "select actor, subject, details from audit_entry where action = 'counter-sale' and (details->>'bookingId')::int = $1",
        [bookingId],
      ),
    ).toEqual([
      { actor: admin.username, subject: null, details: { bookingId, showId, seatNumbers: ["A1", "A2"] } },
    ]);
  });

  test.each(["500.2", "500.20"])("may name its amount, %s, when that is the price", async (amountPaid) => {
    const showId = await givenShow(app, { cost: "175.10" });
    const sold = await sell(showId, ["A1", "F1"], { amountPaid: new Decimal(amountPaid) });
    expect(sold.amountPaid.toFixed(2)).toBe("500.20");
  });

  test.each(["500.19", "500.21", "0", "-500.20", "9999999999.99"])(
    "that names %s for what costs 500.20 is refused with the price, and sells nothing",
    async (amountPaid) => {
      const showId = await givenShow(app, { cost: "175.10" });
      const selling = sell(showId, ["A1", "F1"], { amountPaid: new Decimal(amountPaid) });
      expect(await problemOf(selling)).toEqual({
        code: "INVALID_AMOUNT",
        details: { expected: new Decimal("500.2") },
      });
      expect(await countSales(showId)).toBe(0);
      expect(await seatStatus(deps, admin, showId, "A1")).toBe("free");
    },
  );

  test("of more than two decimals of a rupee is no amount", async () => {
    const input = { showId: await givenShow(app), seatNumbers: ["A1"], amountPaid: new Decimal("200.001") };
    expect((await sellOverHttp(input)).error?.data.domain?.code).toBe("VALIDATION_ERROR");
  });

  test("of ten seats is sold, and of eleven or none is not", async () => {
    const showId = await givenShow(app);
    const row = (letter: string) =>
      Array.from({ length: maxSeatsPerBooking }, (_, index) => `${letter}${index + 1}`);
    expect((await sellOverHttp({ showId, seatNumbers: row("A") })).status).toBe(200);
    expect((await sellOverHttp({ showId, seatNumbers: [...row("B"), "C1"] })).error?.data.domain).toEqual({
      code: "TOO_MANY_SEATS",
      details: { max: 10 },
    });
    expect((await sellOverHttp({ showId, seatNumbers: [] })).error?.data.domain?.code).toBe(
      "VALIDATION_ERROR",
    );
  });

  test("of seats that the screen does not have, or of one seat twice, is refused with those seats", async () => {
    const showId = await givenShow(app);
    for (const [seatNumbers, wrong] of [
      [
        ["A10", "A11", "K1"],
        ["A11", "K1"],
      ],
      [["A1", "A1"], ["A1"]],
      [["a1"], ["a1"]],
    ]) {
      expect((await sellOverHttp({ showId, seatNumbers })).error?.data.domain).toEqual({
        code: "INVALID_SEAT",
        details: { seatNumbers: wrong },
      });
    }
    expect(await countSales(showId)).toBe(0);
  });

  test("keeps the name as at sign-up: as typed, trimmed", async () => {
    const seatNumbers = ["A1"];
    const named = async (customerName: string) =>
      sellOverHttp({ showId: await givenShow(app), seatNumbers, customerName });
    expect((await named("  aSHA  o'NEIL rao  ")).data?.customerName).toBe("aSHA o'NEIL rao");
    for (const name of ["अनीता", "Al", `A${"x".repeat(69)}`, "One two Three four Five"])
      expect((await named(name)).data?.customerName).toBe(name);
    for (const name of [" ", "A1sha", "x".repeat(71)])
      expect([name, (await named(name)).error?.data.fields?.map(({ field }) => field)]).toEqual([
        name,
        ["customerName"],
      ]);
  });

  test("takes a phone number of exactly ten ASCII digits", async () => {
    const showId = await givenShow(app);
    for (const phoneNumber of ["987654321", "98765432100", "98765-4321", "٩٨٧٦٥٤٣٢١٠", " 9876543210"])
      expect([
        phoneNumber,
        (await sellOverHttp({ showId, seatNumbers: ["A1"], phoneNumber })).error?.data.fields?.map(
          ({ field }) => field,
        ),
      ]).toEqual([phoneNumber, ["phoneNumber"]]);
  });

  test("of one phone number may come again and again", async () => {
    const showId = await givenShow(app);
    await sell(showId, ["A1"]);
    expect((await sell(showId, ["A2"])).status).toBe("Confirmed");
  });

  test("is an admin's to make", async () => {
    const input = { ...walkIn, showId: await givenShow(app), seatNumbers: ["A1"] };
    for (const person of [await givenStaff(deps, "staff"), await givenCustomer(deps)]) {
      const asked = { token: await tokenOf(deps, person) };
      expect((await mutate(app, "admin.createBooking", input, asked)).error?.data.domain).toEqual({
        code: "FORBIDDEN",
        details: { requiredRoles: ["admin"] },
      });
    }
  });
});

describe("the show of a sale at the counter", () => {
  test("exists and goes on", async () => {
    expect(await refusalOf(sell(999_999_999, ["A1"]))).toBe("SHOW_NOT_FOUND");
    expect(await problemOf(sell(await givenShow(app, { cancelReason: "A power cut" }), ["A1"]))).toEqual({
      code: "SHOW_CANCELLED",
      details: { reason: "A power cut" },
    });
  });

  test("has not started, the exact start is still in time", async () => {
    const showId = await givenShow(app);
    const { startsAt } = await sell(showId, ["A1"]);
    clock.set(startsAt);
    expect((await sell(showId, ["A2"])).status).toBe("Confirmed");
    clock.set(new Date(startsAt.getTime() + 1));
    expect(await refusalOf(sell(showId, ["A3"]))).toBe("SHOW_ALREADY_STARTED");
  });

  test("may be beyond the week that customers see", async () => {
    const showId = await givenShow(app, { date: "2026-05-01" });
    expect((await sell(showId, ["A1"])).showDate).toBe("2026-05-01");
  });

  test("that is just being cancelled is waited for, and nothing is sold", async () => {
    const showId = await givenShow(app);
    await app.sql.query("begin");
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = 'A power cut' where id = $1", [
      showId,
      clock.now(),
    ]);
    const selling = refusalOf(sell(showId, ["A1"]));
    await untilBlocked(app);
    await app.sql.query("commit");
    expect(await selling).toBe("SHOW_CANCELLED");
    expect(await countSales(showId)).toBe(0);
  });
});

describe("the seats of a sale at the counter", () => {
  test("that are held or sold are refused with exactly those, and none of the others is sold", async () => {
    const showId = await givenShow(app);
    await givenHold(app, await givenCustomer(deps), { showId, seat: "B2" });
    await sell(showId, ["B4"]);
    expect(await problemOf(sell(showId, ["B1", "B2", "B3", "B4"]))).toEqual({
      code: "SEATS_UNAVAILABLE",
      details: { seatNumbers: ["B2", "B4"] },
    });
    expect(await seatStatus(deps, admin, showId, "B1")).toBe("free");
  });

  test("are taken over from a hold that is over, and not a millisecond before", async () => {
    const showId = await givenShow(app);
    const loser = await givenCustomer(deps);
    const { bookingId, expiresAt } = await holdSeats(deps, loser, { showId, seatNumbers: ["C1", "C2"] });
    // Nothing but the sale acts on the hold's end.
    deps.monitors.disarm(bookingId);
    clock.set(new Date(expiresAt.getTime() - 1));
    expect(await refusalOf(sell(showId, ["C1"]))).toBe("SEATS_UNAVAILABLE");
    clock.set(expiresAt);
    expect((await sell(showId, ["C1"])).status).toBe("Confirmed");
    expect(await app.sql.query("select status, ended_at from booking where id = $1", [bookingId])).toEqual([
      { status: "Expired", ended_at: expiresAt },
    ]);
    expect(await seatStatus(deps, admin, showId, "C2")).toBe("free");
  });

  test("that a customer is paying for stay theirs, however long ago their hold would have ended", async () => {
    const showId = await givenShow(app);
    const payer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, payer, { showId, seat: "D1" });
    const slow = app.gateway.script("slow");
    const paying = payBooking(deps, payer, paymentOf(bookingId, "card"));
    await slow.arrived;
    clock.advance(301_000);
    expect(await refusalOf(sell(showId, ["D1"]))).toBe("SEATS_UNAVAILABLE");
    await slow.release();
    expect(await paying).toMatchObject({ status: "Confirmed" });
  });

  test("that an overdue hold lets go of go to the first buyer, at the counter or not", async () => {
    const showId = await givenShow(app);
    const [loser, ...buyers] = await givenCustomers(deps, 6);
    const { bookingId } = await givenHold(app, loser!, { showId, seat: "E1" });
    deps.monitors.disarm(bookingId);
    clock.advance(300_000);
    const { won, lost } = outcomesOf(
      await together<unknown>([
        ...buyers.map((buyer) => () => holdSeats(deps, buyer, { showId, seatNumbers: ["E1"] })),
        ...buyers.map(() => () => sell(showId, ["E1"])),
      ]),
    );
    expect(won).toHaveLength(1);
    expect(lost).toEqual(Array.from({ length: 9 }, () => "SEATS_UNAVAILABLE"));
  });

  test("P1: go to one of twenty at the counter and at home, in each of 25 rounds", async () => {
    const buyers = await givenCustomers(deps, 10);
    const showId = await givenShow(app);
    let atCounter = 0;
    for (let round = 0; round < 25; round += 1) {
      const seatNumbers = [`${"ABC"[Math.floor(round / 10)]}${(round % 10) + 1}`];
      const tasks = buyers.flatMap((buyer, index) => {
        const hold = () => holdSeats(deps, buyer, { showId, seatNumbers });
        const sale = () => sellAtCounter(neighbour.deps, admin, { ...walkIn, showId, seatNumbers });
        return (round + index) % 2 === 0 ? [sale, hold] : [hold, sale];
      });
      const { won, lost } = outcomesOf<object>(await together<object>(tasks));
      expect(won).toHaveLength(1);
      expect(new Set(lost)).toEqual(new Set(["SEATS_UNAVAILABLE"]));
      atCounter += "status" in won[0]! ? 1 : 0;
      // Five holds are a customer's limit.
      clock.advance(300_000);
      await deps.monitors.settled();
      await app.forgetCounts();
    }
    console.log(`P1: 25 rounds of ten holds and ten counter sales for one seat, ${atCounter} sold there.`);
    expect(await countSales(showId)).toBe(25);
  });

  test("P2: overlapping ones of holds and sales never end in a part of a booking", async () => {
    const buyers = await givenCustomers(deps, 10);
    const showId = await givenShow(app);
    const wish = (first: number) => [0, 1, 2].map((step) => `F${((first + step * 3) % 10) + 1}`);
    const { won, lost } = outcomesOf(
      await together<{ seatNumbers: string[] }>(
        buyers.flatMap((buyer, index) => [
          () => holdSeats(deps, buyer, { showId, seatNumbers: wish(index) }),
          () => sell(showId, wish(index + 1).toReversed()),
        ]),
      ),
    );
    const claimed = won.flatMap(({ seatNumbers }) => seatNumbers);
    expect(new Set(claimed).size).toBe(claimed.length);
    expect(new Set(lost)).toEqual(new Set(["SEATS_UNAVAILABLE"]));
    expect(
      await app.sql.query(
        "select count(*)::int as claims from seat_claim where show_id = $1 and booking_id is not null",
        [showId],
      ),
    ).toEqual([{ claims: claimed.length }]);
  });
});

describe("ten sales at the counter at once", () => {
  test("of one seat, without a key: one is made", async () => {
    const showId = await givenShow(app);
    const { won, lost } = outcomesOf(
      await together(Array.from({ length: 10 }, () => () => sell(showId, ["A1"]))),
    );
    expect(won).toHaveLength(1);
    expect(lost).toEqual(Array.from({ length: 9 }, () => "SEATS_UNAVAILABLE"));
    expect(await countSales(showId)).toBe(1);
    // Those who lost leave no customer and no entry behind.
    expect(await app.sql.query("select from admin_booked_customer where booking_id is null")).toEqual([]);
    const entries = "select from audit_entry where action = 'counter-sale' and details->>'showId' = $1";
    expect(await app.sql.query(entries, [String(showId)])).toHaveLength(1);
  });

  test("of one key, over two servers: one is made, and all that are answered have its answer", async () => {
    const showId = await givenShow(app);
    const input = { ...walkIn, showId, seatNumbers: ["A1"], amountPaid: new Decimal("200") };
    const options = { token, headers: { "idempotency-key": "ten at once" } };
    const call = (turn: number) => mutate(turn % 2 ? app : neighbour, "admin.createBooking", input, options);
    const settled = await together(Array.from({ length: 10 }, (_, turn) => () => call(turn)));
    const { won: answers } = outcomesOf(settled);
    const stored = await call(0);
    expect(stored.status).toBe(200);
    expect(stored.headers.get("idempotent-replayed")).toBe("true");
    for (const { text, error } of answers)
      if (text !== stored.text) expect(error?.data.domain?.code).toBe("IDEMPOTENCY_IN_FLIGHT");
    expect(await countSales(showId)).toBe(1);
    const other = await mutate(app, "admin.createBooking", { ...input, seatNumbers: ["A2"] }, options);
    expect(other.error?.data.domain?.code).toBe("IDEMPOTENCY_MISMATCH");
  });

  test("a refused one leaves its key free", async () => {
    const showId = await givenShow(app);
    const wrong = { showId, seatNumbers: ["A1"], amountPaid: new Decimal("200.01") };
    expect((await sellOverHttp(wrong, "again")).error?.data.domain?.code).toBe("INVALID_AMOUNT");
    const right = { ...wrong, amountPaid: new Decimal("200") };
    expect((await sellOverHttp(right, "again")).status).toBe(200);
  });
});

describe("what was sold at the counter goes back there", () => {
  test("by a refund, once, and the seat is free again", async () => {
    const showId = await givenShow(app);
    const { bookingId } = await sell(showId, ["A1"]);
    const give = () => refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    const { won, lost } = outcomesOf(await together([give, give]));
    expect(won.map(({ status, refund }) => [status, refund])).toEqual([
      [
        "Refunded",
        { amount: new Decimal("200"), to: "counter" as const, state: "done" as const, at: clock.now() },
      ],
    ]);
    expect(lost).toEqual(["INVALID_BOOKING_STATUS"]);
    expect((await sell(showId, ["A1"])).status).toBe("Confirmed");
  });

  test("with its show", async () => {
    const showId = await givenShow(app);
    const { bookingId } = await sell(showId, ["A1", "A2"]);
    expect(await cancelShow(deps, admin, { showId, reason: "A power cut" })).toMatchObject({
      status: "done",
      total: 1,
      refunded: 1,
    });
    expect((await getBooking(deps, admin, { bookingId })).refund).toMatchObject({
      amount: new Decimal("400"),
      to: "counter",
      state: "done",
    });
  });

  test("a sale that meets the cancellation is refused or given back, never forgotten", async () => {
    for (let round = 0; round < 10; round += 1) {
      const showId = await givenShow(app);
      const [sale, cancellation] = await together<unknown>([
        () => sell(showId, ["A1"]),
        () => cancelShow(deps, admin, { showId, reason: "A power cut" }),
      ]);
      expect(cancellation?.status).toBe("fulfilled");
      await app.reconcile();
      const rows = await app.sql.query("select status::text from booking where show_id = $1", [showId]);
      expect(rows).toEqual(sale?.status === "fulfilled" ? [{ status: "Refunded" }] : []);
      if (sale?.status === "rejected")
        expect(sale.reason).toMatchObject({ problem: { code: "SHOW_CANCELLED" } });
    }
  });
});

test("a sale whose seats another buyer is just taking waits, and is refused when they are gone", async () => {
  const showId = await givenShow(app);
  const payer = await givenCustomer(deps);
  await givenFunds(app, payer, "200");
  const rival = await connectOnce(app.databaseUrl);
  const { bookingId } = await givenHold(app, payer, { showId, seat: "G1" });
  deps.monitors.disarm(bookingId);
  clock.advance(300_000);
  await rival.query("begin");
  await rival.query("select id from booking where id = $1 for update", [bookingId]);
  const selling = refusalOf(sell(showId, ["G1"]));
  await untilBlocked(app);
  // The hold turns out to be prolonged: what the sale saw before it waited is not true any more.
  const later = new Date(clock.now().getTime() + 60_000);
  await rival.query("update booking set expires_at = $2 where id = $1", [bookingId, later]);
  await rival.query("update seat_claim set free_after = $2 where booking_id = $1", [bookingId, later]);
  await rival.query("commit");
  await rival.end();
  expect(await selling).toBe("SEATS_UNAVAILABLE");
});
