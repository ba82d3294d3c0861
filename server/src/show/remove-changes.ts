import { changesKeptMs, deleteShowChanges, listShowChanges, type DatabaseMoment, type Db } from "@skyfox/db";

// A statement of this size takes a fraction of a second.
const batchSize = 5_000;

/** Each round removes the changes of shows that every server has seen: those in the snapshot of a round that is long enough ago by the database's clock. */
export function createChangeRemoval(db: Db): (signal?: AbortSignal) => Promise<void> {
  let seen: DatabaseMoment | undefined;

  return async (signal) => {
    const now = await listShowChanges(db, null);
    if (seen?.startedAt === now.startedAt && now.atMs >= seen.atMs) {
      if (now.atMs - seen.atMs <= changesKeptMs) return;
      let removed = batchSize;
      while (removed >= batchSize && signal?.aborted !== true)
        removed = await deleteShowChanges(db, seen.snapshot, batchSize);
    }
    seen = now;
  };
}
