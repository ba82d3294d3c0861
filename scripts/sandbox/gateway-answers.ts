import { type FieldError, findAmountComplaint } from "./cards.ts";
import type { Attempt, Refund } from "./gateway-books.ts";
import type { Answer } from "./loopback-server.ts";

/** The answer to a missing or wrong key. */
export const forbidden: Answer = {
  status: 403,
  body: { status: "FORBIDDEN", message: "The x-api-key header is missing or wrong." },
};

/** The answer of a gateway that cannot work now; nothing has been done. */
export const unavailable: Answer = {
  status: 503,
  body: { status: "UNAVAILABLE", message: "The gateway cannot take calls now. Try again later." },
};

/** The answer to a path that is no route, unlike the one to an unknown payment. */
export const noSuchRoute: Answer = { status: 404, body: { error: "Not Found" } };

/** The answer to asking for a payment that never reached the books and is not running. */
export const unknownKey: Answer = { status: 404, body: { status: "UNKNOWN_KEY" } };

/** The answer to a refund of a charge that is not in the books. */
export const unknownTransaction: Answer = {
  status: 404,
  body: { status: "UNKNOWN_TRANSACTION", message: "This gateway has no such transaction." },
};

/** The answer to an Idempotency-Key that comes again with another request. */
export const keyUsedTwice: Answer = {
  status: 409,
  body: { status: "KEY_USED_TWICE", message: "This Idempotency-Key belongs to another request." },
};

/** The answer to a request whose fields are not acceptable, all of them named. */
export function rejected(errors: readonly FieldError[]): Answer {
  return { status: 422, body: { status: "REJECT", errors } };
}

/** What is wrong with the Idempotency-Key header, which this gateway requires. */
export function listKeyErrors(key: string | undefined): FieldError[] {
  return key === undefined || key === ""
    ? [{ field: "Idempotency-Key", message: "Idempotency-Key is required" }]
    : [];
}

/** What is wrong with the amount of a refund, before its charge is looked at. */
export function listAmountErrors(amount: string): FieldError[] {
  const message = findAmountComplaint(amount);
  return message === undefined ? [] : [{ field: "amount", message }];
}

/** The answer to a payment, the same however often it is asked for. */
export function attemptAnswer({ status, transactionId, requestId }: Attempt): Answer {
  const message = status === "SUCCESS" ? "The payment was taken." : "The card was declined.";
  return { status: 200, body: { status, transaction_id: transactionId, request_id: requestId, message } };
}

/** The answer to a refund, the same however often it is asked for. */
export function refundAnswer({ refundId, transactionId, amount, requestId }: Refund): Answer {
  const ids = { refund_id: refundId, transaction_id: transactionId, request_id: requestId };
  return { status: 200, body: { status: "SUCCESS", ...ids, amount, message: "The money was given back." } };
}

/** The text of a field of a JSON body; anything but text is empty. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
