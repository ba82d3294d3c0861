import type { Decimal } from "../contract/index.ts";

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
  /** Turned away for a wrong key, or never sent. */
  | { kind: "failed"; reason: string }
  | { kind: "unknown"; reason: string };

/** What the gateway says of a key when asked afterwards; `unclear` is an answer that only a person can judge, `silent` proves nothing. */
export type ChargeReport =
  | { kind: "success"; transactionId: string }
  | { kind: "declined" }
  | { kind: "pending" }
  | { kind: "unknown-key" }
  | { kind: "unclear"; reason: string }
  | { kind: "silent"; reason: string };

export type RefundOutcome = { kind: "done" } | { kind: "refused" | "silent"; reason: string };

/** The card payment gateway. No method throws: what goes wrong is an outcome. */
export interface PaymentGateway {
  charge(charge: CardCharge): Promise<ChargeOutcome>;
  findCharge(charge: { key: string; amount: Decimal }): Promise<ChargeReport>;
  refund(refund: { key: string; transactionId: string; amount: Decimal }): Promise<RefundOutcome>;
}

/** The books: everything that must add up. */
export interface Books {
  /** What does not add up, by rule and subject. Callers that ask during one reading get the same answer; a reading may take minutes. */
  listViolations(): Promise<{ rule: string; subject: string; details: string }[]>;
}
