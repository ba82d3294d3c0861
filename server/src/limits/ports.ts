import type { Db, NewTry, WindowEnd } from "@skyfox/db";
import type { DomainError } from "../errors/domain-error.ts";
import type { CallLimitName, LimitName } from "./limit-table.ts";

/** A try that was counted before it was made. */
export interface CountedTry {
  /** The limits of which it was the last try that the account, or the device, has in this window. */
  usedUp: LimitName[];
  /** For a try that turned out not to be what is limited, such as a right password: it counts no more. */
  giveBack(): Promise<void>;
}

/** A try that is counted by the statement that begins what is tried, so that both are committed or neither. */
export interface PlannedTry {
  /** What the statement counts. */
  counted: NewTry;
  /** What a caller is told whose windows are full until then, in milliseconds since 1970. */
  refusal(untilMs: number): DomainError;
  /** For a try that turned out not to be what is limited: it stops counting in these windows soon, behind the call. */
  giveBack(counted: readonly WindowEnd[]): void;
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
   * Counts a try before it is made, so that tries side by side cannot exceed the limit; of several limits all must let it through. Limits on calls,
   * each by itself, learn of other servers' counts a second late. Throws `RATE_LIMITED`, and then counts nothing.
   */
  count(limits: LimitName | readonly Exclude<LimitName, CallLimitName>[], trier: Trier): Promise<CountedTry>;
  /** As `count`, for a statement of the caller that counts the try. */
  plan(limit: Exclude<LimitName, CallLimitName>, trier: Trier): PlannedTry;
  /** Begins the account's window anew, so that one that is used up lets nothing through for its whole length. */
  prolong(limit: LimitName, account: string): Promise<void>;
  /**
   * Forgets the guesses on an account whose owner has shown who they are in another way: all of them, or those that these limits count.
   * Tells how many they were. Give it the transaction of what they are forgotten for.
   */
  forgive(db: Db, account: string, limits?: readonly LimitName[]): Promise<number>;
}
