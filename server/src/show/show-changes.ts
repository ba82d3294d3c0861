import { changesKeptMs, listShowChanges, type Db } from "@skyfox/db";
import { shareNext } from "./share-next.ts";

// Half of what the database keeps, so that nothing was removed that this server has not seen.
const trustedForMs = changesKeptMs / 2;

/** What one server remembers of shows and their claims. */
export interface ShowMemory {
  forget(showId: number): void;
  forgetAll(): void;
}

/** Keeps what is remembered of shows true: one small statement tells all who ask at once what has changed since it was last asked. */
export interface ShowChangeFeed {
  /** Resolves once all that was committed before this call is forgotten where it is out of date. */
  forgetChanged(): Promise<void>;
  /** Everything is read again: the database may be another one than before. */
  lost(): void;
}

/** A feed of the changes that any server, or an operator, commits. */
export function createShowChangeFeed(
  db: Db,
  memory: ShowMemory,
  monotonicMs: () => number = () => performance.now(),
): ShowChangeFeed {
  let since: string | null = null;
  let askedAtMs = -Infinity;

  const ask = shareNext(async () => {
    const nowMs = monotonicMs();
    const known = nowMs - askedAtMs < trustedForMs ? since : null;
    const { snapshot, changed } = await listShowChanges(db, known);
    if (known === null || known !== since || changed.includes(null) || isOlder(snapshot, known))
      memory.forgetAll();
    for (const showId of changed) if (showId !== null) memory.forget(showId);
    since = snapshot;
    askedAtMs = nowMs;
  });

  return {
    forgetChanged: () => ask("all"),
    lost() {
      since = null;
    },
  };
}

// A standby that has taken over may not have all transactions of the server before it, and gives their numbers to others.
function isOlder(snapshot: string, before: string): boolean {
  return nextTransaction(snapshot) < nextTransaction(before);
}

// A snapshot is the oldest transaction that runs, the next one, and those between them that run.
function nextTransaction(snapshot: string): bigint {
  return BigInt(snapshot.split(":")[1]!);
}
