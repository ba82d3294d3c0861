import pLimit from "p-limit";
import { DomainError } from "../errors/domain-error.ts";

/** A queue for work of which only so much may run at once, and only so much more may wait. */
export interface BoundedQueue {
  /**
   * Runs the work when a place is free. Throws `RATE_LIMITED` at once, before the work has begun, when the queue is full, or when the owner's
   * own work already fills the share of one owner.
   */
  run<Result>(work: () => Promise<Result>, owner?: string): Promise<Result>;
  /** What `run` would throw now. */
  refusal(): DomainError | undefined;
}

/**
 * `atOnce` pieces of work run at a time and `waiting` more may wait. `perOwner` bounds what runs and waits for one owner, so that a few of
 * them leave room for all others.
 */
export function createBoundedQueue({
  atOnce,
  waiting,
  perOwner = atOnce + waiting,
  retryAfterSeconds,
}: {
  atOnce: number;
  waiting: number;
  perOwner?: number;
  retryAfterSeconds: number;
}): BoundedQueue {
  const limit = pLimit(atOnce);
  const owned = new Map<string, number>();
  const tooMany = () => new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
  const refusal = () => (limit.activeCount + limit.pendingCount < atOnce + waiting ? undefined : tooMany());
  return {
    refusal,
    async run(work, owner) {
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
