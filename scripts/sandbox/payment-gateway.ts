import type { IncomingMessage, ServerResponse } from "node:http";
import { type AskRoute, openChargeDesk } from "./charge-desk.ts";
import { forbidden, noSuchRoute } from "./gateway-answers.ts";
import { openBooks, type Refund } from "./gateway-books.ts";
import {
  findHeader,
  findPathSegments,
  type LoopbackServer,
  sendJson,
  startLoopbackServer,
} from "./loopback-server.ts";
import type { GatewayCall, Outcome, ScriptedCall } from "./outcomes.ts";
import { openRefundDesk } from "./refund-desk.ts";

/** Money that the gateway took: the amount with two decimals, under the caller's Idempotency-Key. */
type Charge = { key: string; transactionId: string; amount: string };

/** A running payment gateway: its address, its books, and what a test may have it do. */
export type PaymentGatewaySandbox = LoopbackServer & {
  /** Decides the next new charge, after those scripted before; without a script the card decides. */
  script(outcome: Outcome): ScriptedCall;
  /** Decides the next new refund, after those scripted before; without a script a refund succeeds. */
  scriptRefund(outcome: Outcome): ScriptedCall;
  /** Changes what asking for a payment answers; `offered` from the start. */
  setAskRoute(route: AskRoute): void;
  /** Resolves with the next payment call that arrives from now on, whatever becomes of it. */
  waitForCall(): Promise<GatewayCall>;
  /** Every `POST /payment` with the right x-api-key: new, repeated, refused and lost ones. */
  calls(): readonly GatewayCall[];
  /** The money taken and given back. Declines are in neither. */
  books(): { charges: readonly Charge[]; refunds: readonly Refund[] };
};

/**
 * The payment gateway for development and tests: `POST /payment`, `GET /payments/:key` and `POST /refund` behind
 * `x-api-key`. `booksFile` keeps its books over restarts, `now` is the clock for expiry dates, and the slow test card
 * takes `slowCardMs` (3000). Port 0, the default, takes a free one.
 */
export async function startPaymentGateway(options: {
  apiKey: string;
  port?: number;
  booksFile?: string;
  now?: () => Date;
  slowCardMs?: number;
}): Promise<PaymentGatewaySandbox> {
  let stopped = false;
  const books = openBooks(options.booksFile);
  const desk = { books, now: options.now ?? (() => new Date()), isStopped: () => stopped };
  const charges = openChargeDesk(desk, options.slowCardMs ?? 3000);
  const refunds = openRefundDesk(desk);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [collection, key, ...rest] = findPathSegments(request) ?? [];
    const route = [request.method, collection, ...(key === undefined ? [] : [":key"]), ...rest].join(" ");
    if (findHeader(request, "x-api-key") !== options.apiKey) sendJson(response, forbidden);
    else if (route === "POST payment") await charges.take(request, response);
    else if (route === "GET payments :key") sendJson(response, charges.ask(key ?? ""));
    else if (route === "POST refund") await refunds.take(request, response);
    else sendJson(response, noSuchRoute);
  }

  const server = await startLoopbackServer(serve, options.port ?? 0);
  return {
    url: server.url,
    stop: async () => {
      stopped = true;
      await server.stop();
    },
    script: charges.script,
    scriptRefund: refunds.script,
    setAskRoute: charges.setAskRoute,
    waitForCall: charges.waitForCall,
    calls: charges.calls,
    books: () => ({
      charges: books
        .attempts()
        .filter(({ status }) => status === "SUCCESS")
        .map(({ key, transactionId, amount }) => ({ key, transactionId, amount })),
      refunds: books.refunds(),
    }),
  };
}
