import { callCallersCode } from "./callers-code.ts";
import { realTiming, type Timing } from "./retries.ts";
import { serverAheadMs } from "./server-clock.ts";

/** What can run out: a `Hold` or a `Booking`. */
export interface RunningOut {
  /** Until when the seats are held, by the server's clock; null when they are not. */
  expiresAt: Date | null;
  /** 0 or null when the seats are no longer held. */
  timeRemainingMs: number | null;
}

/**
 * Calls back with the milliseconds that a hold has left on the server's clock, whatever this device's clock says: at once, with each second, when the
 * page is shown again, and with 0 as the last time. A hold that has ended is 0 at once. Returns what stops it.
 */
export function countdown(hold: RunningOut, onTick: (remainingMs: number) => void): () => void {
  return countDown(hold, onTick, realTiming);
}

/** `countdown` with a clock and timers of the caller's choice, for tests. */
export function countDown(
  { expiresAt, timeRemainingMs }: RunningOut,
  onTick: (remainingMs: number) => void,
  timing: Timing,
): () => void {
  let stopTimer: (() => void) | undefined;
  const page = (globalThis as { document?: EventTarget }).document;
  page?.addEventListener("visibilitychange", tick);
  tick();
  return stop;

  function tick(): void {
    stopTimer?.();
    const remainingMs = remaining();
    if (remainingMs === 0) stop();
    // To the next whole second, so that what a page shows changes in time.
    else stopTimer = timing.after(remainingMs % 1_000 || 1_000, tick);
    callCallersCode(timing, () => onTick(remainingMs));
  }

  function remaining(): number {
    if (expiresAt === null || !timeRemainingMs) return 0;
    return Math.max(0, Math.ceil(expiresAt.getTime() - timing.now() - serverAheadMs()));
  }

  function stop(): void {
    stopTimer?.();
    page?.removeEventListener("visibilitychange", tick);
  }
}
