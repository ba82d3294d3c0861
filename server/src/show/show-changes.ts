import { changesKeptMs, listShowChanges, type DatabaseMoment, type Db, type ShowChanges } from "@skyfox/db";
import { shareNext } from "./share-next.ts";

// Half of the time for which changes are kept, so that none is missing.
const trustedForMs = changesKeptMs / 2;
// A connection that is silent would keep all maps and lists waiting.
const askElsewhereAfterMs = 1_000;

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

  const ask = shareNext(async () => {
    const { changed, ...moment } = await askInTime(db, since?.snapshot ?? null);
    if (since === undefined || changed.includes(null) || !followsOn(since, moment)) memory.forgetAll();
    for (const showId of changed) if (showId !== null) memory.forget(showId);
    since = moment;
  });

  return () => ask("all");
}

// After a restart or a failover, transactions of before may be lost and their numbers given out again. By the database's clock: that of a server stands
// still while its machine is suspended.
function followsOn(since: DatabaseMoment, { startedAt, atMs }: DatabaseMoment): boolean {
  return startedAt === since.startedAt && atMs >= since.atMs && atMs - since.atMs < trustedForMs;
}

async function askInTime(db: Db, since: string | null): Promise<ShowChanges> {
  const late = Promise.withResolvers<ShowChanges>();
  const timer = setTimeout(() => late.resolve(listShowChanges(db, since)), askElsewhereAfterMs);
  const first = listShowChanges(db, since);
  // It may fail after the other one was answered.
  first.catch(() => {});
  return await Promise.race([first, late.promise]).finally(() => clearTimeout(timer));
}
