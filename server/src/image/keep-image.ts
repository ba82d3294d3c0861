import { announceImage, claimDueImages, claimImage, deleteImage, giveImage, type Tx } from "@skyfox/db";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

const hourMs = 60 * 60_000;
const removeBatch = 100;

/**
 * Runs what gives a new picture to a customer: uploads it, lets `commit` do its transaction, and removes the picture again when that fails
 * and the older one when it succeeds. A crash in between leaves an object that is removed after an hour, as does an upload that failed: it
 * may still arrive. Throws `STORAGE_UNAVAILABLE`, and `SESSION_ENDED` when the customer is gone.
 */
export async function withUploadedImage<Result>(
  deps: Pick<Deps, "clock" | "db" | "images" | "logger">,
  picture: Buffer,
  commit: (give: (tx: Tx, username: string) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const key = `${crypto.randomUUID()}.jpg`;
  await announceImage(deps.db, key, new Date(deps.clock.now().getTime() + hourMs));
  await upload(deps, key, picture);
  let replaced: string | null = null;
  try {
    const result = await commit(async (tx, username) => {
      const given = await giveImage(tx, { username, key, now: deps.clock.now() });
      if (given === "no such customer") throw new DomainError({ code: "SESSION_ENDED" });
      // The upload has taken so long that the object is given up.
      if (given === "being removed") throw new DomainError({ code: "STORAGE_UNAVAILABLE" });
      replaced = given.replacedKey;
    });
    if (replaced !== null) await discard(deps, replaced);
    return result;
  } catch (error) {
    // Also when it is not known whether the commit happened: what a customer has is not discarded.
    await discard(deps, key);
    throw error;
  }
}

/** Removes objects that no customer has, from the store and then from the list of them. What fails comes again later. */
export async function removeImages(
  deps: Pick<Deps, "clock" | "db" | "images" | "logger">,
  stop?: AbortSignal,
): Promise<void> {
  let keys: string[];
  do {
    keys = await claimDueImages(deps.db, removeBatch, deps.clock.now());
    for (const key of keys) {
      // What is left has a later turn of its own.
      if (stop?.aborted === true) return;
      await remove(deps, key);
    }
  } while (keys.length === removeBatch);
}

async function upload(deps: Pick<Deps, "images" | "logger">, key: string, picture: Buffer): Promise<void> {
  try {
    await deps.images.put(key, picture);
  } catch (error) {
    deps.logger.error({ key, reason: String(error) }, "A picture could not be stored.");
    throw new DomainError({ code: "STORAGE_UNAVAILABLE" });
  }
}

// Whether it succeeds does not matter to the caller: it is tried again until it does.
async function discard(deps: Pick<Deps, "clock" | "db" | "images" | "logger">, key: string): Promise<void> {
  try {
    if (await claimImage(deps.db, key, deps.clock.now())) await remove(deps, key);
  } catch (error) {
    deps.logger.warn({ key, reason: String(error) }, "A picture is to be removed later.");
  }
}

async function remove(deps: Pick<Deps, "db" | "images" | "logger">, key: string): Promise<void> {
  try {
    await deps.images.remove(key);
    await deleteImage(deps.db, key);
  } catch (error) {
    deps.logger.warn(
      { key, reason: String(error) },
      "A picture could not be removed; it will be tried again.",
    );
  }
}
