import type { DomainCode } from "./errors.ts";

const anyone = ["INVALID_API_KEY", "VALIDATION_ERROR", "OVERLOADED", "DATABASE_UNAVAILABLE"] as const;
const signedIn = [...anyone, "MISSING_TOKEN", "INVALID_TOKEN", "SESSION_ENDED"] as const;
const viewing = [...anyone, "INVALID_TOKEN", "SESSION_ENDED"] as const;
const byRole = [...signedIn, "FORBIDDEN"] as const;
const picture = ["INVALID_IMAGE", "INVALID_IMAGE_HASH", "STORAGE_UNAVAILABLE"] as const;

const keyed = ["IDEMPOTENCY_IN_FLIGHT", "IDEMPOTENCY_MISMATCH"] as const;
const byCard = [
  "PAYMENT_OUTCOME_UNKNOWN",
  "PAYMENT_DECLINED",
  "PAYMENT_VALIDATION_FAILED",
  "PAYMENT_GATEWAY_UNAVAILABLE",
] as const;

const bySettling = ["PAYMENT_NOT_FOUND", "PAYMENT_NOT_IN_DOUBT", "PAYMENT_IN_PROGRESS"] as const;

/** The domain codes each procedure can answer with; answering another one fails the tests. */
export const procedureCodes = {
  "auth.signup": [
    ...anyone,
    "RATE_LIMITED",
    "INVALID_SECURITY_QUESTION",
    "USERNAME_EXISTS",
    "EMAIL_EXISTS",
    "PHONE_NUMBER_EXISTS",
    ...picture,
  ],
  "auth.login": [...anyone, "RATE_LIMITED", "INVALID_CREDENTIALS"],
  "auth.logout": signedIn,
  "auth.me": signedIn,
  "auth.securityQuestions": anyone,
  "auth.securityQuestion": [...anyone, "RATE_LIMITED"],
  "auth.verifySecurityAnswer": [...anyone, "RATE_LIMITED", "INVALID_SECURITY_ANSWER"],
  "auth.resetPassword": [...anyone, "RATE_LIMITED", "INVALID_RESET_TOKEN", "PASSWORD_REUSE"],
  "auth.changePassword": [...signedIn, "RATE_LIMITED", "INCORRECT_PASSWORD", "PASSWORD_REUSE"],
  "auth.updateProfile": [
    ...byRole,
    "RATE_LIMITED",
    "INVALID_SECURITY_ANSWER",
    "EMAIL_EXISTS",
    "PHONE_NUMBER_EXISTS",
  ],
  "auth.profileImage": [...byRole, "PROFILE_IMAGE_NOT_FOUND"],
  "auth.updateProfileImage": [...byRole, "RATE_LIMITED", "INVALID_SECURITY_ANSWER", ...picture],
  "show.cinema": anyone,
  "show.list": [...viewing, "DATE_OUT_OF_RANGE"],
  "show.byId": [...viewing, "DATE_OUT_OF_RANGE", "SHOW_NOT_FOUND"],
  "show.seatMap": [...viewing, "DATE_OUT_OF_RANGE", "SHOW_NOT_FOUND"],
  "show.watchSeatMap": [...viewing, "RATE_LIMITED", "DATE_OUT_OF_RANGE", "SHOW_NOT_FOUND"],
  "show.bestAvailable": [...viewing, "TOO_MANY_SEATS", "DATE_OUT_OF_RANGE", "SHOW_NOT_FOUND"],
  "booking.initialize": [
    ...byRole,
    "RATE_LIMITED",
    "TOO_MANY_SEATS",
    "INVALID_SEAT",
    "SHOW_NOT_FOUND",
    "DATE_OUT_OF_RANGE",
    "SHOW_ALREADY_STARTED",
    "SHOW_CANCELLED",
    "TOO_MANY_HOLDS",
    "SEATS_UNAVAILABLE",
    ...keyed,
  ],
  "booking.initializeBest": [
    ...byRole,
    "RATE_LIMITED",
    "TOO_MANY_SEATS",
    "SHOW_NOT_FOUND",
    "DATE_OUT_OF_RANGE",
    "SHOW_ALREADY_STARTED",
    "SHOW_CANCELLED",
    "TOO_MANY_HOLDS",
    "NO_ADJACENT_SEATS",
    ...keyed,
  ],
  "booking.changeSeats": [
    ...byRole,
    "RATE_LIMITED",
    "TOO_MANY_SEATS",
    "INVALID_SEAT",
    "BOOKING_NOT_FOUND",
    "BOOKING_EXPIRED",
    "INVALID_BOOKING_STATUS",
    "PAYMENT_IN_PROGRESS",
    "DATE_OUT_OF_RANGE",
    "SHOW_ALREADY_STARTED",
    "SHOW_CANCELLED",
    "TOO_MANY_HOLDS",
    "SEATS_UNAVAILABLE",
    ...keyed,
  ],
  "booking.pay": [
    ...byRole,
    "RATE_LIMITED",
    "BOOKING_NOT_FOUND",
    "BOOKING_EXPIRED",
    "INVALID_BOOKING_STATUS",
    "SHOW_CANCELLED",
    "INSUFFICIENT_BALANCE",
    "PAYMENT_IN_PROGRESS",
    ...byCard,
    "BACKGROUND_OFF",
    ...keyed,
  ],
  "booking.cancel": [
    ...byRole,
    "BOOKING_NOT_FOUND",
    "INVALID_BOOKING_STATUS",
    "PAYMENT_IN_PROGRESS",
    ...keyed,
  ],
  "booking.byId": [...signedIn, "BOOKING_NOT_FOUND"],
  "booking.ticketQr": [...signedIn, "BOOKING_NOT_FOUND", "TICKET_NOT_AVAILABLE", "RATE_LIMITED"],
  "booking.ticketPdf": [...signedIn, "BOOKING_NOT_FOUND", "TICKET_NOT_AVAILABLE", "RATE_LIMITED"],
  "booking.list": byRole,
  "booking.latest": byRole,
  "wallet.balance": byRole,
  "wallet.addFunds": [
    ...byRole,
    "RATE_LIMITED",
    "INVALID_AMOUNT",
    "AMOUNT_TOO_LARGE",
    ...byCard,
    "BACKGROUND_OFF",
    ...keyed,
  ],
  "wallet.transactions": byRole,
  "admin.movies": [...byRole, "MOVIE_SERVICE_UNAVAILABLE"],
  "admin.slots": [...byRole, "INVALID_SCREEN"],
  "admin.allSlots": byRole,
  "admin.createShow": [
    ...byRole,
    "INVALID_COST",
    "INVALID_SCREEN",
    "INVALID_SLOT",
    "PAST_DATETIME",
    "INVALID_MOVIE",
    "MOVIE_SERVICE_UNAVAILABLE",
    "SLOT_NOT_AVAILABLE",
    ...keyed,
  ],
  "admin.screens": byRole,
  "admin.createScreen": [...byRole, "SCREEN_NAME_EXISTS", ...keyed],
  "admin.staff": byRole,
  "admin.createStaff": [...byRole, "RATE_LIMITED", "USERNAME_EXISTS", ...keyed],
  "admin.updateStaff": [
    ...byRole,
    "RATE_LIMITED",
    "STAFF_NOT_FOUND",
    "LAST_ADMIN",
    "PASSWORD_REUSE",
    ...keyed,
  ],
  "admin.unlockAccount": [...byRole, ...keyed],
  "admin.createBooking": [
    ...byRole,
    "TOO_MANY_SEATS",
    "INVALID_SEAT",
    "INVALID_AMOUNT",
    "SHOW_NOT_FOUND",
    "SHOW_ALREADY_STARTED",
    "SHOW_CANCELLED",
    "SEATS_UNAVAILABLE",
    ...keyed,
  ],
  "admin.doorList": byRole,
  "admin.checkIn": byRole,
  "admin.checkInTicket": byRole,
  "admin.revenue": [...byRole, "INVALID_PARAMS"],
  "admin.refundBooking": [
    ...byRole,
    "BOOKING_NOT_FOUND",
    "INVALID_BOOKING_STATUS",
    "BACKGROUND_OFF",
    ...keyed,
  ],
  "admin.cancelShow": [...byRole, "SHOW_NOT_FOUND", "BACKGROUND_OFF", ...keyed],
  "admin.showCancellation": [...byRole, "SHOW_NOT_FOUND"],
  "admin.paymentsInDoubt": byRole,
  "admin.resolvePayment": [...byRole, "PAYMENT_NOT_FOUND", "BACKGROUND_OFF", ...keyed],
  "admin.settlePayment": [...byRole, ...bySettling, "BACKGROUND_OFF", ...keyed],
  "admin.settleRefund": [...byRole, ...bySettling, "BACKGROUND_OFF", ...keyed],
  "admin.integrity": byRole,
} as const satisfies Record<string, readonly DomainCode[]>;

/** The path of a procedure as it is called, such as `booking.pay`. */
export type ProcedurePath = keyof typeof procedureCodes;

/** The mutations that take an `idempotency-key`: the same key again gives the answer of the first call, with one effect. */
export type KeyedProcedure = {
  [Path in ProcedurePath]: "IDEMPOTENCY_MISMATCH" extends (typeof procedureCodes)[Path][number]
    ? Path
    : never;
}[ProcedurePath];

/** Whether a procedure moves money: whatever does lists `BACKGROUND_OFF`, which a server that only shows answers it with. */
export function movesMoney(path: string): boolean {
  const listed: Record<string, readonly DomainCode[]> = procedureCodes;
  return listed[path]?.includes("BACKGROUND_OFF") ?? false;
}

/** Whether a procedure takes an `idempotency-key`: whatever does can refuse one. */
export function isKeyed(path: string): path is KeyedProcedure {
  const listed: Record<string, readonly DomainCode[]> = procedureCodes;
  return listed[path]?.includes("IDEMPOTENCY_MISMATCH") ?? false;
}

/** Every procedure that takes an `idempotency-key`. */
export const keyedProcedures: readonly KeyedProcedure[] = Object.keys(procedureCodes).filter(isKeyed);

/**
 * The queries that reach another service, print, or add up the books: they may take seconds. A client asks each of them in a request of its own,
 * because the answers of a batch come together, when the slowest is there.
 */
export const slowQueries = [
  "booking.ticketQr",
  "booking.ticketPdf",
  "admin.movies",
  "admin.revenue",
  "admin.integrity",
] as const satisfies readonly ProcedurePath[];

/** Whether a query is to travel in a request of its own, not in a batch. */
export function travelsAlone(path: string): boolean {
  return slowQueries.some((slow) => slow === path);
}
