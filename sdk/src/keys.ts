import { isKeyed } from "@skyfox/server/contract/plain";
import { randomHex } from "./random.ts";

// As the server takes it; a space at an end would not survive a header.
const keyForm = /^[!-~]([ -~]{0,253}[!-~])?$/;

/**
 * The key of a call: the caller's, or a new one where the procedure takes one. Throws a `TypeError` for a key of another form, and for one beside a
 * call that takes none.
 */
export function keyFor(call: { type: string; path: string }, given: unknown): string | undefined {
  const takesKey = call.type === "mutation" && isKeyed(call.path);
  if (given === undefined) return takesKey ? newKey() : undefined;
  if (!takesKey) throw new TypeError(`${call.path} takes no idempotency key.`);
  if (typeof given === "string" && keyForm.test(given)) return given;
  throw new TypeError(
    `The idempotency key of ${call.path} has to be a string of 1 to 255 printable ASCII characters, without a space at its ends.`,
  );
}

/** A key that no other intent has. */
export function newKey(): string {
  return randomHex(16);
}
