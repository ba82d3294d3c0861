import type { MeOutput, Role } from "../contract/index.ts";
import type { DomainError } from "../errors/domain-error.ts";

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

/** What a live session says of its account now. */
export interface LiveSession {
  username: string;
  role: Role;
  expiresAt: Date;
  /** What the person sees of the account; undefined when it has no details, neither as a customer nor as staff. */
  profile: MeOutput | undefined;
}

/** The sessions that have not ended. */
export interface LiveSessions {
  /**
   * The account of a session that has neither ended nor run out; undefined when there is none of that account. A session that ended on this
   * server is not found any more, one that ended elsewhere for at most a second; the same goes for an old profile.
   */
  find(session: { sessionId: string; username: string }, now: Date): Promise<LiveSession | undefined>;
  /** To be called after the commit that ended sessions of an account, or changed its role or profile. */
  forget(username: string): void;
  /**
   * Calls `mayHaveEnded` when this server hears that a session of the account may have ended, until the returned function is called. What ended while the
   * server heard nothing is for the caller to look for.
   */
  watch(username: string, mayHaveEnded: () => void): () => void;
}
