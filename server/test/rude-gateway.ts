import type { IncomingMessage, ServerResponse } from "node:http";
import { readJsonObject, sendJson, startLoopbackServer } from "../../scripts/sandbox/loopback-server.ts";
import type { Clock } from "../src/runtime/ports.ts";
import { connectPaymentGateway } from "../src/payment/card-gateway.ts";
import { whenOver } from "./when-over.ts";

/** One request as a gateway gets it: a charge, a question about one, or a refund. */
export interface Asked {
  what: "charge" | "ask" | "refund" | "other";
  key: string;
  body: Record<string, unknown>;
}

/** A status and a body, or what is done with the connection. */
export type Rude =
  | { status: number; body: unknown }
  | ((response: ServerResponse, request: IncomingMessage) => void);

/** A gateway that says whatever a test wants it to, however wrong, behind the real protocol. */
export interface RudeGateway {
  gateway: ReturnType<typeof connectPaymentGateway>;
  /** Where servers in processes of their own reach it. */
  url: string;
  asked: Asked[];
  /** What it says from now on. */
  says(answer: (asked: Asked) => Rude | Promise<Rude>): void;
}

/** Starts it for the test or the test file that calls it, and stops it when that is over. */
export async function startRudeGateway({ clock }: { clock: Clock }): Promise<RudeGateway> {
  const asked: Asked[] = [];
  let answer: ((asked: Asked) => Rude | Promise<Rude>) | undefined;
  const server = await startLoopbackServer(async (request, response) => {
    const one = {
      what: whatOf(request),
      key: String(request.headers["idempotency-key"] ?? request.url?.split("/").at(-1)),
      body: (await readJsonObject(request)) ?? {},
    };
    asked.push(one);
    const said = (await answer?.(one)) ?? { status: 503, body: {} };
    if (typeof said === "function") said(response, request);
    else sendJson(response, said);
  }, 0);
  whenOver(() => server.stop());
  return {
    gateway: connectPaymentGateway({ url: server.url, apiKey: "any", clock }),
    url: server.url,
    asked,
    says(next) {
      answer = next;
    },
  };
}

function whatOf({ method, url }: IncomingMessage): Asked["what"] {
  if (method === "GET" && url?.startsWith("/payments/")) return "ask";
  if (url === "/payment") return "charge";
  return url === "/refund" ? "refund" : "other";
}

/** Cuts the connection. */
export const reset: Rude = (response) => response.socket?.resetAndDestroy();

/** The gateway knows no such payment. */
export const unknownKey: Rude = { status: 404, body: { status: "UNKNOWN_KEY" } };

/** It has charged. */
export function success(transactionId: string, amount?: string): Rude {
  return {
    status: 200,
    body: { status: "SUCCESS", transaction_id: transactionId, ...(amount !== undefined && { amount }) },
  };
}
