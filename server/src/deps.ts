import type { Db } from "@skyfox/db";
import type { Decimal } from "./contract/index.ts";

/** The one clock of every decision. In production it is the database's time, so that several servers agree. */
export interface Clock {
  now(): Date;
  /** Calls `wake` once the clock has reached `at`, unless the signal aborts first; never earlier. */
  wakeAt(at: Date, wake: () => void, signal: AbortSignal): void;
  /** Calls `wake` that much later, however the clock is set meanwhile, unless the signal aborts first. */
  wakeAfter(ms: number, wake: () => void, signal: AbortSignal): void;
}

export interface CardCharge {
  /** Derived from our payment row: the gateway charges once however often it is repeated. */
  key: string;
  amount: Decimal;
  card: { number: string; cvv: string; expiryMonth: string; expiryYear: string; cardholderName: string };
}

/** What became of a charge; `unknown` whenever the gateway may have charged and we cannot tell. */
export type ChargeOutcome =
  | { kind: "success"; transactionId: string }
  | { kind: "declined"; message: string }
  | { kind: "rejected"; errors: { field: string; message: string }[] }
  | { kind: "failed"; reason: string }
  | { kind: "unknown"; reason: string };

/** What the gateway says of a key when asked afterwards; `silent` proves nothing. */
export type ChargeReport =
  | { kind: "success"; transactionId: string }
  | { kind: "declined" }
  | { kind: "pending" }
  | { kind: "unknown-key" }
  | { kind: "silent"; reason: string };

export type RefundOutcome = { kind: "done" } | { kind: "refused" | "silent"; reason: string };

/** The card payment gateway. No method throws: what goes wrong is an outcome. */
export interface PaymentGateway {
  charge(charge: CardCharge): Promise<ChargeOutcome>;
  findCharge(charge: { key: string; amount: Decimal }): Promise<ChargeReport>;
  refund(refund: { key: string; transactionId: string; amount: Decimal }): Promise<RefundOutcome>;
}

/** Timers that wake the server when a hold is due; the booking's row stays the truth. */
export interface ExpiryMonitors {
  /** Called after the hold is committed; arming again replaces the older timer. */
  arm(bookingId: number, expiresAt: Date): void;
  /** Called after payment or cancellation is committed. */
  disarm(bookingId: number): void;
}

/** Structured log lines; secrets are redacted by the implementation. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the verbs need to know of the configuration. */
interface Settings {
  cinemaTimeZone: string;
  holdSeconds: number;
  payingSeconds: number;
  jwtSecretKey: string;
}

/** Everything a verb may use of the world outside it. */
export interface Deps {
  db: Db;
  clock: Clock;
  gateway: PaymentGateway;
  monitors: ExpiryMonitors;
  logger: Logger;
  settings: Settings;
}

/** The signed-in person of a call, read with the session on every call. */
export interface User {
  username: string;
  role: "customer" | "staff" | "admin";
  sessionId: string;
}
