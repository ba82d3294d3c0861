import { expect, test } from "vitest";
import { endIntent, intentKey, type IntentStorage } from "./intents.ts";

function storageOf(items = new Map<string, string>()): IntentStorage {
  return {
    getItem: (item) => items.get(item) ?? null,
    setItem: (item, value) => void items.set(item, value),
    removeItem: (item) => void items.delete(item),
  };
}

function shutStorage(): IntentStorage {
  const shut = () => {
    throw new DOMException("The storage is shut.", "SecurityError");
  };
  return { getItem: shut, setItem: shut, removeItem: shut };
}

test("an intent has one key, also after the page was loaded again, and every other one has another", () => {
  const kept = new Map<string, string>();
  const key = intentKey("checkout-42", storageOf(kept));
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect(intentKey("checkout-42", storageOf(kept))).toBe(key);
  expect(intentKey("checkout-43", storageOf(kept))).not.toBe(key);
});

test("an intent that has ended gets a new key", () => {
  const storage = storageOf();
  const key = intentKey("top-up", storage);
  endIntent("top-up", storage);
  expect(intentKey("top-up", storage)).not.toBe(key);
});

test("an intent that has a newer key is not ended by the answer of an older call", () => {
  for (const storage of [storageOf(), shutStorage()]) {
    const older = intentKey("top-up", storage);
    endIntent("top-up", storage, older);
    const newer = intentKey("top-up", storage);
    expect(newer).not.toBe(older);
    endIntent("top-up", storage, older);
    expect(intentKey("top-up", storage)).toBe(newer);
  }
});

test("a storage that is shut keeps one key as long as the page is there", () => {
  const storage = shutStorage();
  const key = intentKey("checkout-44", storage);
  expect(intentKey("checkout-44", storage)).toBe(key);
  endIntent("checkout-44", storage);
  expect(intentKey("checkout-44", storage)).not.toBe(key);
});
