import type { Decimal } from "./money.ts";
import type { Role } from "./roles.ts";
import type { BookingStatus, PaymentOutcome } from "./statuses.ts";

/** What each domain error tells beside its code; null where the code says it all. */
export interface DomainErrorDetails {
  VALIDATION_ERROR: null;
  DATE_OUT_OF_RANGE: { from: string; to: string };
  INVALID_SEAT: { seatNumbers: string[] };
  TOO_MANY_SEATS: { max: number };
  /** `expected` where there is exactly one right amount. */
  INVALID_AMOUNT: { expected?: Decimal };
  AMOUNT_TOO_LARGE: { max: Decimal };
  INVALID_COST: { max: Decimal };
  INVALID_SLOT: null;
  INVALID_SCREEN: null;
  /** The movie service is there and has no such film. */
  INVALID_MOVIE: null;
  PAST_DATETIME: null;
  /** `reason` is a sentence: what does not go together. */
  INVALID_PARAMS: { reason: string };
  INVALID_SECURITY_QUESTION: null;
  INVALID_SECURITY_ANSWER: null;
  INVALID_RESET_TOKEN: null;
  INCORRECT_PASSWORD: null;
  PASSWORD_REUSE: null;
  /** `damaged` is also a file that goes on after its picture; `unsupported` is whatever is no JPEG, PNG or WebP. */
  INVALID_IMAGE: { reason: ImageProblem };
  INVALID_IMAGE_HASH: null;
  PAYMENT_VALIDATION_FAILED: { errors: { field: string; message: string }[] };
  INVALID_CREDENTIALS: null;
  MISSING_TOKEN: null;
  INVALID_TOKEN: null;
  SESSION_ENDED: null;
  /** Until when another card may be tried; null when this decline was the last one and the hold is cancelled. */
  PAYMENT_DECLINED: { retryUntil: Date | null };
  INSUFFICIENT_BALANCE: { required: Decimal; available: Decimal };
  FORBIDDEN: { requiredRoles: Role[] };
  INVALID_API_KEY: null;
  SHOW_NOT_FOUND: null;
  BOOKING_NOT_FOUND: null;
  PROFILE_IMAGE_NOT_FOUND: null;
  STAFF_NOT_FOUND: null;
  PAYMENT_NOT_FOUND: null;
  /** The payment, or its refund, is settled already; `outcome` says how. */
  PAYMENT_NOT_IN_DOUBT: { outcome: PaymentOutcome };
  SEATS_UNAVAILABLE: { seatNumbers: string[] };
  /** `longest` is how many free seats, of the wanted type if there is one, are side by side at most. */
  NO_ADJACENT_SEATS: { longest: number };
  /** `max` is what is bounded: live holds, or unpaid seats or abandoned holds of one show; the wait is named where time alone helps. */
  TOO_MANY_HOLDS: { max: number; retryAfterSeconds?: number };
  SHOW_ALREADY_STARTED: null;
  SHOW_CANCELLED: { reason: string };
  BOOKING_EXPIRED: null;
  INVALID_BOOKING_STATUS: { status: BookingStatus };
  TICKET_NOT_AVAILABLE: { status: BookingStatus };
  PAYMENT_IN_PROGRESS: null;
  PAYMENT_OUTCOME_UNKNOWN: null;
  /** The server that was asked only shows what is there. */
  BACKGROUND_OFF: null;
  IDEMPOTENCY_IN_FLIGHT: null;
  IDEMPOTENCY_MISMATCH: null;
  SLOT_NOT_AVAILABLE: null;
  SCREEN_NAME_EXISTS: null;
  USERNAME_EXISTS: null;
  EMAIL_EXISTS: null;
  PHONE_NUMBER_EXISTS: null;
  LAST_ADMIN: null;
  RATE_LIMITED: { retryAfterSeconds: number };
  /** The server has more calls than it can answer in time; this one was not begun. */
  OVERLOADED: { retryAfterSeconds: number };
  DATABASE_UNAVAILABLE: { retryAfterSeconds: number };
  MOVIE_SERVICE_UNAVAILABLE: null;
  PAYMENT_GATEWAY_UNAVAILABLE: null;
  STORAGE_UNAVAILABLE: null;
}

/** Why a picture cannot be used. */
export type ImageProblem = "too-large" | "too-many-pixels" | "unsupported" | "damaged" | "not-base64";

/** Every reason for which SkyFox itself says no, whatever the transport's code. */
export type DomainCode = keyof DomainErrorDetails;

/** A domain error as it travels: switch on `code` and `details` has that code's own shape. */
export type DomainProblem = {
  [Code in DomainCode]: { code: Code; details: DomainErrorDetails[Code] };
}[DomainCode];

/** One refused input field: its path as a caller would write it (`seatNumbers[1]`) and a sentence. */
export interface FieldProblem {
  field: string;
  message: string;
}

/** `error.data` on the client. */
export interface ErrorData {
  code: string;
  httpStatus: number;
  path: string | null;
  requestId: string;
  domain: DomainProblem | null;
  fields: FieldProblem[] | null;
}
