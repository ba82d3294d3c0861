import type { Db } from "@skyfox/db";

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
  /**
   * For functions of the database that read the time themselves, after their locks: where a test has stopped the clock; undefined in production,
   * where the database's own time decides.
   */
  readonly standsAt: Date | undefined;
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

/** Structured log lines; secrets are redacted by the implementation. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Figures for operators that the runtime does not measure by itself. */
export interface Metrics {
  /** How many things in the books do not add up; NaN while that is unknown. */
  setViolations(count: number): void;
}
