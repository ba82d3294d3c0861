import type { Timing } from "./retries.ts";

/** Calls the caller's own code. An error of it is thrown where it reaches the page's own handlers, and breaks no stream. */
export function callCallersCode(timing: Timing, callback: () => void): void {
  try {
    callback();
  } catch (error) {
    timing.after(0, () => {
      throw error;
    });
  }
}
