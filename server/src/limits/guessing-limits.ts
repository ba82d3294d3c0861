import { createHash } from "node:crypto";
import { deleteLimit, limitStore, returnLimitPoint, type Db } from "@skyfox/db";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import type { GuessingLimits } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { networkOf } from "./network.ts";
import type { LimitName, Limits } from "./limit-table.ts";

// More than the clocks of two readings can differ, and less than the shortest window.
const windowToleranceMs = 10_000;

interface Window {
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
  const names = Object.keys(limits) as LimitName[];
  const limiters = Object.fromEntries(
    names.map((name) => {
      const { perAccount, perAddress, windowSeconds } = limits[name];
      return [
        name,
        {
          account: perAccount === undefined ? undefined : createLimiter(perAccount, windowSeconds),
          address: createLimiter(perAddress, windowSeconds),
        },
      ];
    }),
  ) as Record<LimitName, { account: RateLimiterPostgres | undefined; address: RateLimiterPostgres }>;

  function createLimiter(points: number, duration: number): RateLimiterPostgres {
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

  return {
    async count(limit, { account, address }) {
      const { account: ofAccount, address: ofAddress } = limiters[limit];
      const windows: Window[] = [
        { key: keyOf(limit, "address", networkOf(address)), limiter: ofAddress },
        ...(account !== undefined && ofAccount !== undefined
          ? [{ key: keyOf(limit, "account", account), limiter: ofAccount }]
          : []),
      ];
      const counted = await Promise.all(windows.map(consume));
      const giveBack = async () => {
        await Promise.all(
          counted.map(({ key, msBeforeNext }) => returnLimitPoint(db, key, endOf(msBeforeNext))),
        );
      };
      if (counted.every(({ isAllowed }) => isAllowed)) {
        return { isLastOfAccount: counted[1]?.isLast ?? false, giveBack };
      }
      await giveBack();
      const waits = counted.filter(({ isAllowed }) => !isAllowed).map(({ msBeforeNext }) => msBeforeNext);
      const retryAfterSeconds = Math.max(1, Math.ceil(Math.max(...waits) / 1_000));
      throw new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
    },

    async forgive(limit, account) {
      await deleteLimit(db, keyOf(limit, "account", account));
    },
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

// People type passwords and e-mail addresses into the wrong fields, so that what is counted is kept as a digest only.
function keyOf(limit: LimitName, kind: "account" | "address", value: string): string {
  return `${limit}:${kind}:${createHash("sha256").update(value).digest("hex")}`;
}
