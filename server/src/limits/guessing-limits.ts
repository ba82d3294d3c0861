import {
  countTry,
  deleteAccountLimits,
  prolongLimit,
  returnTry,
  type Db,
  type ReturnedWindow,
} from "@skyfox/db";
import type { GuessingLimits } from "./ports.ts";
import type { TryReturns } from "./try-returns.ts";
import type { LimitName, Limits } from "./limit-table.ts";
import { digest, rateLimited, windowsOf, type Window } from "./windows.ts";

// More than the clocks of two readings can differ, and less than the shortest window.
const windowToleranceMs = 10_000;

// What an owner or an admin has forgotten: everything that is guessed about an account.
const guesses: readonly LimitName[] = [
  "wrongPasswords",
  "wrongPasswordsOfDevices",
  "wrongCurrentPasswords",
  "wrongAnswers",
  "wrongAnswersADay",
];

/** Limits that all servers on the database share. They run on the process's own clock. */
export function createGuessingLimits(db: Db, limits: Limits, returns: TryReturns): GuessingLimits {
  return {
    async count(names, trier) {
      const windows = [names].flat().flatMap((name) => windowsOf(name, limits[name], trier));
      const now = new Date().getTime();
      const counted = await countTry(
        db,
        windows.map(({ key, windowSeconds }) => ({ key, expire: now + windowSeconds * 1_000 })),
        now,
      );
      const giveBack = () => returnTry(db, counted.map(toReturned));
      const pointsOf = new Map(counted.map(({ key, points }) => [key, points]));
      const reaches = ({ key, max }: Window, beyond: number) => (pointsOf.get(key) ?? 0) >= max + beyond;
      const full = windows.filter((window) => reaches(window, 1));
      if (full.length === 0) {
        const last = windows.filter(({ kind }) => kind === "account" || kind === "device");
        const usedUp = last.filter((window) => reaches(window, 0)).map(({ limit }) => limit);
        return { usedUp, giveBack };
      }
      // Refused tries are refunded, so retrying neither extends the wait nor uses up the tries of others.
      await giveBack();
      const ends = counted.filter(({ key }) => full.some((window) => window.key === key));
      throw rateLimited(Math.max(...ends.map(({ expire }) => expire)) - now);
    },

    plan(limit, trier) {
      const nowMs = new Date().getTime();
      const windows = windowsOf(limit, limits[limit], trier).map(({ key, max, windowSeconds }) => {
        return { key, max, expire: nowMs + windowSeconds * 1_000 };
      });
      return {
        counted: { windows, nowMs },
        refusal: (untilMs) => rateLimited(untilMs - nowMs),
        giveBack: (counted) => returns.add(counted.map(toReturned)),
      };
    },

    async prolong(limit, account) {
      const expire = new Date().getTime() + limits[limit].windowSeconds * 1_000;
      await prolongLimit(db, `${limit}:account:${digest(account)}`, expire);
    },

    forgive: forgiveGuesses,
  };
}

/** What `GuessingLimits.forgive` does, which needs nothing but the database. */
export async function forgiveGuesses(db: Db, account: string, names = guesses): Promise<number> {
  const now = new Date().getTime();
  const forgotten = await deleteAccountLimits(db, digest(account), [...names]);
  const points = (window: string) =>
    forgotten
      .filter(({ key, expire }) => key.startsWith(`${window}:`) && expire > now)
      .reduce((sum, row) => sum + row.points, 0);
  // What is counted in two windows is one guess.
  return (
    points("wrongPasswords:account") +
    points("wrongCurrentPasswords:account") +
    Math.max(points("wrongPasswordsOfDevices:account"), points("wrongPasswordsOfDevices:device")) +
    Math.max(points("wrongAnswers:account"), points("wrongAnswersADay:account"))
  );
}

// A window that has begun anew since then ends later.
function toReturned({ key, expire }: { key: string; expire: number }): ReturnedWindow {
  return { key, endsBefore: expire + windowToleranceMs };
}
