import { z } from "zod";
import type { Decimal } from "../contract/index.ts";
import type { CardCharge, ChargeOutcome, ChargeReport, PaymentGateway, RefundOutcome } from "./ports.ts";
import { readJson } from "../runtime/bounded-json.ts";
import type { Clock } from "../runtime/ports.ts";

const chargeTimeoutMs = 10_000;
// Asking and refunding can be repeated, so no call has to wait long for them.
const askTimeoutMs = 3_000;
// More than an answer can need: of one that is longer only the status counts.
const maxBodyBytes = 65_536;
const maxErrors = 20;
const maxWordsLength = 200;

// Text that Postgres and its readers can hold; the reference of a charge is sent back as it is, to give its money back.
const reference = z.string().regex(/^[!-~]{1,255}$/);
const chargeAnswer = z.discriminatedUnion("status", [
  z.object({ status: z.literal("SUCCESS"), transaction_id: reference }),
  z.object({ status: z.literal("FAILED"), message: z.string().catch("declined") }),
]);
const rejection = z.object({ errors: z.array(z.object({ field: z.string(), message: z.string() })) });
const report = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("SUCCESS"),
    transaction_id: reference.optional(),
    amount: z.union([z.string(), z.number().transform(String)]),
  }),
  z.object({ status: z.enum(["FAILED", "PENDING"]) }),
]);
const unknownKey = z.object({ status: z.literal("UNKNOWN_KEY") });

/**
 * The gateway behind `PAYMENT_GATEWAY_URL`, by its HTTP protocol; a charge takes ten seconds at most. Its number and its CVV are taken out of
 * whatever the gateway says of a card. A charge that it reports without a reference of its own has our key as its reference.
 */
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
      const read = await readJson(response.body, maxBodyBytes);
      const said = read.kind === "json" ? read.value : undefined;
      return { kind: "answer", status: response.status, body: said };
    } catch (error) {
      return { kind: neverSent(error) ? "not-sent" : "lost", reason: reasonOf(error) };
    }
  }

  return {
    async charge(charge) {
      const content = { key: charge.key, body: writeCharge(charge, options.clock.now()) };
      return readCharge(await call("POST", "/payment", chargeTimeoutMs, content), charge);
    },
    async findCharge({ key, amount }) {
      const reply = await call("GET", `/payments/${encodeURIComponent(key)}`, askTimeoutMs);
      return readReport(reply, { key, amount });
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

function readCharge(reply: Reply, { key, card }: CardCharge): ChargeOutcome {
  if (reply.kind === "not-sent") return { kind: "failed", reason: reply.reason };
  if (reply.kind === "lost") return { kind: "unknown", reason: reply.reason };
  const { status } = reply;
  if (status === 422) {
    const errors = rejection.safeParse(reply.body).data?.errors ?? [];
    const said = errors.slice(0, maxErrors).map(({ field, message }) => ({
      field: toWords(field, card),
      message: toWords(message, card),
    }));
    return { kind: "rejected", errors: said };
  }
  // Every other 4xx may have been said after the charge, by the gateway or by a proxy in front of it.
  if (status === 403) return { kind: "failed", reason: "the gateway turned the payment away (HTTP 403)" };
  const answer = status === 200 ? chargeAnswer.safeParse(reply.body).data : undefined;
  if (answer === undefined)
    return { kind: "unknown", reason: `the gateway's answer does not say what happened (HTTP ${status})` };
  if (answer.status === "FAILED") return { kind: "declined", message: toWords(answer.message, card) };
  const { transaction_id: transactionId } = answer;
  // Such a reference cannot be kept, and must not be asked for again: then our key is the reference.
  return { kind: "success", transactionId: grouped(card.number).test(transactionId) ? key : transactionId };
}

function readReport(reply: Reply, { key, amount }: { key: string; amount: Decimal }): ChargeReport {
  if (reply.kind !== "answer") return { kind: "silent", reason: reply.reason };
  if (reply.status === 404 && unknownKey.safeParse(reply.body).success) return { kind: "unknown-key" };
  if (reply.status !== 200)
    return { kind: "silent", reason: `${cannotBeAsked(reply.status)} (HTTP ${reply.status})` };
  const answer = report.safeParse(reply.body).data;
  if (answer === undefined)
    return {
      kind: "unclear",
      reason: "the gateway's answer does not say what became of the payment (HTTP 200)",
    };
  if (answer.status === "SUCCESS") {
    // Another amount than ours is for a person to look at, not for a program to accept.
    if (!isSameAmount(answer.amount, amount))
      return { kind: "unclear", reason: "the gateway names another amount" };
    return { kind: "success", transactionId: answer.transaction_id ?? key };
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

function isSameAmount(text: string, amount: Decimal): boolean {
  return /^\d{1,10}(\.\d{1,10})?$/.test(text) && amount.equals(text);
}

// Words of the gateway's own, short, such that Postgres can hold them, and without the card even where they are cut.
function toWords(text: string, card: CardCharge["card"]): string {
  return withoutCard(text.replaceAll("\0", "").toWellFormed(), card).slice(0, maxWordsLength);
}

// The number however it is grouped, and the CVV where it stands alone.
function withoutCard(text: string, { number, cvv }: CardCharge["card"]): string {
  return text
    .replaceAll(grouped(number), "[card]")
    .replaceAll(new RegExp(`(?<![0-9])${cvv}(?![0-9])`, "g"), "[cvv]");
}

function grouped(number: string): RegExp {
  return new RegExp(number.replaceAll(/(?<=\d)(?=\d)/g, "[^0-9A-Za-z]{0,3}"), "g");
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
