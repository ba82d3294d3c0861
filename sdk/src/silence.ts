import type { Timing } from "./retries.ts";

const tickMs = 5_000;

// The server is heard every 15 seconds, if only by a ping: this is two heartbeats.
const silenceMs = 30_000;

/** What a watch over silence calls. */
export interface SilenceListener {
  /** Every five seconds. */
  tick(): void;
  /** Instead of a tick when nothing was heard for 30 seconds, and every 30 seconds again. */
  silent(): void;
}

/** A watch over silence. */
export interface SilenceWatch {
  /** Something was heard. */
  heard(): void;
  stop(): void;
}

/**
 * Notices when nothing is heard any more. Time that the device slept counts, though its timers stood still: it is noticed within five seconds after
 * waking up. A wall clock that is set back delays nothing.
 */
export function watchSilence(timing: Timing, listener: SilenceListener): SilenceWatch {
  let silentMs = 0;
  let lastTickAt = timing.now();
  let cancel = timing.after(tickMs, tick);
  return {
    heard() {
      silentMs = 0;
    },
    stop: () => cancel(),
  };

  function tick(): void {
    const now = timing.now();
    silentMs += Math.max(tickMs, now - lastTickAt);
    lastTickAt = now;
    cancel = timing.after(tickMs, tick);
    if (silentMs < silenceMs) return listener.tick();
    silentMs = 0;
    listener.silent();
  }
}
