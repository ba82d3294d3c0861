import type { Decimal } from "./money.ts";
import type { Role } from "./roles.ts";
import type { BookingStatus, PaymentOutcome } from "./statuses.ts";

/** What each domain error tells beside its code; null where the code says it all. */
export interface DomainErrorDetails {
  /** Some of the input can never be right; `fields` of the error name each with a sentence, ten at most. */
  VALIDATION_ERROR: null;
  /** The show or the date is outside of what this caller sees, `from` to `to` as cinema dates. */
  DATE_OUT_OF_RANGE: { from: string; to: string };
  /** `seatNumbers` do not exist in this show, are no seat numbers, or are named twice. */
  INVALID_SEAT: { seatNumbers: string[] };
  /** More than `max` seats for one booking. */
  TOO_MANY_SEATS: { max: number };
  /** Not an amount that can be paid here; `expected` where there is exactly one right amount. */
  INVALID_AMOUNT: { expected?: Decimal };
  /** More than `max`, which may still be added to the wallet at once. */
  AMOUNT_TOO_LARGE: { max: Decimal };
  /** A show costs more than zero and at most `max`. */
  INVALID_COST: { max: Decimal };
  /** There is no such slot. */
  INVALID_SLOT: null;
  /** There is no such screen. */
  INVALID_SCREEN: null;
  /** The movie service is there and has no such film. */
  INVALID_MOVIE: null;
  /** The slot has begun already on that day. */
  PAST_DATETIME: null;
  /** Filters that do not go together; `reason` is a sentence. */
  INVALID_PARAMS: { reason: string };
  /** There is no such security question. */
  INVALID_SECURITY_QUESTION: null;
  /** The answer is wrong, or the e-mail address has no account: the two look alike. */
  INVALID_SECURITY_ANSWER: null;
  /** The reset token is used, too old, or was never given. */
  INVALID_RESET_TOKEN: null;
  /** The current password is wrong. */
  INCORRECT_PASSWORD: null;
  /** The new password is the present one or one of the two before it. */
  PASSWORD_REUSE: null;
  /**
   * The picture cannot be used: it is `too-large` in bytes, has `too-many-pixels`, is `unsupported` (no JPEG, PNG or WebP), `damaged` (also a file
   * that goes on after its picture), or `not-base64`.
   */
  INVALID_IMAGE: { reason: ImageProblem };
  /** The picture's bytes do not have the SHA-256 that was sent with them. */
  INVALID_IMAGE_HASH: null;
  /** The gateway refused the form of the card; `errors` name its fields. Nothing was charged. */
  PAYMENT_VALIDATION_FAILED: { errors: { field: string; message: string }[] };
  /** The username or the password is wrong; which one is not told. */
  INVALID_CREDENTIALS: null;
  /** The call needs a token and has none. */
  MISSING_TOKEN: null;
  /** The token is not one of this server's: log in again. */
  INVALID_TOKEN: null;
  /** The session has run out or was ended: log in again. */
  SESSION_ENDED: null;
  /**
   * The card was declined and nothing was charged. Another one may be tried until `retryUntil`; null when this decline was the last one and the
   * hold is cancelled.
   */
  PAYMENT_DECLINED: { retryUntil: Date | null };
  /** The wallet has `available` of the `required` amount, and no card was sent for the rest. */
  INSUFFICIENT_BALANCE: { required: Decimal; available: Decimal };
  /** Only `requiredRoles` may call this. */
  FORBIDDEN: { requiredRoles: Role[] };
  /** The API key is missing or wrong. */
  INVALID_API_KEY: null;
  /** There is no such show. */
  SHOW_NOT_FOUND: null;
  /** There is no such booking, or it is another customer's. */
  BOOKING_NOT_FOUND: null;
  /** The customer has no picture. */
  PROFILE_IMAGE_NOT_FOUND: null;
  /** No member of staff has this username. */
  STAFF_NOT_FOUND: null;
  /** There is no such payment. */
  PAYMENT_NOT_FOUND: null;
  /** The payment, or its refund, is settled already; `outcome` says how. */
  PAYMENT_NOT_IN_DOUBT: { outcome: PaymentOutcome };
  /** `seatNumbers` are held or sold. Nothing was held: look at the seat map and choose again. */
  SEATS_UNAVAILABLE: { seatNumbers: string[] };
  /** No row has so many free seats side by side; `longest` is how many there are, of the wanted kind if there is one. */
  NO_ADJACENT_SEATS: { longest: number };
  /** `max` is what is bounded: live holds, or unpaid seats or abandoned holds of one show. `retryAfterSeconds` where time alone helps. */
  TOO_MANY_HOLDS: { max: number; retryAfterSeconds?: number };
  /** The show has started. */
  SHOW_ALREADY_STARTED: null;
  /** The show is cancelled; `reason` says why, for people. */
  SHOW_CANCELLED: { reason: string };
  /** The time to pay has run out, and the seats are free again. */
  BOOKING_EXPIRED: null;
  /** The booking is in a state, `status`, that does not allow this. */
  INVALID_BOOKING_STATUS: { status: BookingStatus };
  /** There is a ticket only for a booking that is paid for and goes on; `status` is what it is. */
  TICKET_NOT_AVAILABLE: { status: BookingStatus };
  /** A payment of this booking is under way: wait for it to end. */
  PAYMENT_IN_PROGRESS: null;
  /** The gateway has not confirmed the outcome yet. SkyFox keeps asking; the booking or the wallet will show it. Never pay under a new key. */
  PAYMENT_OUTCOME_UNKNOWN: null;
  /** The server that was asked only shows what is there, and moves no money. Nothing was changed. */
  BACKGROUND_OFF: null;
  /** The first call with this idempotency key is still under way: repeat it in a moment. */
  IDEMPOTENCY_IN_FLIGHT: null;
  /** The idempotency key was used for another input: make a new key for each intent. */
  IDEMPOTENCY_MISMATCH: null;
  /** Another show has this screen at that time. */
  SLOT_NOT_AVAILABLE: null;
  /** Another screen has this name. */
  SCREEN_NAME_EXISTS: null;
  /** The username is taken. */
  USERNAME_EXISTS: null;
  /** The e-mail address belongs to another account. */
  EMAIL_EXISTS: null;
  /** The phone number belongs to another account. */
  PHONE_NUMBER_EXISTS: null;
  /** Without this person there would be no active admin. */
  LAST_ADMIN: null;
  /** Too often; nothing was done. Try again after `retryAfterSeconds`. */
  RATE_LIMITED: { retryAfterSeconds: number };
  /** The server has more calls than it can answer in time; this one was not begun. Try again after `retryAfterSeconds`. */
  OVERLOADED: { retryAfterSeconds: number };
  /** The database cannot be used at the moment. Try again after `retryAfterSeconds`. */
  DATABASE_UNAVAILABLE: { retryAfterSeconds: number };
  /** The movie service does not answer as it should; nothing was scheduled. */
  MOVIE_SERVICE_UNAVAILABLE: null;
  /** The payment gateway cannot be reached; nothing was charged. */
  PAYMENT_GATEWAY_UNAVAILABLE: null;
  /** Pictures cannot be stored at the moment; nothing was changed. */
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
