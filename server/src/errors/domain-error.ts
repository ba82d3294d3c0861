import type { DomainCode, DomainErrorDetails, DomainProblem, FieldProblem } from "../contract/index.ts";

const sentences: { [Code in DomainCode]: string } = {
  VALIDATION_ERROR: "Some of the input is not as it should be; see the fields.",
  DATE_OUT_OF_RANGE: "Shows can be seen from today to six days ahead.",
  INVALID_SEAT: "Some of these seats do not exist here, or are named twice.",
  TOO_MANY_SEATS: "That is more seats than one booking can have.",
  INVALID_AMOUNT: "This is not an amount that can be paid here.",
  AMOUNT_TOO_LARGE: "That is more than can be added to the wallet.",
  INVALID_COST: "A show costs more than zero and at most 3000.00.",
  INVALID_SLOT: "There is no such slot.",
  INVALID_SCREEN: "There is no such screen.",
  INVALID_MOVIE: "The movie service has no film with this id. Choose one of the list.",
  PAST_DATETIME: "This slot has begun already. Choose a later one.",
  INVALID_PARAMS: "Some of these filters do not go together; see the reason.",
  INVALID_SECURITY_QUESTION: "There is no such security question.",
  INVALID_SECURITY_ANSWER: "The security answer is not right.",
  INVALID_RESET_TOKEN: "This reset token is not valid, or no longer. Answer the security question again.",
  INCORRECT_PASSWORD: "The current password is not right.",
  PASSWORD_REUSE: "Choose a password that is neither the current one nor one of the two before it.",
  INVALID_IMAGE:
    "This picture cannot be used; see the reason. It has to be a whole JPEG, PNG or WebP file of at most 5 MB and 25 megapixels.",
  INVALID_IMAGE_HASH: "The picture's bytes do not have the SHA-256 that was sent with them.",
  PAYMENT_VALIDATION_FAILED: "The payment gateway refused the card details; see the errors.",
  INVALID_CREDENTIALS: "The username or the password is not right.",
  MISSING_TOKEN: "Log in first: this call needs a token.",
  INVALID_TOKEN: "This token is not valid here. Log in again.",
  SESSION_ENDED: "Your session has ended. Log in again.",
  INSUFFICIENT_BALANCE:
    "The wallet has not enough for this booking. Add a card for the rest, or add funds first.",
  PAYMENT_DECLINED: "The card was declined; nothing was charged.",
  FORBIDDEN: "Your role may not do this.",
  INVALID_API_KEY: "A valid API key is needed.",
  SHOW_NOT_FOUND: "There is no such show.",
  BOOKING_NOT_FOUND: "There is no such booking.",
  PROFILE_IMAGE_NOT_FOUND: "You have no profile image.",
  PAYMENT_NOT_FOUND: "There is no such payment.",
  PAYMENT_NOT_IN_DOUBT: "There is nothing to settle here: see the outcome for how things stand.",
  STAFF_NOT_FOUND: "There is no member of staff with this username.",
  SEATS_UNAVAILABLE: "Some of these seats are taken.",
  NO_ADJACENT_SEATS:
    "No row has so many free seats side by side. Ask for fewer seats, or choose them one by one.",
  TOO_MANY_HOLDS:
    "You hold as many unpaid seats as allowed. Pay or cancel a booking first, or wait for the time given.",
  SHOW_ALREADY_STARTED: "This show has started.",
  SHOW_CANCELLED: "This show is cancelled.",
  BOOKING_EXPIRED: "The time to pay has run out and the seats are free again.",
  INVALID_BOOKING_STATUS: "The booking is not in a state that allows this.",
  TICKET_NOT_AVAILABLE: "There is a ticket only for a booking that is paid for and goes on.",
  PAYMENT_IN_PROGRESS: "The payment is under way. Wait for it to end.",
  PAYMENT_OUTCOME_UNKNOWN:
    "The payment gateway has not confirmed the outcome yet. We are asking; the booking will show it. Do not pay again.",
  BACKGROUND_OFF:
    "This server only shows what is there: it takes no payments and gives no money back. Nothing was changed; ask another server.",
  IDEMPOTENCY_IN_FLIGHT:
    "The first call with this idempotency key is still under way. Repeat it in a moment.",
  IDEMPOTENCY_MISMATCH: "This idempotency key was used for another call. Make a new key for each intent.",
  SLOT_NOT_AVAILABLE: "Another show has this screen at that time. Choose another slot or screen.",
  SCREEN_NAME_EXISTS: "Another screen has this name.",
  USERNAME_EXISTS: "This username is taken.",
  EMAIL_EXISTS: "This e-mail address belongs to another account.",
  PHONE_NUMBER_EXISTS: "This phone number belongs to another account.",
  LAST_ADMIN: "This is the only active admin. Make another one first.",
  RATE_LIMITED: "That was too often. Try again after the time given.",
  OVERLOADED: "SkyFox has more calls than it can answer in time. Try again after the time given.",
  DATABASE_UNAVAILABLE: "The database cannot be used at the moment. Try again after the time given.",
  MOVIE_SERVICE_UNAVAILABLE:
    "The movie service does not answer as it should, so that nothing can be scheduled now. Try again later.",
  PAYMENT_GATEWAY_UNAVAILABLE: "The payment gateway cannot be reached; nothing was charged. Try again.",
  STORAGE_UNAVAILABLE: "Pictures cannot be stored at the moment; nothing was changed. Try again later.",
};

/** A code with the details that belong to it. */
export type Problem = {
  [Code in DomainCode]: DomainErrorDetails[Code] extends null
    ? { code: Code; details?: null }
    : { code: Code; details: DomainErrorDetails[Code] };
}[DomainCode];

/** The domain says no. The code decides the transport status, the details travel to the client; a cause stays in the log. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly problem: DomainProblem;
  readonly fields: FieldProblem[] | null;

  constructor(problem: Problem, fields: FieldProblem[] | null = null, cause?: unknown) {
    super(sentences[problem.code], { cause });
    this.problem = { code: problem.code, details: problem.details ?? null } as DomainProblem;
    this.fields = fields;
  }
}
