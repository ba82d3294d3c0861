import * as argon2 from "@node-rs/argon2";
import * as bcrypt from "@node-rs/bcrypt";
import pLimit from "p-limit";
import type { HashQueue, PasswordHasher, HashPermit } from "./ports.ts";
import { createBoundedQueue, type BoundedQueue } from "../runtime/bounded-queue.ts";

/** What a hash costs by argon2id; `memoryCost` in KiB. */
export interface HashCost {
  memoryCost: number;
  timeCost: number;
  parallelism: number;
}

/** The least that the OWASP Password Storage Cheat Sheet asks for: 19 MiB, two passes, one lane. */
const owaspCost: HashCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const hashesAtOnce = 4;

// A call at work asks the database too: eight leave it to the others, and are enough for four that hash. With those that wait they are 204.
const defaultGate = { atOnce: 8, waiting: 196 };

// By then a full queue has been worked off, at a hundred hashes a second.
const fullQueueSeconds = 2;

// The hash of a random text, so that an unknown user costs as much as a wrong password.
const hashOfUnknownUsers = await argon2.hash(crypto.randomUUID(), owaspCost);

/** The hash queue of this server. A call that finds it full is refused before it has cost anything. */
export function createHashQueue(gate: typeof defaultGate = defaultGate, cost?: HashCost): HashQueue {
  const queue = createBoundedQueue({ ...gate, retryAfterSeconds: fullQueueSeconds });
  const passwords = createPasswordHasher(pLimit(hashesAtOnce), cost);
  return {
    refusal: queue.refusal,
    async run<Result>(work: (permit: HashPermit) => Promise<Result>) {
      const outcome = Promise.withResolvers<Result>();
      const running = queue.run(async () => {
        const released = Promise.withResolvers<void>();
        work({ passwords, releasePermit: released.resolve }).then(outcome.resolve, outcome.reject);
        await Promise.race([released.promise, outcome.promise]);
      });
      // The outcome rejects with what the work throws; `running` rejects only when the queue refuses.
      running.catch(outcome.reject);
      return await outcome.promise;
    },
  };
}

/** Hashes off the main thread; `run` says when each hash may begin, by default at once. A cheaper hash than the default is for tests. */
export function createPasswordHasher(
  run: BoundedQueue["run"] = (hashing) => hashing(),
  cost = owaspCost,
): PasswordHasher {
  return {
    hash: (secret) => run(() => argon2.hash(secret, cost)),
    fits: (stored, secret) => run(() => fitsHash(stored, secret)),
  };
}

/** The hash of a password to store: of its NFC, since keyboards type one letter in several ways (Unicode Standard Annex 15). */
export async function hashPassword(passwords: PasswordHasher, password: string): Promise<string> {
  return await passwords.hash(password.normalize("NFC"));
}

/**
 * Whether a typed password fits the stored hash, and whether it is to be hashed anew: an older hash is of bcrypt, or of the password as it was
 * typed. What fits nothing costs the same with a stored hash and without.
 */
export async function checkPassword(
  passwords: PasswordHasher,
  stored: string | undefined,
  typed: string,
): Promise<{ fits: boolean; isOutdated: boolean }> {
  const composed = typed.normalize("NFC");
  if (await passwords.fits(stored, composed)) {
    return { fits: true, isOutdated: stored !== undefined && isOutdated(stored) };
  }
  const fits = typed !== composed && (await passwords.fits(stored, typed));
  return { fits, isOutdated: fits };
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
    return (await argon2.verify(isCheckable ? stored : hashOfUnknownUsers, secret)) && isCheckable;
  } catch {
    // A stored hash that cannot be read fits nothing.
    return false;
  }
}
