import { hash, verify } from "@node-rs/argon2";

// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// A hash of nothing anyone types, so that an unknown user costs as much as a wrong password.
const nobodysHash = await hash(crypto.randomUUID(), parameters);

/** Hashes a password, or a security answer, with argon2id. */
export async function hashSecret(secret: string): Promise<string> {
  return await hash(secret, parameters);
}

/** Whether the password fits the stored hash; without one it takes the same time and answers no. */
export async function fitsHash(stored: string | undefined, secret: string): Promise<boolean> {
  try {
    return (await verify(stored ?? nobodysHash, secret)) && stored !== undefined;
  } catch {
    // A stored hash that cannot be read fits nothing.
    return false;
  }
}
