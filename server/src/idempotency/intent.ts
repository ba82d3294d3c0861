import { createHash } from "node:crypto";
import type { KeyedCall } from "@skyfox/db";
import { transformer } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

/** What of a call its key depends on. */
export interface CallWithKey {
  user: Pick<User, "username">;
  idempotencyKey: string | undefined;
}

/** The keys that a caller may choose: 1 to 255 printable ASCII characters. */
const keyForm = /^[\x20-\x7E]{1,255}$/;

// Of these only their presence is looked at. A fast digest of a card or a password could be guessed from a copy of the database, also one
// with a key, which would be in the same copy; so another card or password under the same key is the same intent.
const secretFields = ["card", "password"];

/**
 * What the key of a call stands for, when its caller sent one: an account's call of a procedure with an input. Throws `VALIDATION_ERROR` for a
 * key of another form.
 */
export function intentOf(call: CallWithKey, procedure: string, input: unknown): KeyedCall | undefined {
  const { user, idempotencyKey: key } = call;
  if (key === undefined) return undefined;
  if (!keyForm.test(key)) {
    throw new DomainError({ code: "VALIDATION_ERROR" }, [
      { field: "idempotency-key", message: "The key has 1 to 255 printable ASCII characters." },
    ]);
  }
  return { username: user.username, procedure, key, fingerprint: fingerprintOf(input) };
}

// What was asked, as parsed, whatever the order of its fields; a field that is there without a value is not there.
function fingerprintOf(input: unknown): Buffer {
  const asked = Object.entries(input ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, secretFields.includes(field) ? true : (value as unknown)]);
  const { json } = transformer.serialize(Object.fromEntries(asked));
  return createHash("sha256")
    .update(JSON.stringify(sortKeys(json)))
    .digest();
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
