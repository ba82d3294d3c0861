import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { Decimal } from "decimal.js";
import { listFormErrors, type PaymentForm, testCards } from "./cards.ts";
import {
  attemptAnswer,
  keyUsedTwice,
  listKeyErrors,
  noSuchRoute,
  rejected,
  textOf,
  unavailable,
  unknownKey,
} from "./gateway-answers.ts";
import type { Attempt, Books } from "./gateway-books.ts";
import { type Answer, findHeader, readJsonObject, sendJson } from "./loopback-server.ts";
import { createOutcomeQueue, type GatewayCall, play, type Step, unscriptedStep } from "./outcomes.ts";

/** Whether `GET /payments/:key` works, is no route of this gateway, or fails with 503. */
export type AskRoute = "offered" | "missing" | "unavailable";

/** What a desk needs of the gateway it belongs to. */
export type Desk = { books: Books; now: () => Date; isStopped: () => boolean };

type Running = { fingerprint: string; amount: string; answer: Promise<Answer> };

/** The part of the gateway that takes payments and is asked about them. A slow test card takes `slowCardMs`. */
export function openChargeDesk({ books, now, isStopped }: Desk, slowCardMs: number) {
  const queue = createOutcomeQueue();
  const calls: GatewayCall[] = [];
  const running = new Map<string, Running>();
  let nextCall = Promise.withResolvers<GatewayCall>();
  let askRoute: AskRoute = "offered";

  function noteCall(call: GatewayCall): void {
    calls.push(call);
    nextCall.resolve(call);
    nextCall = Promise.withResolvers();
  }

  function settle(key: string, form: PaymentForm, status: Attempt["status"]): Answer {
    return books.exclusively(() => {
      // A call that waited may meet the outcome of a later call with its key; that one counts.
      const known = books.findAttempt(key);
      if (known !== undefined) return attemptAnswer(known);
      const attempt = newAttempt(key, form, status, now());
      books.addAttempt(attempt);
      return attemptAnswer(attempt);
    });
  }

  function announce(key: string, form: PaymentForm, answer: Promise<Answer>): void {
    running.set(key, { fingerprint: fingerprintOf(form), amount: toAmount(form.amount), answer });
    const forget = () => running.delete(key);
    answer.then(forget, forget);
  }

  async function charge(key: string, form: PaymentForm, response: ServerResponse): Promise<void> {
    const step = queue.take() ?? stepOfCard(form.cardNumber, slowCardMs);
    const work = {
      perform: () => settle(key, form, "SUCCESS"),
      decline: () => settle(key, form, "FAILED"),
      announce: (answer: Promise<Answer>) => announce(key, form, answer),
      isStopped,
    };
    await play(step, { key, amount: form.amount }, work, response);
  }

  return {
    script: queue.add,
    calls: () => [...calls],
    waitForCall: () => nextCall.promise,
    setAskRoute: (route: AskRoute) => {
      askRoute = route;
    },

    /** Serves `POST /payment`. A key that is known or running gets its one answer and no second charge. */
    take: async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const key = findHeader(request, "idempotency-key") ?? "";
      const form = toForm(await readJsonObject(request));
      noteCall({ key, amount: form.amount });
      const known = running.get(key) ?? books.findAttempt(key);
      const errors = [...listKeyErrors(key), ...listFormErrors(form, now())];
      if (known !== undefined) sendJson(response, await repeatAnswer(known, form));
      else if (errors.length > 0) sendJson(response, rejected(errors));
      else await charge(key, form, response);
    },

    /** Answers `GET /payments/:key`. */
    ask: (key: string): Answer => {
      if (askRoute === "missing") return noSuchRoute;
      if (askRoute === "unavailable") return unavailable;
      const amount = running.get(key)?.amount;
      if (amount !== undefined) return { status: 200, body: { status: "PENDING", amount } };
      const attempt = books.findAttempt(key);
      if (attempt === undefined) return unknownKey;
      const { status, transactionId } = attempt;
      return { status: 200, body: { status, transaction_id: transactionId, amount: attempt.amount } };
    },
  };
}

async function repeatAnswer(known: Attempt | Running, form: PaymentForm): Promise<Answer> {
  if (known.fingerprint !== fingerprintOf(form)) return keyUsedTwice;
  return "answer" in known ? known.answer : attemptAnswer(known);
}

function newAttempt(key: string, form: PaymentForm, status: Attempt["status"], at: Date): Attempt {
  return {
    key,
    fingerprint: fingerprintOf(form),
    status,
    transactionId: `txn_${randomUUID()}`,
    requestId: `req_${randomUUID()}`,
    amount: toAmount(form.amount),
    at: at.toISOString(),
  };
}

/** The last digits stand for the card, so that its number cannot be found from the books. */
function fingerprintOf(form: PaymentForm): string {
  const parts = [form.cardNumber.slice(-4), form.expiry, form.name, form.amount];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function stepOfCard(cardNumber: string, slowCardMs: number): Step {
  if (cardNumber === testCards.declined) return unscriptedStep("declined");
  if (cardNumber !== testCards.slow) return unscriptedStep("success");
  return unscriptedStep("slow", delay(slowCardMs, undefined, { ref: false }));
}

function toForm(body: Record<string, unknown> | undefined): PaymentForm {
  return {
    cardNumber: textOf(body?.card_number),
    cvv: textOf(body?.cvv),
    expiry: textOf(body?.expiry),
    name: textOf(body?.name),
    amount: textOf(body?.amount),
  };
}

function toAmount(amount: string): string {
  return new Decimal(amount).toFixed(2);
}
