import type { CallLimits } from "./call-limits.ts";
import { isCallLimit } from "./limit-table.ts";
import type { GuessingLimits } from "./ports.ts";

/** All limits in one: guesses are counted in the database, calls in memory. */
export function joinLimits(guesses: GuessingLimits, calls: CallLimits): GuessingLimits {
  return {
    ...guesses,
    async count(names, trier) {
      return isCallLimit(names) ? calls.count(names, trier) : await guesses.count(names, trier);
    },
  };
}
