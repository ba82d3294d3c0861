import pLimit from "p-limit";
import { DomainError } from "./errors/domain-error.ts";

/** Turns at something that only so many may do at once. */
export interface Turns {
  /**
   * Runs the work when its turn comes; throws `RATE_LIMITED` at once, without having begun, when there is no place to wait, or when as much
   * of the same owner's is at work or waits already as one owner may have.
   */
  take<Result>(work: () => Promise<Result>, owner?: string): Promise<Result>;
  /** What `take` would throw at this moment. */
  refusal(): DomainError | undefined;
}

/**
 * So much may be under way at once and so much more may wait for it; a caller that comes beyond that is told to come back later. `perOwner` is
 * how much of it may be one owner's, so that a few of them leave room for all others.
 */
export function createTurns({
  atOnce,
  waiting,
  perOwner = atOnce + waiting,
  retryAfterSeconds,
}: {
  atOnce: number;
  waiting: number;
  perOwner?: number;
  retryAfterSeconds: number;
}): Turns {
  const limit = pLimit(atOnce);
  const owned = new Map<string, number>();
  const tooMany = () => new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
  const refusal = () => (limit.activeCount + limit.pendingCount < atOnce + waiting ? undefined : tooMany());
  return {
    refusal,
    async take(work, owner) {
      const refused = refusal();
      if (refused !== undefined) throw refused;
      if (owner === undefined) return await limit(work);
      const own = owned.get(owner) ?? 0;
      if (own >= perOwner) throw tooMany();
      owned.set(owner, own + 1);
      try {
        return await limit(work);
      } finally {
        const left = (owned.get(owner) ?? 1) - 1;
        if (left === 0) owned.delete(owner);
        else owned.set(owner, left);
      }
    },
  };
}
