import { databaseTime } from "@skyfox/db";
import type { Clock } from "../src/runtime/ports.ts";

/** A clock that stands still until a test moves it; moving it wakes what is due, in order. */
export interface ManualClock extends Clock {
  /** From now on statements go by the database's clock, which the test sets along with this one: see `standDatabaseClock`. */
  leaveToDatabase(): void;
  advance(ms: number): void;
  set(time: Date): void;
}

interface Alarm {
  at: number;
  wake: () => void;
}

export function createManualClock(start: Date): ManualClock {
  let current = start.getTime();
  let isLeftToDatabase = false;
  const alarms = new Set<Alarm>();

  function set(time: Date): void {
    current = time.getTime();
    for (const alarm of [...alarms]
      .filter(({ at }) => at <= current)
      .toSorted((one, other) => one.at - other.at)) {
      if (alarms.delete(alarm)) alarm.wake();
    }
  }

  function wakeAt(at: Date, wake: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    const alarm = { at: at.getTime(), wake };
    alarms.add(alarm);
    signal.addEventListener("abort", () => alarms.delete(alarm), { once: true });
    // Overdue ones fire at once, like a timer of zero milliseconds: after the caller has gone on.
    if (alarm.at <= current) setImmediate(() => alarms.delete(alarm) && wake());
  }

  return {
    now: () => new Date(current),
    nowFrom: () => new Date(current),
    get standsAt() {
      return isLeftToDatabase ? undefined : new Date(current);
    },
    leaveToDatabase: () => void (isLeftToDatabase = true),
    // As many round trips as in production.
    nowIn: async (db) => {
      await databaseTime(db);
      return new Date(current);
    },
    jumpedForwardTo: undefined,
    wakeAt,
    wakeAfter: (ms, wake, signal) => wakeAt(new Date(current + ms), wake, signal),
    advance: (ms) => set(new Date(current + ms)),
    set,
  };
}
