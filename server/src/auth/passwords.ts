import * as argon2 from "@node-rs/argon2";
import * as bcrypt from "@node-rs/bcrypt";
import pLimit from "p-limit";
import type { PasswordHasher } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const defaultGate = { atOnce: 4, waiting: 200 };

// By then a full queue has been worked off, at a hundred hashes a second.
const queueSeconds = 2;

// A hash of nothing anyone types, so that an unknown user costs as much as a wrong password.
const nobodysHash = await argon2.hash(crypto.randomUUID(), parameters);

/** Hashes a few secrets at a time off the main thread; past a bounded queue it throws `RATE_LIMITED`, so that logins cannot starve the server. */
export function createPasswordHasher(
  gate: { atOnce: number; waiting: number } = defaultGate,
): PasswordHasher {
  const limit = pLimit(gate.atOnce);

  async function takeTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (limit.activeCount + limit.pendingCount >= gate.atOnce + gate.waiting) {
      throw new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds: queueSeconds } });
    }
    return await limit(work);
  }

  return {
    hash: (secret) => takeTurn(() => argon2.hash(secret, parameters)),
    fits: (stored, secret) => takeTurn(() => fitsHash(stored, secret)),
  };
}

/** Whether a stored hash is one of the older system's, to be replaced once the secret is known. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith("$argon2id$");
}

// A stored hash says itself what checking it costs; one that asks for much more than ours is not checked.
const affordableArgon2 = /^\$argon2id\$v=19\$m=\d{1,5},t=\d,p=\d\$/;
const affordableBcrypt = /^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/;

// bcrypt looks at no more bytes than these; a longer secret was never hashed by it.
const bcryptBytes = 72;

async function fitsHash(stored: string | undefined, secret: string): Promise<boolean> {
  if (stored !== undefined && affordableBcrypt.test(stored)) {
    return Buffer.byteLength(secret) <= bcryptBytes && (await bcrypt.verify(secret, stored));
  }
  const isCheckable = stored !== undefined && affordableArgon2.test(stored);
  try {
    return (await argon2.verify(isCheckable ? stored : nobodysHash, secret)) && isCheckable;
  } catch {
    // A stored hash that cannot be read fits nothing.
    return false;
  }
}
