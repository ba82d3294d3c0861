import type { Db, MovieDetails } from "@skyfox/db";
import type { Booking, Decimal, ProfileImage, Role, Ticket, TicketKeys } from "./contract/index.ts";
import type { DomainError } from "./errors/domain-error.ts";
import type { LimitName } from "./limits/limit-table.ts";

/**
 * The one clock of every decision. In production it is the database's time, so that several servers agree. What compares a stored instant
 * with the present to change a state takes a reading of the database itself, after its locks: `nowFrom` where a statement that locks or
 * looks brings one along, `nowIn` elsewhere. `now` carries the last measure on and may be wrong for seconds after the database's clock has
 * jumped: it is for timers, for what is shown and for what is only written down.
 */
export interface Clock {
  now(): Date;
  /** The time by a reading that a statement has just taken of the database's clock. */
  nowFrom(reading: Date): Date;
  /** The time by a reading of its own; in a transaction ask for it after the locks. */
  nowIn(db: Db): Promise<Date>;
  /**
   * The time at which the clock stood after it last jumped forward by more than a second; undefined where this server has seen no jump. What
   * began before is younger than the times say.
   */
  readonly jumpedForwardTo: Date | undefined;
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

/** Films that can be shown, from the movie service or as it told them before. No method throws: what goes wrong is an outcome. */
export interface MovieCatalogue {
  list(): Promise<{ kind: "found"; movies: MovieDetails[] } | MoviesUnavailable>;
  /** `unknown` is the service's own word, or a text that cannot be an IMDb id. */
  find(
    movieId: string,
  ): Promise<{ kind: "found"; movie: MovieDetails } | { kind: "unknown" } | MoviesUnavailable>;
}

/** The movie service is down, slow or wrong, and nothing that it said before can stand in. */
export interface MoviesUnavailable {
  kind: "unavailable";
  reason: string;
}

/** Timers that wake the server when a hold is due; the booking's row stays the truth. */
export interface ExpiryMonitors {
  /** Called after the hold is committed; arming again replaces the older timer. */
  arm(bookingId: number, expiresAt: Date): void;
  /** Called after payment or cancellation is committed. */
  disarm(bookingId: number): void;
}

/** Hashes passwords and security answers. */
export interface PasswordHasher {
  /** An argon2id hash to store. */
  hash(secret: string): Promise<string>;
  /** Whether the secret fits the stored hash; without one that can be checked it takes the same time and answers no. */
  fits(stored: string | undefined, secret: string): Promise<boolean>;
}

/** What a call that hashes works with, once the hash queue has let it in. */
export interface HashPermit {
  passwords: PasswordHasher;
  /** Lets the next call in before this one ends: for a call that is slow after its last hash. */
  releasePermit(): void;
}

/** The one queue of all calls that hash: a few run at once, the others wait and have not begun. */
export interface HashQueue {
  /** Runs the work when the queue lets it in. Throws `RATE_LIMITED` at once when the queue is full. */
  run<Result>(work: (permit: HashPermit) => Promise<Result>): Promise<Result>;
  /** What `run` would throw now, so that a call can be refused before its input is read. */
  refusal(): DomainError | undefined;
}

/** Makes of an uploaded file the picture that is kept: a small square JPEG that has nothing of the file but its pixels. */
export interface PictureMaker {
  /**
   * Throws `INVALID_IMAGE_HASH`, `INVALID_IMAGE` with the reason, or `RATE_LIMITED` when too many pictures wait already, of all or of the one
   * account or address that it is for.
   */
  make(image: ProfileImage, owner: { for: string }): Promise<Buffer>;
}

/** Where pictures are kept, each under a key of its own. What goes wrong is thrown as it is. */
export interface ImageStore {
  put(key: string, picture: Buffer): Promise<void>;
  /** Does no harm where there is none. Throws for a key that belongs to another kind of store. */
  remove(key: string): Promise<void>;
  /**
   * A URL under which the picture can be fetched by whoever has it, until that moment in whole seconds; undefined for a key that belongs
   * to another kind of store.
   */
  link(key: string, expiresAt: Date): Promise<string | undefined>;
}

/** What a session's token says. */
export interface SessionClaims {
  sessionId: string;
  username: string;
  role: Role;
  issuedAt: Date;
  expiresAt: Date;
}

/** Session tokens. */
export interface SessionTokens {
  sign(claims: SessionClaims): Promise<string>;
  /** Throws `INVALID_TOKEN` for what is not a token of ours, `SESSION_ENDED` for one that has run out. */
  verify(token: string): Promise<SessionClaims>;
  /** Whose token it is, if it was made or verified here a while ago; at no cost, and without a word on whether its session still lives. */
  ownerOf(token: string): string | undefined;
}

export type { Ticket };

/** Ticket tokens, which whoever has the public keys can verify. */
export interface TicketTokens {
  /** The token of a ticket; the same each time while the key is the same. */
  sign(ticket: Ticket): Promise<string>;
  /** The ticket of a token of ours; undefined when it is forged, malformed, of another purpose or of an unknown key. */
  verify(token: string): Promise<Ticket | undefined>;
  /** The public keys, the one that signs first. */
  keys(): Promise<TicketKeys>;
}

/** All that a printed ticket says. */
export interface TicketContents {
  booking: Booking;
  token: string;
  cinemaTimeZone: string;
  /** ISO 4217. */
  currency: string;
}

/** Prints tickets. */
export interface TicketPrinter {
  /** A PDF of one A4 page, the same for the same contents. Throws `RATE_LIMITED` when too many wait for theirs already. */
  print(contents: TicketContents): Promise<Buffer>;
}

/** A try that was counted before it was made. */
export interface CountedTry {
  /** The limits of which it was the last try that the account, or the device, has in this window. */
  usedUp: LimitName[];
  /** For a try that turned out not to be what is limited, such as a right password: it counts no more. */
  giveBack(): Promise<void>;
}

/** Who tries something. */
export interface Trier {
  /** Left out where no account is known. */
  account?: string | undefined;
  /** A device that the account knows. */
  device?: string | undefined;
  address: string;
}

/** How often something may be tried, by account and by address, counted over all servers. */
export interface GuessingLimits {
  /**
   * Counts a try before it is made, so that tries side by side cannot exceed the limit; of several limits all must let it through. Throws
   * `RATE_LIMITED`, and then counts nothing.
   */
  count(limits: LimitName | readonly LimitName[], trier: Trier): Promise<CountedTry>;
  /** Begins the account's window anew, so that one that is used up lets nothing through for its whole length. */
  prolong(limit: LimitName, account: string): Promise<void>;
  /**
   * Forgets the guesses on an account whose owner has shown who they are in another way: all of them, or those that these limits count.
   * Tells how many they were. Give it the transaction of what they are forgotten for.
   */
  forgive(db: Db, account: string, limits?: readonly LimitName[]): Promise<number>;
}

/** Structured log lines; secrets are redacted by the implementation. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The books: what must add up, all of it. */
export interface Books {
  /** What does not, by rule and subject; whoever asks while they are read gets the same answer. It may take minutes. */
  listViolations(): Promise<{ rule: string; subject: string; details: string }[]>;
}

/** Numbers for whoever watches the server. */
export interface Metrics {
  /** How much of the books does not add up; NaN when nobody knows. */
  setViolations(count: number): void;
}

/** What the verbs need to know of the configuration. */
export interface Settings {
  cinemaTimeZone: string;
  /** ISO 4217. */
  currency: string;
  holdSeconds: number;
  payingSeconds: number;
  /** Whether this server takes payments and settles, refunds and sweeps; otherwise it only reads and shows. */
  background: boolean;
  holdLimits: HoldLimits;
  /** Whether accounts of the demo seed cannot log in with their published passwords. */
  refusesPublishedPasswords: boolean;
}

/** How many unpaid seats of one show may be held at a time, and how often a customer may let a hold of it go unpaid. */
export interface HoldLimits {
  seatsPerCustomer: number;
  /** From one network address. */
  seatsPerAddress: number;
  /** Holds of one customer and show in an hour that expired, or were cancelled after more than a minute. */
  abandonedPerHour: number;
}

/** Everything a verb may use of the world outside it. */
export interface Deps {
  db: Db;
  books: Books;
  clock: Clock;
  gateway: PaymentGateway;
  movies: MovieCatalogue;
  monitors: ExpiryMonitors;
  hashQueue: HashQueue;
  tokens: SessionTokens;
  tickets: TicketTokens;
  printer: TicketPrinter;
  pictures: PictureMaker;
  images: ImageStore;
  limits: GuessingLimits;
  logger: Logger;
  settings: Settings;
}

/** What a verb that hashes uses: only a call that the hash queue has let in is given a hasher. */
export interface HashingDeps extends Deps, HashPermit {}

/** Whoever makes a call, signed in or not. */
export interface Caller {
  /** The network address, "unknown" where there is no connection. */
  address: string;
  requestId: string;
}

/** The signed-in person of a call, read with the session on every call. */
export interface User extends Caller {
  username: string;
  role: Role;
  sessionId: string;
}
