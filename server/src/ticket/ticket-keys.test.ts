import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { expect, test } from "vitest";
import { readTicketKeys } from "./ticket-keys.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const older = generateKeyPairSync("ed25519");

function base64(key: KeyObject): string {
  return key.export({ format: "der", type: key.type === "private" ? "pkcs8" : "spki" }).toString("base64");
}

const pem = privateKey.export({ format: "pem", type: "pkcs8" });

test.each([
  ["the base64 of its DER bytes", base64(privateKey)],
  ["a PEM file", pem],
  ["a PEM file with its line breaks written as \\n", pem.replaceAll("\n", "\\n")],
  ["the base64 of a PEM file", Buffer.from(pem).toString("base64")],
])("a key may be %s", (_, text) => {
  const keys = readTicketKeys(text);
  expect(keys?.signing.equals(privateKey)).toBe(true);
  expect(keys?.retired).toEqual([]);
});

// openssl genpkey -algorithm ed25519 -outform der | base64
test("a key may come from openssl", () => {
  const made = "MC4CAQAwBQYDK2VwBCIEIBC2NRWnANF/CxhK9GZg8IN4a78mvmak0WFVW3l5UrdP\n";
  expect(readTicketKeys(made)?.signing.asymmetricKeyType).toBe("ed25519");
});

test("the first key signs; further ones, private or public, only verify", () => {
  const text = [privateKey, older.privateKey, older.publicKey].map(base64).join(" , ");
  const keys = readTicketKeys(text);
  expect(keys?.signing.equals(privateKey)).toBe(true);
  expect(keys?.retired.map((key) => [key.type, key.equals(older.publicKey)])).toEqual([
    ["public", true],
    ["public", true],
  ]);
});

const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const { privateKey: x25519 } = generateKeyPairSync("x25519");

test.each([
  ["nothing", ""],
  ["no base64", "not a key!"],
  ["random bytes", Buffer.alloc(48, 7).toString("base64")],
  ["a public key first", base64(publicKey)],
  ["an RSA key", base64(rsa)],
  ["an X25519 key", base64(x25519)],
  ["an RSA key second", `${base64(privateKey)},${base64(rsa)}`],
  ["half a key", base64(privateKey).slice(0, 32)],
  ["a comma too many", `${base64(privateKey)},`],
  ["only a comma", ","],
])("%s is refused", (_, text) => {
  expect(readTicketKeys(text)).toBeUndefined();
});
