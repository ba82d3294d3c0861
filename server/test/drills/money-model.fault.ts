import { bookingTransitions, expireAnyDue, hurryPaymentsAndRefunds, paymentTransitions } from "@skyfox/db";
import { Decimal } from "decimal.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Outcome } from "../../../scripts/sandbox/outcomes.ts";
import { createCardsWithAPlan, type Plan } from "../cards-with-a-plan.ts";
import { givenCustomers, givenShow, givenStaff } from "../given.ts";
import { assertSame, createMoneyModel, type Sale } from "../money-model.ts";
import { createTestApp } from "../test-app.ts";
import { codeOf, together } from "../together.ts";
import { listTransitions, watchTransitions } from "../watch-transitions.ts";
import { cancelShow, getShowCancellation } from "../../src/booking/cancel-show.ts";
import { listDoubts, resolvePayment } from "../../src/payment/payments-in-doubt.ts";
import { refundBooking } from "../../src/booking/refund-booking.ts";
import { cancelBooking } from "../../src/booking/cancel-booking.ts";
import { holdSeats } from "../../src/booking/hold-seats.ts";
import { payBooking } from "../../src/booking/pay-booking.ts";
import type { User } from "../../src/deps.ts";
import { askAfter } from "../../src/payment/charge-card.ts";
import { addFunds } from "../../src/wallet/add-funds.ts";

const stories = 150;
const dayMs = 86_400_000;
const costs = ["199.99", "250.10"] as const;
const deluxeSurcharge = 150;
const everything = { cursor: undefined, limit: 100 };

const app = await createTestApp();
const { clock, gateway } = app;
const cards = createCardsWithAPlan(app);
const deps = { ...app.deps, gateway: cards };
const admin = await givenStaff(deps, "admin");
const seenTransitions = await watchTransitions(app);
const figures = { acts: 0, mixed: 0, refusals: new Map<string, number>() };

type Method = "card" | "wallet" | "both";
type Wish = { buyer: number; show: number; seats: string[] };

/** What one person does; numbers choose among what there is at that moment. */
type Act =
  | { act: "top up"; buyer: number; paise: number; plan: Plan }
  | ({ act: "hold" } & Wish)
  | ({ act: "buy"; method: Method; plan: Plan } & Wish)
  | { act: "pay"; buyer: number; which: number; method: Method; plan: Plan }
  | { act: "cancel"; buyer: number; which: number }
  | { act: "refund"; which: number; to: "source" | "wallet"; answer: Outcome }
  | { act: "cancel show"; show: number }
  | { act: "resolve"; which: number }
  | { act: "reconcile" };

/** What several do at once, or what happens while all are idle. */
type Step =
  | Act[]
  | { waitSeconds: number }
  | { restart: "gateway answers" | "gateway is silent" }
  | "late charges";

const plan = fc.oneof(
  { weight: 7, arbitrary: fc.constant<Plan>("success") },
  {
    weight: 10,
    arbitrary: fc.constantFrom<Plan[]>(
      "declined",
      "declined-unheard",
      "rejected",
      "forbidden",
      "unavailable",
      "timeout-after-effect",
      "timeout-before-effect",
      "error-after-success",
      "conflict-after-success",
      "reset-after-effect",
      "late",
      "late",
    ),
  },
);
const method = fc.constantFrom<Method[]>("card", "wallet", "both", "both");
const buyer = fc.nat({ max: 2 });
const show = fc.nat({ max: 1 });
const which = fc.nat({ max: 20 });
const paise = fc.integer({ min: 1, max: 60_000 });
const seats = fc.uniqueArray(fc.constantFrom("A1", "A2", "A3", "A4", "A5", "F1", "F2", "F3"), {
  minLength: 1,
  maxLength: 2,
});
const to = fc.constantFrom("source", "wallet");
const answer = fc.constantFrom("success", "success", "declined", "unavailable", "error-after-success");

const act = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant("top up"), buyer, paise, plan }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("hold"), buyer, show, seats }) },
  { weight: 14, arbitrary: fc.record({ act: fc.constant("buy"), buyer, show, seats, method, plan }) },
  { weight: 12, arbitrary: fc.record({ act: fc.constant("pay"), buyer, which, method, plan }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("cancel"), buyer, which }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("refund"), which, to, answer }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("cancel show"), show }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("resolve"), which }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("reconcile") }) },
) as fc.Arbitrary<Act>;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.array(act, { minLength: 1, maxLength: 4, size: "max" }) },
  { weight: 3, arbitrary: fc.record({ waitSeconds: fc.constantFrom(1, 25, 25, 290, 301, 601) }) },
  { weight: 2, arbitrary: fc.constant<Step>({ restart: "gateway answers" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ restart: "gateway is silent" }) },
  { weight: 1, arbitrary: fc.constant<Step>("late charges") },
);

// A failure prints its seed and path: give both to fc.assert, beside numRuns, to see it again.
test(
  "money is neither made nor lost, whatever customers, admins and the gateway do",
  { timeout: 900_000 },
  async () => {
    const [seed] = crypto.getRandomValues(new Int32Array(1));
    const startedAt = performance.now();
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14, size: "max" }), tell), {
      seed: seed!,
      numRuns: stories,
      interruptAfterTimeLimit: 840_000,
      markInterruptAsFailure: true,
    });
    const seen = await seenTransitions();
    const allowed = {
      bookings: listTransitions(bookingTransitions, ["Pending"]),
      payments: listTransitions(paymentTransitions, ["Started", "Completed"]),
    };
    expect(allowed.bookings).toEqual(expect.arrayContaining(seen.bookings));
    expect(allowed.payments).toEqual(expect.arrayContaining(seen.payments));
    const { charges, refunds } = gateway.books();
    const refusals = [...figures.refusals].map(([code, count]) => `${code} ${count}`);
    console.log(
      `P7, P13: ${stories} stories of ${figures.acts} acts, seed ${seed}: ${charges.length} charges, ${figures.mixed} of them beside a wallet, ` +
        `and ${refunds.length} refunds, no paisa off; ${((performance.now() - startedAt) / 1_000).toFixed(0)} s. ` +
        `Refused: ${refusals.join(", ")}. Transitions seen: ${seen.bookings.length + seen.payments.length}.`,
    );
  },
);

/** Tells one story from its first step to the end of everything that it has begun; throws where the money is wrong. */
async function tell(steps: Step[]): Promise<void> {
  // A day for each story, so that nothing of an earlier one is ever due.
  clock.advance(dayMs);
  await app.forgetCounts();
  const today = clock.now().toTemporalInstant().toZonedDateTimeISO("Asia/Kolkata").toPlainDate();
  const date = today.add({ days: 2 }).toString();
  // Empty, unless an earlier story has failed and is being shortened.
  const earlier = await listBroken();
  const shows = [
    await givenShow(app, { date, cost: costs[0] }),
    await givenShow(app, { date, cost: costs[1] }),
  ];
  const buyers = await givenCustomers(deps, 3);
  const model = createMoneyModel(app, cards, { buyers, shows });
  /** Payments that an admin has seen in doubt, and may ask about at any time since. */
  const doubted = new Set<number>();
  // Too little for most seats, so that wallets and cards pay together.
  for (const who of buyers) await topUp(who, { paise: 15_037, plan: "success" });
  await model.look();

  for (const one of steps) {
    if (one === "late charges") await cards.chargeLate();
    else if ("waitSeconds" in one) await wait(one.waitSeconds);
    else if ("restart" in one) await restart(one.restart);
    else await atOnce(one);
    await model.look();
  }

  // Late charges are made by now, and what is to be asked once more is asked.
  await cards.chargeLate();
  await restart("gateway answers");
  await wait(601);
  for (let round = 0; round < 8; round += 1) {
    await wait(1_800);
    await app.reconcile();
  }
  await wait(dayMs / 1_000);
  await app.reconcile();
  await model.look();
  model.assertSettled();
  for (const who of buyers) {
    const [books] = await app.sql.query(
      `select coalesce(sum(card_amount), 0)::text as card, coalesce(sum(wallet_amount), 0)::text as wallet
       from payment_transaction where username = $1 and status = 'Completed'`,
      [who.username],
    );
    const { card, wallet } = model.takenFrom(who);
    assertSame(`our books of the cards of ${who.username}`, money(books?.["card"]), money(card));
    assertSame(`our books of the wallet of ${who.username}`, money(books?.["wallet"]), money(wallet));
  }
  const { items: doubts } = await listDoubts(deps, everything);
  expect(doubts.filter(({ username }) => buyers.some((who) => who.username === username))).toEqual([]);
  for (const showId of model.cancelledShows)
    expect(await getShowCancellation(deps, { showId })).toMatchObject({ status: "done", failed: [] });
  expect((await listBroken()).difference(earlier)).toEqual(new Set());

  async function atOnce(acts: Act[]): Promise<void> {
    figures.acts += acts.length;
    const settled = await together(acts.map((one) => () => perform(one, acts.length === 1)));
    for (const result of settled) if (result.status === "rejected") throw result.reason;
  }

  async function perform(one: Act, isAlone: boolean): Promise<void> {
    switch (one.act) {
      case "top up":
        await topUp(buyers[one.buyer]!, one);
        break;
      case "hold":
        await hold(one);
        break;
      case "buy": {
        const sale = await hold(one);
        if (sale !== undefined) await pay(sale, one, isAlone);
        break;
      }
      case "pay": {
        const sale = pick(salesOf(one.buyer), ["Pending", "Paying"], one.which);
        if (sale !== undefined) await pay(sale, one, isAlone);
        break;
      }
      case "cancel": {
        const sale = pick(salesOf(one.buyer), ["Pending"], one.which);
        if (sale === undefined) break;
        const codes = ["PAYMENT_IN_PROGRESS", "INVALID_BOOKING_STATUS"];
        const { given } = await answerTo(cancelBooking(deps, sale.buyer, sale), codes);
        if (given !== undefined) sale.isGivenUp = true;
        break;
      }
      case "refund": {
        const sale = pick(model.sales, ["Confirmed"], one.which);
        if (sale !== undefined) await refund(sale, one);
        break;
      }
      case "cancel show": {
        const showId = shows[one.show]!;
        model.cancelledShows.add(showId);
        await cancelShow(deps, admin, { showId, reason: "The projector is broken." });
        break;
      }
      case "resolve": {
        await noteDoubts();
        const paymentId = [...doubted][one.which % Math.max(1, doubted.size)];
        if (paymentId !== undefined) await resolvePayment(deps, admin, { paymentId });
        break;
      }
      case "reconcile":
        await app.reconcile();
    }
  }

  async function noteDoubts(): Promise<void> {
    const { items } = await listDoubts(deps, everything);
    for (const { paymentId } of items) doubted.add(paymentId);
  }

  function salesOf(index: number): Sale[] {
    return model.sales.filter((sale) => sale.buyer === buyers[index]);
  }

  async function topUp(who: User, how: { paise: number; plan: Plan }): Promise<void> {
    const amount = new Decimal(how.paise).dividedBy(100);
    const card = cards.cardFor(how.plan);
    const funds = { buyer: who, amount, card, isAdded: false };
    model.topUps.push(funds);
    const { refusal } = await answerTo(addFunds(deps, who, { amount, card }), Object.values(refusalAfter));
    assertSame(`answer when the gateway says ${how.plan}`, refusal, refusalWhen(how.plan));
    assertSame("what the card is charged", cards.chargeOf(card)?.amount, amount.toFixed(2));
    funds.isAdded = refusal === undefined;
  }

  async function hold({
    buyer: index,
    show: showIndex,
    seats: seatNumbers,
  }: Wish): Promise<Sale | undefined> {
    const who = buyers[index]!;
    const showId = shows[showIndex]!;
    const codes = ["SEATS_UNAVAILABLE", "TOO_MANY_HOLDS", "SHOW_CANCELLED"];
    const { given } = await answerTo(holdSeats(deps, who, { showId, seatNumbers }), codes);
    if (given === undefined) return undefined;
    const deluxe = seatNumbers.filter((seat) => seat.startsWith("F")).length;
    const price = new Decimal(costs[showIndex]!).times(seatNumbers.length).plus(deluxeSurcharge * deluxe);
    assertSame("price", given.amountDue.toFixed(2), price.toFixed(2));
    const { bookingId } = given;
    const sale: Sale = {
      bookingId,
      buyer: who,
      showId,
      seats: seatNumbers,
      price,
      heldAt: clock.now(),
      isGivenUp: false,
      attempts: [],
      isPaid: false,
      refundTo: undefined,
      status: "Pending",
    };
    model.sales.push(sale);
    return sale;
  }

  async function pay(sale: Sale, how: { method: Method; plan: Plan }, isAlone: boolean): Promise<void> {
    const { bookingId, price } = sale;
    const available = model.availableTo(sale.buyer);
    const startedAt = clock.now();
    const card = cards.cardFor(how.plan);
    const input =
      how.method === "card"
        ? { bookingId, method: "Card" as const, card }
        : { bookingId, method: "Wallet" as const, ...(how.method === "both" && { card }) };
    const codes = [...Object.values(refusalAfter), ...refusedBefore];
    const { given, refusal } = await answerTo(payBooking(deps, sale.buyer, input), codes);

    const charge = cards.chargeOf(card);
    const cardPart = new Decimal(charge?.amount ?? 0);
    if (charge !== undefined) {
      // Charged while its show was being cancelled: that is on its way back.
      const isTooLate = refusal === "SHOW_CANCELLED" && how.plan === "success" && !isAlone;
      if (!isTooLate) assertSame(`answer when the gateway says ${how.plan}`, refusal, refusalWhen(how.plan));
      if (how.method === "card") assertSame("card part", charge.amount, price.toFixed(2));
      else if (isAlone) assertSame("card part", charge.amount, price.minus(available).toFixed(2));
      if (!cardPart.equals(price)) figures.mixed += 1;
    } else if (isAlone && how.method === "wallet" && refusal === "INSUFFICIENT_BALANCE") {
      assertSame(
        `${available.toFixed(2)} is too little for ${price.toFixed(2)}`,
        available.lessThan(price),
        true,
      );
    }
    if (charge !== undefined || given !== undefined) {
      // A wallet that pays alone has paid: nothing begins after it.
      const turn = charge?.turn ?? Infinity;
      sale.attempts.push({ card: charge && card, cardPart, startedAt, turn });
      sale.attempts.sort((one, other) => one.turn - other.turn);
    }
    if (given === undefined) return;
    sale.isPaid = true;
    assertSame("amount paid", given.amountPaid.toFixed(2), price.toFixed(2));
    assertSame("its card part", given.cardAmount.toFixed(2), cardPart.toFixed(2));
    assertSame("its wallet part", given.walletAmount.toFixed(2), price.minus(cardPart).toFixed(2));
  }

  async function refund(sale: Sale, how: { to: "source" | "wallet"; answer: Outcome }): Promise<void> {
    if (how.to === "source") gateway.scriptRefund(how.answer);
    const input = { bookingId: sale.bookingId, to: how.to, reason: "The customer is ill." };
    const { given } = await answerTo(refundBooking(deps, admin, input), ["INVALID_BOOKING_STATUS"]);
    if (given === undefined) return;
    sale.refundTo = how.to;
    assertSame("refund", given.refund?.amount.toFixed(2), sale.price.toFixed(2));
  }

  async function wait(seconds: number): Promise<void> {
    clock.advance(seconds * 1_000);
    await deps.monitors.settled();
    await expireAnyDue(deps.db, 1_000, clock.now());
  }

  // As after a start, everything open is asked about; what can be known by then is not open afterwards.
  async function restart(how: "gateway answers" | "gateway is silent"): Promise<void> {
    const paying = model.sales.filter(({ status }) => status === "Paying");
    await noteDoubts();
    gateway.setAskRoute(how === "gateway answers" ? "offered" : "unavailable");
    const now = clock.now();
    await hurryPaymentsAndRefunds(deps.db, { now, latestFirstTurn: askAfter(now) });
    await app.reconcile();
    gateway.setAskRoute("offered");
    await model.look();
    for (const { bookingId, showId, status } of model.sales) {
      const isHeld = model.cancelledShows.has(showId) && status === "Pending";
      assertSame(`booking ${bookingId} of a cancelled show is held`, isHeld, false);
    }
    for (const sale of paying) {
      const last = sale.attempts.at(-1)!;
      const isCharged = model.isCharged(last);
      const isOpen = sale.status === "Paying";
      const isBelievable = clock.now().getTime() - last.startedAt.getTime() >= 20_000;
      const isKnown = isCharged || isBelievable || plannedDecline(last);
      const label = `booking ${sale.bookingId} stays open`;
      assertSame(label, isOpen, how === "gateway is silent" || !isKnown);
      const isKept = isCharged && how === "gateway answers" && !model.cancelledShows.has(sale.showId);
      if (isKept) assertSame(`booking ${sale.bookingId}, charged in time`, sale.status, "Confirmed");
    }
  }
}

async function listBroken(): Promise<Set<string>> {
  return new Set((await app.listViolations()).map((violation) => JSON.stringify(violation)));
}

function plannedDecline({ card }: Sale["attempts"][number]): boolean {
  return card !== undefined && cards.planOf(card) === "declined-unheard";
}

// What a payer gets when the gateway does this; undefined when nothing is refused.
const refusalAfter = {
  declined: "PAYMENT_DECLINED",
  rejected: "PAYMENT_VALIDATION_FAILED",
  forbidden: "PAYMENT_GATEWAY_UNAVAILABLE",
  unheard: "PAYMENT_OUTCOME_UNKNOWN",
};

function refusalWhen(planned: Plan): string | undefined {
  if (planned === "success") return undefined;
  if (planned === "declined" || planned === "rejected" || planned === "forbidden")
    return refusalAfter[planned];
  return refusalAfter.unheard;
}

const refusedBefore = [
  "SHOW_CANCELLED",
  "INVALID_BOOKING_STATUS",
  "PAYMENT_IN_PROGRESS",
  "BOOKING_EXPIRED",
  "INSUFFICIENT_BALANCE",
];

function money(amount: unknown): string {
  return new Decimal(String(amount)).toFixed(2);
}

// One of those in such a state, if there is any; otherwise one in another, which ought to be refused.
function pick(sales: Sale[], statuses: Sale["status"][], index: number): Sale | undefined {
  const right = sales.filter(({ status }) => statuses.includes(status));
  const among = right.length > 0 ? right : sales;
  return among[index % Math.max(1, among.length)];
}

// What was given, or the code of a refusal that may be here; whatever else comes ends the story.
async function answerTo<Answer>(
  work: Promise<Answer>,
  codes: string[],
): Promise<{ given: Answer; refusal: undefined } | { given: undefined; refusal: string }> {
  try {
    return { given: await work, refusal: undefined };
  } catch (error) {
    const refusal = codeOf(error);
    if (typeof refusal !== "string" || !codes.includes(refusal)) throw error;
    figures.refusals.set(refusal, (figures.refusals.get(refusal) ?? 0) + 1);
    return { given: undefined, refusal };
  }
}
