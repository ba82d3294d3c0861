import { expect, test } from "vitest";
import { endIntent, intentKey, type IntentStorage } from "./intents.ts";

function storageOf(items = new Map<string, string>()): IntentStorage {
  return {
    getItem: (item) => items.get(item) ?? null,
    setItem: (item, value) => void items.set(item, value),
    removeItem: (item) => void items.delete(item),
  };
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

test("a storage that is shut keeps one key as long as the page is there", () => {
  const shut = () => {
    throw new DOMException("The storage is shut.", "SecurityError");
  };
  const storage = { getItem: shut, setItem: shut, removeItem: shut };
  const key = intentKey("checkout-44", storage);
  expect(intentKey("checkout-44", storage)).toBe(key);
  endIntent("checkout-44", storage);
  expect(intentKey("checkout-44", storage)).not.toBe(key);
});
