import type { z } from "zod";
import { anyText, entriesOf, readBy } from "./kinds.ts";

/** A key that callers send as `X-Api-Key`, named so that it can be rotated. */
export interface ApiKey {
  name: string;
  key: string;
}

/** A secret that session tokens are signed with, named by the `kid` of their header. */
export interface JwtSecret {
  kid: string;
  secret: string;
}

/** The first signs, all verify. */
export type JwtSecrets = [JwtSecret, ...JwtSecret[]];

/** How strong secrets have to be. */
export interface SecretRules {
  isProduction: boolean;
  refusesWeak: boolean;
}

/** The API key and token secret that development uses by default; production refuses them. */
export const developmentApiKey = "skyfox-development-key";
export const developmentJwtSecret = "skyfox-development-secret-not-for-production";
const publishedSecrets = [developmentApiKey, developmentJwtSecret];

const minJwtSecretLength = 32;
const minSecretBits = 128;
const makeSecret = "Make one with: openssl rand -base64 32";

/** API keys: one, or `name:key` pairs with commas between them. */
export function apiKeys(rules: SecretRules) {
  const message = "is a key, or name:key pairs with commas between them.";
  return readBy(readApiKeys, message).superRefine(refuseBad(1, rules));
}

/** The secret of JWT_SECRET_KEY. */
export function jwtSecret(rules: SecretRules) {
  return anyText.transform(onlyJwtSecret).superRefine(refuseBad(minJwtSecretLength, rules));
}

/** The `kid:secret` pairs of JWT_SECRET_KEYS. */
export function jwtSecrets(rules: SecretRules) {
  const message =
    "is kid:secret pairs with commas between them, each kid once and of 1 to 32 letters, digits, dots, underscores and hyphens.";
  return readBy(readJwtSecrets, message).superRefine(refuseBad(minJwtSecretLength, rules));
}

function readApiKeys(text: string): ApiKey[] | undefined {
  const keys = entriesOf(text).map((entry) => {
    const [, name = "default", key = ""] = /^(?:([^:]*):)?(.*)$/.exec(entry) ?? [];
    return { name, key };
  });
  return keys.every(({ name, key }) => name !== "" && key !== "") ? keys : undefined;
}

/** The secrets where one without a name is all there is. */
export function onlyJwtSecret(secret: string): JwtSecrets {
  return [{ kid: "default", secret }];
}

function readJwtSecrets(text: string): JwtSecrets | undefined {
  const pairs = entriesOf(text).map((pair) => {
    const [, kid = "", secret = ""] = /^([A-Za-z0-9._-]{1,32}):(.+)$/.exec(pair) ?? [];
    return { kid, secret };
  });
  const [first, ...others] = pairs;
  const kids = new Set(pairs.map(({ kid }) => kid));
  return first === undefined || kids.has("") || kids.size < pairs.length ? undefined : [first, ...others];
}

function refuseBad(minLength: number, { isProduction, refusesWeak }: SecretRules) {
  return (all: (ApiKey | JwtSecret)[], context: z.RefinementCtx): void => {
    const subject = all.length === 1 ? "is" : "has one that is";
    const secrets = all.map((one) => ("key" in one ? one.key : one.secret));
    const long = secrets.filter((secret) => secret.length >= minLength);
    if (long.length < secrets.length)
      context.addIssue(`${subject} too short: it needs at least ${minLength} characters.`);
    if (!isProduction) return;
    const own = long.filter((secret) => !publishedSecrets.includes(secret));
    if (own.length < long.length)
      context.addIssue(`${subject} published, as one for development. ${makeSecret}`);
    if (refusesWeak && own.some((secret) => bitsOf(secret) < minSecretBits))
      context.addIssue(
        `${subject} too weak: it needs at least ${minSecretBits} bits by the frequencies of its characters. ${makeSecret}`,
      );
  };
}

// Shannon's entropy of the text's own characters, times its length.
function bitsOf(text: string): number {
  const characters = Array.from(text);
  const counts = new Map<string, number>();
  for (const one of characters) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts.values().reduce((sum, count) => sum + count * Math.log2(characters.length / count), 0);
}
