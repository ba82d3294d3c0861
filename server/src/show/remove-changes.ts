import { changesKeptMs, deleteShowChanges, listShowChanges, type Db } from "@skyfox/db";

// A statement of this size takes a fraction of a second.
const batchSize = 5_000;

/** Each round removes the changes of shows that every server has seen: those in a snapshot of a round that is long enough ago. */
export function createChangeRemoval(
  db: Db,
  monotonicMs: () => number = () => performance.now(),
): (signal?: AbortSignal) => Promise<void> {
  let seen: { by: string; atMs: number } | undefined;

  return async (signal) => {
    // Beside the clock of the cinema, which may jump.
    const nowMs = monotonicMs();
    if (seen !== undefined && nowMs - seen.atMs <= changesKeptMs) return;
    const { snapshot } = await listShowChanges(db, null);
    if (seen !== undefined) {
      let removed = batchSize;
      while (removed === batchSize && signal?.aborted !== true)
        removed = await deleteShowChanges(db, seen.by, batchSize);
    }
    seen = { by: snapshot, atMs: nowMs };
  };
}
