import { z } from "zod";
import type { Decimal } from "../contract/index.ts";
import type {
  CardCharge,
  ChargeOutcome,
  ChargeReport,
  Clock,
  PaymentGateway,
  RefundOutcome,
} from "../deps.ts";

const chargeTimeoutMs = 10_000;
// Asking and refunding can be repeated, so nobody has to wait long for them.
const askTimeoutMs = 3_000;

const chargeAnswer = z.discriminatedUnion("status", [
  z.object({ status: z.literal("SUCCESS"), transaction_id: z.string().min(1).max(255) }),
  z.object({ status: z.literal("FAILED"), message: z.string().catch("declined").transform(toReason) }),
]);
const rejection = z.object({ errors: z.array(z.object({ field: z.string(), message: z.string() })) });
const report = z.discriminatedUnion("status", [
  z.object({ status: z.literal("SUCCESS"), transaction_id: z.string().min(1).max(255), amount: z.string() }),
  z.object({ status: z.enum(["FAILED", "PENDING"]) }),
]);
const unknownKey = z.object({ status: z.literal("UNKNOWN_KEY") });

/** The gateway behind `PAYMENT_GATEWAY_URL`, by its HTTP protocol; a charge takes ten seconds at most. */
export function connectPaymentGateway(options: {
  url: string;
  apiKey: string;
  clock: Clock;
  timeoutMs?: number;
}): PaymentGateway {
  const base = options.url.replace(/\/+$/, "");
  const shorten = (timeoutMs: number) => Math.min(timeoutMs, options.timeoutMs ?? timeoutMs);

  async function call(
    method: "GET" | "POST",
    path: string,
    timeoutMs: number,
    content: { key?: string; body?: object } = {},
  ): Promise<Reply> {
    const { key, body } = content;
    const request: RequestInit = {
      method,
      headers: {
        "x-api-key": options.apiKey,
        accept: "application/json",
        ...(key !== undefined && { "idempotency-key": key }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      redirect: "manual",
      signal: AbortSignal.timeout(shorten(timeoutMs)),
    };
    if (body !== undefined) request.body = JSON.stringify(body);
    try {
      const response = await fetch(`${base}${path}`, request);
      const text = await response.text();
      return { kind: "answer", status: response.status, body: parseJson(text) };
    } catch (error) {
      return { kind: neverSent(error) ? "not-sent" : "lost", reason: reasonOf(error) };
    }
  }

  return {
    async charge(charge) {
      const content = { key: charge.key, body: writeCharge(charge, options.clock.now()) };
      return readCharge(await call("POST", "/payment", chargeTimeoutMs, content));
    },
    async findCharge({ key, amount }) {
      return readReport(await call("GET", `/payments/${encodeURIComponent(key)}`, askTimeoutMs), amount);
    },
    async refund({ key, transactionId, amount }) {
      const content = { key, body: { transaction_id: transactionId, amount: amount.toFixed(2) } };
      return readRefund(await call("POST", "/refund", askTimeoutMs, content));
    },
  };
}

type Reply =
  | { kind: "answer"; status: number; body: unknown }
  /** The request never left: nothing can have happened. */
  | { kind: "not-sent"; reason: string }
  /** Cut or too slow: anything can have happened. */
  | { kind: "lost"; reason: string };

function writeCharge({ card, amount }: CardCharge, now: Date) {
  return {
    card_number: card.number,
    cvv: card.cvv,
    expiry: `${card.expiryMonth}/${card.expiryYear}`,
    name: card.cardholderName,
    amount: amount.toFixed(2),
    timestamp: now.toISOString(),
  };
}

function readCharge(reply: Reply): ChargeOutcome {
  if (reply.kind === "not-sent") return { kind: "failed", reason: reply.reason };
  if (reply.kind === "lost") return { kind: "unknown", reason: reply.reason };
  if (reply.status === 422) {
    return { kind: "rejected", errors: rejection.safeParse(reply.body).data?.errors ?? [] };
  }
  if (reply.status >= 400 && reply.status < 500)
    return { kind: "failed", reason: `the gateway turned the payment away (HTTP ${reply.status})` };
  const answer = reply.status === 200 ? chargeAnswer.safeParse(reply.body).data : undefined;
  if (answer === undefined)
    return {
      kind: "unknown",
      reason: `the gateway's answer does not say what happened (HTTP ${reply.status})`,
    };
  if (answer.status === "SUCCESS") return { kind: "success", transactionId: answer.transaction_id };
  return { kind: "declined", message: answer.message };
}

function readReport(reply: Reply, amount: Decimal): ChargeReport {
  if (reply.kind !== "answer") return { kind: "silent", reason: reply.reason };
  if (reply.status === 404 && unknownKey.safeParse(reply.body).success) return { kind: "unknown-key" };
  const answer = reply.status === 200 ? report.safeParse(reply.body).data : undefined;
  if (answer === undefined)
    return { kind: "silent", reason: `${cannotBeAsked(reply.status)} (HTTP ${reply.status})` };
  if (answer.status === "SUCCESS") {
    // Another amount than ours is for a person to look at, not for a program to accept.
    if (answer.amount !== amount.toFixed(2))
      return { kind: "silent", reason: "the gateway names another amount" };
    return { kind: "success", transactionId: answer.transaction_id };
  }
  return answer.status === "FAILED" ? { kind: "declined" } : { kind: "pending" };
}

// A 404 that does not speak of the key is a gateway without that route: only its own books can tell.
function cannotBeAsked(status: number): string {
  return status === 404
    ? "the gateway cannot be asked about payments; look this one up in its own books"
    : "the gateway did not say what became of the payment";
}

const refundAnswer = z.object({ status: z.literal("SUCCESS") });

function readRefund(reply: Reply): RefundOutcome {
  if (reply.kind !== "answer") return { kind: "silent", reason: reply.reason };
  if (reply.status === 200 && refundAnswer.safeParse(reply.body).success) return { kind: "done" };
  const isRefused = reply.status >= 400 && reply.status < 500;
  const said = isRefused ? "refused to give the money back" : "has not given the money back yet";
  return { kind: isRefused ? "refused" : "silent", reason: `the gateway ${said} (HTTP ${reply.status})` };
}

// Text of the gateway's own, short and such that Postgres can hold it.
function toReason(text: string): string {
  return text.replaceAll("\0", "").toWellFormed().slice(0, 200);
}

const notSentCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

function neverSent(error: unknown): boolean {
  return notSentCodes.has(codeOf(error) ?? "");
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "the gateway did not answer in time";
  const problem = neverSent(error) ? "could not be reached" : "was lost in the middle of a call";
  return `the gateway ${problem} (${codeOf(error) ?? "connection failed"})`;
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
