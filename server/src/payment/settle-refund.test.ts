import { expect, test } from "vitest";
import { cardMoneyOf, givenBooking, givenCounterSale, problemOf } from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { codeOf, together } from "../../test/together.ts";
import { getBooking } from "../booking/get-booking.ts";
import { listDoubts } from "./payments-in-doubt.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { settleRefund } from "./settle-refund.ts";

const app = await createTestApp();
const { deps, clock, gateway, sql } = app;
const admin = await givenStaff(deps, "admin");
const reason = "Given back at the gateway's own desk.";

const settle = (paymentId: number) =>
  settleRefund(deps, admin, { paymentId, reference: "by-hand-7", reason });
const notInDoubt = (outcome: string) => ({ code: "PAYMENT_NOT_IN_DOUBT", details: { outcome } });

async function paymentOfBooking(bookingId: number): Promise<number> {
  const [row] = await sql.query("select id from payment_transaction where booking_id = $1", [bookingId]);
  return row?.["id"] as number;
}

/** A refund to a card that the gateway has refused to make. */
async function givenRefund() {
  const customer = await givenCustomer(deps);
  const { bookingId } = await givenBooking(app, customer, "card");
  await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
  gateway.scriptRefund("declined");
  await app.reconcile();
  return { customer, bookingId, paymentId: await paymentOfBooking(bookingId) };
}

test("a refund that is in the gateway's own books is done, and not sent again", async () => {
  const { customer, bookingId, paymentId } = await givenRefund();
  clock.advance(20_000);
  expect((await listDoubts(deps, { limit: 20 })).items).toMatchObject([{ paymentId }]);
  expect(await settle(paymentId)).toEqual({ paymentId, outcome: "refunded" });
  expect((await listDoubts(deps, { limit: 20 })).items).toEqual([]);
  expect((await getBooking(deps, customer, { bookingId })).refund).toMatchObject({ state: "done" });
  clock.advance(3_600_000);
  await app.reconcile();
  expect((await cardMoneyOf(app, { bookingId })).givenBack).toEqual([]);
  const rows = await sql.query(
    "select actor, subject, details from audit_entry where action = 'refund-settled' and subject = $1",
    [customer.username],
  );
  const details = { paymentId, reference: "by-hand-7", reason };
  expect(rows).toEqual([{ actor: admin.username, subject: customer.username, details }]);
});

test("a refund younger than twenty seconds may still be on its way", async () => {
  const { bookingId, paymentId } = await givenRefund();
  clock.advance(19_999);
  expect(await problemOf(settle(paymentId))).toMatchObject({ code: "PAYMENT_IN_PROGRESS" });
  expect((await getBooking(deps, admin, { bookingId })).refund).toMatchObject({ state: "pending" });
  clock.advance(1);
  expect(await settle(paymentId)).toEqual({ paymentId, outcome: "refunded" });
});

test("a payment without a refund, one that is given back, and one that there is not have nothing to settle", async () => {
  const { bookingId } = await givenBooking(app, await givenCustomer(deps), "card");
  const paymentId = await paymentOfBooking(bookingId);
  clock.advance(20_000);
  expect(await problemOf(settle(paymentId))).toEqual(notInDoubt("completed"));
  await refundBooking(deps, admin, { bookingId, to: "wallet", reason: "Ill" });
  expect(await problemOf(settle(paymentId))).toEqual(notInDoubt("refunded"));
  const sale = await givenCounterSale(app, await givenShow(app), "A1");
  await refundBooking(deps, admin, { bookingId: sale, to: "source", reason: "Ill" });
  expect(await problemOf(settle(999_999_999))).toEqual({ code: "PAYMENT_NOT_FOUND", details: null });
});

test("of ten admins at once one settles it, beside the gateway that does it after all", async () => {
  for (let round = 0; round < 5; round += 1) {
    const { bookingId, paymentId } = await givenRefund();
    clock.advance(3_600_000);
    const settled = await together<unknown>([
      ...Array.from({ length: 10 }, () => () => settle(paymentId)),
      () => app.reconcile(),
    ]);
    const codes = settled
      .filter((result) => result.status === "rejected")
      .map((result) => codeOf(result.reason));
    expect(codes.length).toBeGreaterThanOrEqual(9);
    expect(new Set(codes)).toEqual(new Set(["PAYMENT_NOT_IN_DOUBT"]));
    expect((await getBooking(deps, admin, { bookingId })).refund).toMatchObject({ state: "done" });
    const audited = await sql.query(
      "select count(*)::int as found from audit_entry where action = 'refund-settled' and (details->>'paymentId')::int = $1",
      [paymentId],
    );
    expect(audited).toEqual([{ found: 10 - codes.length }]);
  }
});
