import { bookingTransitions, expireAnyDue, findPayment, paymentTransitions } from "@skyfox/db";
import { expect, test } from "vitest";
import { createCardsWithAPlan, type Plan } from "../../test/cards-with-a-plan.ts";
import { givenCustomer, givenShow, givenStaff } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { until } from "../../test/until.ts";
import { listTransitions, watchTransitions } from "../../test/watch-transitions.ts";
import { cancelShow } from "../booking/cancel-show.ts";
import { checkIn } from "../door/check-in.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { sellAtCounter } from "../booking/sell-at-counter.ts";
import { cancelBooking } from "../booking/cancel-booking.ts";
import { getBooking } from "../booking/get-booking.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { Decimal } from "../contract/index.ts";
import { addFunds } from "../wallet/add-funds.ts";
import { recordOutcome } from "./record-outcome.ts";

const app = await createTestApp();
const { clock } = app;
const cards = createCardsWithAPlan(app);
const deps = { ...app.deps, gateway: cards };
const admin = await givenStaff(deps, "admin");
const customer = await givenCustomer(deps);

async function hold(showId?: number) {
  const input = { showId: showId ?? (await givenShow(app)), seatNumbers: ["A1"] };
  return await holdSeats(deps, customer, input);
}

function pay(bookingId: number, plan: Plan) {
  return refusalOf(payBooking(deps, customer, { bookingId, method: "Card", card: cards.cardFor(plan) }));
}

async function wait(seconds: number) {
  clock.advance(seconds * 1_000);
  await deps.monitors.settled();
  await expireAnyDue(deps.db, 100, clock.now());
  await app.reconcile();
}

const newestPayment = "select id from payment_transaction where booking_id = $1 order by id desc limit 1";

/** Another server hears of the newest payment that it has charged. */
async function contradict(bookingId: number) {
  const [row] = await app.sql.query(newestPayment, [bookingId]);
  const payment = (await findPayment(deps.db, row?.["id"] as number))!;
  const charged = { kind: "success", transactionId: `contrary-${payment.id}` } as const;
  await recordOutcome(deps, deps.subjects.of(payment), payment, charged);
}

const why = { reason: "The projector is broken." };

/** Every way on that there is, each with the state in which it leaves its booking. */
const tours: [what: string, tour: () => Promise<number>, leaves: string][] = [
  [
    "a hold that is given up",
    async () => (await cancelBooking(deps, customer, await hold())).bookingId,
    "Cancelled",
  ],
  [
    "a hold that runs out",
    async () => {
      const { bookingId } = await hold();
      await wait(301);
      return bookingId;
    },
    "Expired",
  ],
  [
    "an overdue hold whose seats another buyer takes",
    async () => {
      const { bookingId, showId } = await hold();
      deps.monitors.disarm(bookingId);
      clock.advance(301_000);
      await cancelBooking(deps, customer, await hold(showId));
      return bookingId;
    },
    "Expired",
  ],
  [
    "a card that is charged, and given back",
    async () => {
      const { bookingId } = await hold();
      expect(await pay(bookingId, "success")).toBe("accepted");
      await refundBooking(deps, admin, { bookingId, to: "source", ...why });
      return bookingId;
    },
    "Refunded",
  ],
  [
    "a wallet that has enough",
    async () => {
      await addFunds(deps, customer, { amount: new Decimal("200.00"), card: cards.cardFor("success") });
      const { bookingId } = await hold();
      await payBooking(deps, customer, { bookingId, method: "Wallet" });
      return bookingId;
    },
    "Confirmed",
  ],
  [
    "every card that the gateway does not take, and a third one declined",
    async () => {
      const { bookingId } = await hold();
      const plans: Plan[] = ["rejected", "forbidden", "declined", "declined", "declined"];
      for (const plan of plans) await pay(bookingId, plan);
      return bookingId;
    },
    "Cancelled",
  ],
  [
    "an answer that was lost after the charge",
    async () => {
      const { bookingId } = await hold();
      expect(await pay(bookingId, "error-after-success")).toBe("PAYMENT_OUTCOME_UNKNOWN");
      await wait(1);
      return bookingId;
    },
    "Confirmed",
  ],
  [
    "an answer that was lost after a decline",
    async () => {
      const { bookingId } = await hold();
      await pay(bookingId, "declined-unheard");
      await wait(1);
      return bookingId;
    },
    "Pending",
  ],
  [
    "a payment that the gateway cannot be asked about for ten minutes",
    async () => {
      const { bookingId } = await hold();
      await pay(bookingId, "timeout-after-effect");
      app.gateway.setAskRoute("unavailable");
      await wait(600);
      app.gateway.setAskRoute("offered");
      await wait(600);
      return bookingId;
    },
    "Expired",
  ],
  [
    "a charge that comes after the gateway said that it knew of none",
    async () => {
      const { bookingId } = await hold();
      await pay(bookingId, "late");
      await wait(1);
      await wait(20);
      await cards.chargeLate();
      await wait(3_600);
      return bookingId;
    },
    "Expired",
  ],
  [
    "a charge that one server was told of and another was not: declined, rejected",
    async () => {
      const { bookingId } = await hold();
      for (const plan of ["declined", "rejected"] as const) {
        await pay(bookingId, plan);
        await contradict(bookingId);
      }
      return bookingId;
    },
    "Pending",
  ],
  [
    "a card that is refused after it was asked about",
    async () => {
      const { bookingId } = await hold();
      const asked = Promise.withResolvers<void>();
      const charge = async () => {
        await asked.promise;
        return { kind: "rejected" as const, errors: [] };
      };
      const slow = { ...deps, gateway: { ...deps.gateway, charge } };
      const paying = refusalOf(
        payBooking(slow, customer, { bookingId, method: "Card", card: cards.cardFor("rejected") }),
      );
      await until(app.sql, newestPayment, [bookingId]);
      app.gateway.setAskRoute("unavailable");
      await wait(11);
      app.gateway.setAskRoute("offered");
      asked.resolve();
      expect(await paying).toBe("PAYMENT_VALIDATION_FAILED");
      return bookingId;
    },
    "Pending",
  ],
  [
    "a show that is cancelled while its seats are held and paid for",
    async () => {
      const { bookingId, showId } = await hold();
      const other = await holdSeats(deps, customer, { showId, seatNumbers: ["A2"] });
      await pay(bookingId, "error-after-success");
      await cancelShow(deps, admin, { showId, ...why });
      await wait(1);
      expect(await getBooking(deps, customer, other)).toMatchObject({ status: "Cancelled" });
      return bookingId;
    },
    "Cancelled",
  ],
  [
    "a sale at the counter whose people have come when the show is cancelled",
    async () => {
      const showId = await givenShow(app);
      const walkIn = { customerName: "Walk In", phoneNumber: "9876543210" };
      const sale = await sellAtCounter(deps, admin, { showId, seatNumbers: ["A1"], ...walkIn });
      clock.set(sale.startsAt);
      await checkIn(deps, admin, { bookingIds: [sale.bookingId] });
      await cancelShow(deps, admin, { showId, ...why });
      return sale.bookingId;
    },
    "Refunded",
  ],
];

test("bookings and payments go exactly the ways that their tables name", async () => {
  const seen = await watchTransitions(app);
  for (const [what, tour, status] of tours) {
    const bookingId = await tour();
    expect([what, (await getBooking(deps, admin, { bookingId })).status]).toEqual([what, status]);
  }
  await wait(3_601);
  const { bookings, payments } = await seen();
  expect(bookings).toEqual(listTransitions(bookingTransitions, ["Confirmed", "Pending"]));
  expect(payments).toEqual(listTransitions(paymentTransitions, ["Started"]));
});
