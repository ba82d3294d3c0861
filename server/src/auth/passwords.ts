import { hash, verify } from "@node-rs/argon2";

// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// A hash of nothing anyone types, so that an unknown user costs as much as a wrong password.
const nobodysHash = await hash(crypto.randomUUID(), parameters);

/** Hashes a password, or a security answer, with argon2id. */
export async function hashSecret(secret: string): Promise<string> {
  return await hash(secret, parameters);
}

// A stored hash says itself what checking it costs; one that asks for much more than ours is not checked.
const affordableHash = /^\$argon2id\$v=19\$m=\d{1,5},t=\d,p=\d\$/;

/** Whether the password fits the stored hash; without one that can be checked it takes the same time and answers no. */
export async function fitsHash(stored: string | undefined, secret: string): Promise<boolean> {
  const isCheckable = stored !== undefined && affordableHash.test(stored);
  try {
    return (await verify(isCheckable ? stored : nobodysHash, secret)) && isCheckable;
  } catch {
    // A stored hash that cannot be read fits nothing.
    return false;
  }
}
