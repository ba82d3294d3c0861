import type { AcceptedCharge, Db, OpenPayment, PaymentStatus, Tx } from "@skyfox/db";
import type { Decimal } from "../contract/index.ts";
import type { DomainError } from "../errors/domain-error.ts";

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

/** What the gateway has not charged, and why; a failed one is asked about again, in case it is charged late. */
export type NotCharged = Extract<ChargeOutcome, { kind: "declined" | "rejected" | "failed" }>;

/**
 * What a payment is for: a booking, or funds for a wallet. `payment/` learns the outcome and keeps the answer; the subject knows what follows
 * from it. Locks of a subject come before that of the payment.
 */
export interface PaymentSubject<Answer = unknown> {
  /** Locks what is paid: every decision about the payment is made under this lock. */
  lock(tx: Tx, payment: OpenPayment): Promise<LockedSubject<Answer>>;
  /**
   * Takes the charge of an open payment by one statement, locks and checks included, and keeps its answer; false, and nothing changed, where it
   * does not take it, or the answer would not be true.
   */
  acceptAtOnce(db: Db, charge: AcceptedCharge, answer: Answer): Promise<boolean>;
  /** Called after the commit by which it can be paid again until then. */
  watch(payment: OpenPayment, until: Date): void;
}

/** A locked subject, as it is until its transaction ends. */
export interface LockedSubject<Answer> {
  /** The time at which the lock was had. */
  now: Date;
  /** Whether it takes the charge of a payment that is open. */
  isWaiting: boolean;
  /** Takes the charge of an open payment: has its effect and completes the payment. Answers the payer. */
  accept(charge: { transactionId: string; reserved: Decimal }): Promise<Answer>;
  /**
   * Goes on without an open payment, which ends as not charged: what it had reserved is free again. Answers until when it can be paid again;
   * null when it cannot.
   */
  giveUp(failure: PaymentFailure): Promise<Date | null>;
  /** Goes on without a charge that it does not take, of a payment in this status. Answers why, and what the payer is answered. */
  refuse(status: PaymentStatus): Promise<{ reason: string; refusal: DomainError }>;
  /** What the payer of a payment that was accepted before is answered. */
  answer(): Promise<Answer>;
}

/** How a payment ends that was not charged; `reserved` is what it still has of the wallet. */
export interface PaymentFailure {
  status: "Declined" | "Rejected" | "Failed";
  error: string;
  /** When the gateway is asked again. */
  askAgainAt: Date | null;
  reserved: Decimal;
}

/** Finds what a payment is for. */
export interface PaymentSubjects {
  of(payment: OpenPayment): PaymentSubject;
}
