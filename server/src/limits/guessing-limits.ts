import { createHash } from "node:crypto";
import { deleteAccountLimits, limitStore, prolongLimit, returnLimitPoint, type Db } from "@skyfox/db";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { GuessingLimits, Trier } from "./ports.ts";
import { DomainError } from "../errors/domain-error.ts";
import { networkOf, siteOf } from "./network.ts";
import type { Limit, LimitName, Limits } from "./limit-table.ts";

// More than the clocks of two readings can differ, and less than the shortest window.
const windowToleranceMs = 10_000;

// A /48 has this many times the tries of a /64: enough for the customers of one site.
const siteFactor = 10;

// What an owner or an admin has forgotten: everything that is guessed about an account.
const guesses: readonly LimitName[] = [
  "wrongPasswords",
  "wrongPasswordsOfDevices",
  "wrongCurrentPasswords",
  "wrongAnswers",
  "wrongAnswersADay",
];

type Kind = "device" | "account" | "address" | "site";

interface Window {
  limit: LimitName;
  kind: Kind;
  key: string;
  limiter: RateLimiterPostgres;
}

interface Counted extends Window {
  isAllowed: boolean;
  isLast: boolean;
  msBeforeNext: number;
}

/** Limits that all servers on the database share. They run on the process's own clock. */
export function createGuessingLimits(db: Db, limits: Limits): GuessingLimits {
  const storeClient = limitStore(db);
  const limiters = Object.fromEntries(
    Object.entries<Limit>(limits).map(([name, limit]) => [
      name,
      {
        device: createLimiter(limit.perDevice, limit.windowSeconds),
        account: createLimiter(limit.perAccount, limit.windowSeconds),
        address: createLimiter(limit.perAddress, limit.windowSeconds),
        site: createLimiter(limit.perAddress && limit.perAddress * siteFactor, limit.windowSeconds),
      },
    ]),
  ) as Record<LimitName, Record<Kind, RateLimiterPostgres | undefined>>;

  function createLimiter(points: number | undefined, duration: number): RateLimiterPostgres | undefined {
    if (points === undefined) return undefined;
    return new RateLimiterPostgres({
      storeClient,
      storeType: "pool",
      tableName: "rate_limit",
      tableCreated: true,
      keyPrefix: "",
      clearExpiredByTimeout: false,
      points,
      duration,
    });
  }

  function windowsOf(limit: LimitName, trier: Trier): Window[] {
    return Object.entries(subjectsOf(trier)).flatMap(([name, subject]) => {
      const kind = name as Kind;
      const limiter = limiters[limit][kind];
      if (limiter === undefined || subject === undefined) return [];
      return [{ limit, kind, key: `${limit}:${kind}:${subject}`, limiter }];
    });
  }

  return {
    async count(names, trier) {
      const windows = [names].flat().flatMap((limit) => windowsOf(limit, trier));
      const counted = await Promise.all(windows.map(consume));
      const giveBack = async () => {
        await Promise.all(
          counted.map(({ key, msBeforeNext }) => returnLimitPoint(db, key, endOf(msBeforeNext))),
        );
      };
      if (counted.every(({ isAllowed }) => isAllowed)) {
        const ofAccount = counted.filter(({ kind }) => kind === "account" || kind === "device");
        return { usedUp: ofAccount.flatMap(({ limit, isLast }) => (isLast ? [limit] : [])), giveBack };
      }
      await giveBack();
      const waits = counted.filter(({ isAllowed }) => !isAllowed).map(({ msBeforeNext }) => msBeforeNext);
      const retryAfterSeconds = Math.max(1, Math.ceil(Math.max(...waits) / 1_000));
      throw new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
    },

    async prolong(limit, account) {
      const expire = new Date().getTime() + limits[limit].windowSeconds * 1_000;
      await prolongLimit(db, `${limit}:account:${digest(account)}`, expire);
    },

    async forgive(handle, account, names = guesses) {
      const now = new Date().getTime();
      const forgotten = await deleteAccountLimits(handle, digest(account), [...names]);
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
    },
  };
}

// People type passwords and e-mail addresses into the wrong fields, so that what is counted is kept as a digest only.
function subjectsOf({ account, device, address }: Trier): Record<Kind, string | undefined> {
  const site = siteOf(address);
  return {
    // An account's digest comes first in the key of its devices too, so that all its windows can be found.
    device: account === undefined || device === undefined ? undefined : `${digest(account)}:${device}`,
    account: account === undefined ? undefined : digest(account),
    address: digest(networkOf(address)),
    site: site === undefined ? undefined : digest(site),
  };
}

// The points of a refused try are given back too: who keeps trying must not wait longer for it, nor keep others out.
async function consume(window: Window): Promise<Counted> {
  try {
    const { msBeforeNext, remainingPoints } = await window.limiter.consume(window.key);
    return { ...window, msBeforeNext, isAllowed: true, isLast: remainingPoints === 0 };
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return { ...window, msBeforeNext: refusal.msBeforeNext, isAllowed: false, isLast: false };
  }
}

function endOf(msBeforeNext: number): number {
  return new Date().getTime() + msBeforeNext + windowToleranceMs;
}

function digest(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
