/** At least 0 and less than 1. */
export function randomShare(): number {
  return randomBytes(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32;
}

/** So many random bytes, in hexadecimal digits. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes)
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

// Keys have to be different, not secret: React Native has no Web Crypto, and browsers have randomUUID on https and localhost only.
function randomBytes(count: number): number[] {
  const { crypto } = globalThis as { crypto?: Crypto };
  if (crypto !== undefined) return [...crypto.getRandomValues(new Uint8Array(count))];
  // oxlint-disable-next-line no-restricted-properties -- There is no better source here.
  return Array.from({ length: count }, () => Math.floor(Math.random() * 256));
}
