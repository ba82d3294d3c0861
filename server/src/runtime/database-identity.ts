import {
  findDatabaseIdentity,
  insertDatabaseIdentity,
  readDatabasePlace,
  type DatabaseIdentity,
  type DatabasePlace,
} from "@skyfox/db";
import type { Config } from "../config.ts";
import type { Deps } from "../deps.ts";

/**
 * Makes sure that the database is the living one before a server acts on it. The first start writes down where it is. Throws a sentence for the
 * operator when it is marked as a copy, and in production when it is somewhere else than before; with BACKGROUND=off a server shows any.
 */
export async function assertLivingDatabase(
  { db, clock, logger }: Pick<Deps, "db" | "clock" | "logger">,
  { environment, background }: Pick<Config, "environment" | "background">,
): Promise<void> {
  const place = await readDatabasePlace(db);
  if (place.systemIdentifier === null)
    logger.warn(
      {},
      "The database's role may not call pg_control_system(): a copy in another cluster cannot always be distinguished from the living database.",
    );
  if (background) await insertDatabaseIdentity(db, place, clock.now());
  const identity = await findDatabaseIdentity(db);
  if (identity === undefined) return;
  if (isSamePlace(identity, place)) {
    if (identity.isCopy && background) throw new Error(copySentence);
    return;
  }
  const sentence = strangerSentence(identity, place);
  if (environment === "production" && background) throw new Error(sentence);
  logger.warn({}, sentence);
}

// Without the cluster's number only the database's is left, which the first database of each cluster may share.
function isSamePlace(one: DatabasePlace, other: DatabasePlace): boolean {
  if (one.databaseOid !== other.databaseOid) return false;
  if (one.systemIdentifier !== null && other.systemIdentifier !== null)
    return one.systemIdentifier === other.systemIdentifier;
  return one.databaseName === other.databaseName;
}

const copySentence =
  "This database is marked as a copy. Start with BACKGROUND=off to look at it. If it is the living one now, and no server runs on the old " +
  "one any more, say so: npm run db:identity -- live.";

function strangerSentence(before: DatabaseIdentity, now: DatabasePlace): string {
  return (
    `This database has moved: SkyFox knows it as ${describePlace(before)}, and it is ${describePlace(now)} now. ` +
    "If it takes the place of that one, and no server runs on that one any more: npm run db:identity -- live. " +
    "If it is a copy to look at: npm run db:identity -- copy, and start with BACKGROUND=off. See server/docs/restore.md."
  );
}

/** A place in words. */
export function describePlace({ databaseName, databaseOid, systemIdentifier }: DatabasePlace): string {
  return `"${databaseName}" (number ${databaseOid}) in the cluster ${systemIdentifier ?? "of unknown number"}`;
}
