import { newKey } from "./keys.ts";

/** Where intents are kept: `sessionStorage` or anything like it. */
export type IntentStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

// For a storage that is full or shut: the page still has one key.
const unkept = new Map<string, string>();

/**
 * The idempotency key of an intent, such as `checkout-42`: made when it is first asked for, and the same until `endIntent`, also after the page was
 * loaded again. Give it as `idempotencyKey` to the one call that the intent is for. The server keeps answers for 24 hours.
 */
export function intentKey(name: string, storage: IntentStorage): string {
  const item = itemOf(name);
  const kept = knownKey(item, storage);
  if (kept !== null) return kept;
  const key = newKey();
  try {
    storage.setItem(item, key);
  } catch {
    unkept.set(item, key);
  }
  return key;
}

/**
 * Ends an intent, so that its next key is a new one. Call it when the call succeeded, and when a refusal says that it had no effect and the person may
 * choose anew (`!error.mayHaveHappened`), such as another card after `PAYMENT_DECLINED`. With the `key` that the call carried, an intent that has another
 * key by now goes on: the late answer of an older call does not end a newer one.
 */
export function endIntent(name: string, storage: IntentStorage, key?: string): void {
  const item = itemOf(name);
  if (key !== undefined && key !== knownKey(item, storage)) return;
  unkept.delete(item);
  try {
    storage.removeItem(item);
  } catch {
    // What is shut keeps nothing.
  }
}

function knownKey(item: string, storage: IntentStorage): string | null {
  try {
    return unkept.get(item) ?? storage.getItem(item);
  } catch {
    return null;
  }
}

function itemOf(name: string): string {
  return `skyfox-intent:${name}`;
}
