import pLimit from "p-limit";
import { DomainError } from "./errors/domain-error.ts";

/** Turns at something that only so many may do at once. */
export interface Turns {
  /** Runs the work when its turn comes; throws `RATE_LIMITED` at once, without having begun, when there is no place to wait. */
  take<Result>(work: () => Promise<Result>): Promise<Result>;
  /** What `take` would throw at this moment. */
  refusal(): DomainError | undefined;
}

/** So much may be under way at once and so much more may wait for it; whoever comes beyond that is told to come back later. */
export function createTurns({
  atOnce,
  waiting,
  retryAfterSeconds,
}: {
  atOnce: number;
  waiting: number;
  retryAfterSeconds: number;
}): Turns {
  const limit = pLimit(atOnce);
  const refusal = () =>
    limit.activeCount + limit.pendingCount < atOnce + waiting
      ? undefined
      : new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
  return {
    refusal,
    async take(work) {
      const refused = refusal();
      if (refused !== undefined) throw refused;
      return await limit(work);
    },
  };
}
