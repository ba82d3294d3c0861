import { changesKeptMs, listShowChanges, type DatabaseMoment, type Db } from "@skyfox/db";
import { askInTime } from "./ask-in-time.ts";
import { shareNext } from "./share-next.ts";

// Half of the time for which changes are kept, so that none is missing.
const trustedForMs = changesKeptMs / 2;

/** What one server remembers of shows and their claims. */
export interface ShowMemory {
  forget(showId: number): void;
  forgetAll(): void;
}

/**
 * Keeps what is remembered of shows true. The function resolves once all that was committed before it was called is forgotten where it is out of date: one
 * small statement tells all who ask at once what has changed since it was last asked.
 */
export function createShowChangeFeed(db: Db, memory: ShowMemory): () => Promise<void> {
  let since: DatabaseMoment | undefined;

  const ask = shareNext<"all", undefined>(async () => {
    const { changed, ...moment } = await askInTime(() => listShowChanges(db, since?.snapshot ?? null));
    if (since === undefined || changed.includes(null) || !followsOn(since, moment)) memory.forgetAll();
    for (const showId of changed) if (showId !== null) memory.forget(showId);
    since = moment;
    return [undefined];
  });

  return () => ask("all");
}

// After a restart or a failover, transactions of before may be lost and their numbers given out again. Postgres says nothing of a crash that it recovers from
// without a restart; what is missed then is over once nothing is known any longer (`knownForMs`). By the database's clock: that of a server stands still while
// its machine is suspended.
function followsOn(since: DatabaseMoment, { startedAt, atMs }: DatabaseMoment): boolean {
  return startedAt === since.startedAt && atMs >= since.atMs && atMs - since.atMs < trustedForMs;
}
