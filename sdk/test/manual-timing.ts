import type { Timing } from "../src/retries.ts";

/** Time that passes when a test says so; waits are drawn at half of what they may be. */
export interface ManualTiming extends Timing {
  /** How many timers wait. */
  readonly pending: number;
  /** Lets time pass; timers due meanwhile wake in their order. */
  pass(ms: number): void;
  /** The device sleeps: the clock goes on and no timer does. */
  sleep(ms: number): void;
}

export function createManualTiming(): ManualTiming {
  let wallMs = 1_000_000;
  let timerMs = 0;
  const timers = new Map<object, { at: number; wake: () => void }>();
  return {
    random: () => 0.5,
    now: () => wallMs,
    after(ms, wake) {
      const timer = {};
      timers.set(timer, { at: timerMs + ms, wake });
      return () => timers.delete(timer);
    },
    get pending() {
      return timers.size;
    },
    pass(ms) {
      const until = timerMs + ms;
      for (;;) {
        const [next] = [...timers].toSorted(([, one], [, other]) => one.at - other.at);
        if (next === undefined || next[1].at > until) break;
        timers.delete(next[0]);
        wallMs += next[1].at - timerMs;
        timerMs = next[1].at;
        next[1].wake();
      }
      wallMs += until - timerMs;
      timerMs = until;
    },
    sleep(ms) {
      wallMs += ms;
    },
  };
}
