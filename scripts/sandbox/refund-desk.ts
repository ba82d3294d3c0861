import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Decimal } from "decimal.js";
import type { Desk } from "./charge-desk.ts";
import {
  keyUsedTwice,
  listAmountErrors,
  listKeyErrors,
  refundAnswer,
  rejected,
  textOf,
  unknownTransaction,
} from "./gateway-answers.ts";
import type { Refund } from "./gateway-books.ts";
import { type Answer, findHeader, readJsonObject, sendJson } from "./loopback-server.ts";
import { createOutcomeQueue, play, unscriptedStep } from "./outcomes.ts";

type Asked = Pick<Refund, "key" | "transactionId" | "amount">;

/** The part of the gateway that gives money back: once per key, and never more than a charge took. */
export function openRefundDesk({ books, now, isStopped }: Desk) {
  const queue = createOutcomeQueue();

  function settle(asked: Asked): Answer {
    return books.exclusively(() => settleAlone(asked));
  }

  function settleAlone(asked: Asked): Answer {
    const given = books.findRefund(asked.key);
    if (given !== undefined) return isSame(given, asked) ? refundAnswer(given) : keyUsedTwice;
    const charge = books.findTransaction(asked.transactionId);
    if (charge === undefined) return unknownTransaction;
    const left = books.refundable(charge);
    if (left.lessThan(asked.amount))
      return notRefundable("amount", `At most ${left.toFixed(2)} can be refunded`);
    const entry = {
      ...asked,
      refundId: `ref_${randomUUID()}`,
      requestId: `req_${randomUUID()}`,
      at: now().toISOString(),
    };
    books.addRefund(entry);
    return refundAnswer(entry);
  }

  async function refund(asked: Asked, response: ServerResponse): Promise<void> {
    const work = {
      perform: () => settle(asked),
      decline: () => notRefundable("transaction_id", "This charge cannot be refunded"),
      // Only payments can be asked about, so a slow refund reports nothing.
      announce: () => undefined,
      isStopped,
    };
    await play(queue.take() ?? unscriptedStep("success"), asked, work, response);
  }

  return {
    script: queue.add,

    /** Serves `POST /refund`. Only a refund that is new and of a known charge takes a scripted outcome. */
    take: async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const key = findHeader(request, "idempotency-key") ?? "";
      const body = await readJsonObject(request);
      const amount = textOf(body?.amount);
      const errors = [...listKeyErrors(key), ...listAmountErrors(amount)];
      if (errors.length > 0) {
        sendJson(response, rejected(errors));
        return;
      }
      const asked = {
        key,
        transactionId: textOf(body?.transaction_id),
        amount: new Decimal(amount).toFixed(2),
      };
      const isNew =
        books.findRefund(key) === undefined && books.findTransaction(asked.transactionId) !== undefined;
      if (isNew) await refund(asked, response);
      else sendJson(response, settle(asked));
    },
  };
}

function isSame(given: Refund, asked: Asked): boolean {
  return given.transactionId === asked.transactionId && given.amount === asked.amount;
}

function notRefundable(field: string, message: string): Answer {
  return rejected([{ field, message }]);
}
