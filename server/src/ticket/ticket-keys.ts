import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** Ed25519 keys of tickets. */
export interface TicketSigningKeys {
  signing: KeyObject;
  /** Public keys of those that signed before: tickets that they signed stay good. */
  retired: KeyObject[];
}

/**
 * Reads keys with commas between them: the first one, private, signs, and the others, private or public, only verify. A key is PKCS#8 or
 * SPKI (RFC 8410) as PEM, as the base64 of that, or as the base64 of its DER bytes. Undefined when one of them is none.
 */
export function readTicketKeys(text: string): TicketSigningKeys | undefined {
  const [first = "", ...others] = text.split(",").map(bytesOf);
  const signing = keyOrNone(() => createPrivateKey({ key: first, format: "der", type: "pkcs8" }));
  const retired = others.map((bytes) => keyOrNone(() => readPublicKey(bytes)));
  return signing === undefined || !isComplete(retired) ? undefined : { signing, retired };
}

// A PEM file is base64 in a frame; a variable may hold it with its line breaks, with `\n` written for them, or encoded once more.
function bytesOf(entry: string): Buffer {
  const bytes = Buffer.from(entry.replaceAll(/-----[A-Z ]+-----|\\n|\s/g, ""), "base64");
  return bytes.subarray(0, 5).toString() === "-----" ? bytesOf(bytes.toString()) : bytes;
}

function readPublicKey(key: Buffer): KeyObject {
  try {
    return createPublicKey({ key, format: "der", type: "spki" });
  } catch {
    return createPublicKey(createPrivateKey({ key, format: "der", type: "pkcs8" }));
  }
}

function keyOrNone(read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}

function isComplete<Value>(values: (Value | undefined)[]): values is Value[] {
  return !values.includes(undefined);
}
