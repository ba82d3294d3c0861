import type { IntentStorage } from "@skyfox/sdk";

/** This tab's storage. Where the browser blocks it, what is kept is gone when the page is left. */
export const tabStorage: IntentStorage = open();

function open(): IntentStorage {
  try {
    // Where storage is blocked, naming it throws already.
    return sessionStorage;
  } catch {
    const kept = new Map<string, string>();
    return {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => void kept.set(name, value),
      removeItem: (name) => void kept.delete(name),
    };
  }
}
