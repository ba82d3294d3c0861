import { errors, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import { readBase64url } from "../runtime/base64url.ts";
import { roles, type Role } from "../contract/index.ts";
import type { Clock } from "../runtime/ports.ts";
import type { SessionClaims, SessionTokens } from "./ports.ts";
import { DomainError } from "../errors/domain-error.ts";

const issuer = "skyfox";
const audience = "skyfox-api";
const algorithm = "HS256";

// Some megabytes at most; a token that falls out is verified again.
const rememberedTokens = 10_000;

// Tokens from before secrets had names were signed with this one.
const unnamedKid = "default";

/** A secret that signs tokens, and the name by which a token says that it did. */
export interface SessionSecret {
  kid: string;
  secret: string;
}

/**
 * The tokens of sessions: HS256 JWTs (RFC 7519) with issuer, audience, `sub`, `sid`, `role`, `iat` and `exp`. The first secret signs, all
 * verify, chosen by `kid`. What was verified once is remembered.
 */
export function createSessionTokens({
  secrets,
  clock,
}: {
  secrets: readonly [SessionSecret, ...SessionSecret[]];
  clock: Clock;
}): SessionTokens {
  const keys = new Map(secrets.map(({ kid, secret }) => [kid, new TextEncoder().encode(secret)]));
  const [{ kid, secret }] = secrets;
  const signing = new TextEncoder().encode(secret);
  const verified = new LRUCache<string, SessionClaims>({ max: rememberedTokens });

  return {
    async sign({ sessionId, username, role, issuedAt, expiresAt }) {
      const token = await new SignJWT({ sid: sessionId, role })
        .setProtectedHeader({ alg: algorithm, kid, typ: "JWT" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(username)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(signing);
      // As a token says it: in whole seconds.
      verified.set(token, {
        sessionId,
        username,
        role,
        issuedAt: wholeSeconds(issuedAt),
        expiresAt: wholeSeconds(expiresAt),
      });
      return token;
    },

    ownerOf(token) {
      const claims = verified.peek(token);
      return claims !== undefined && claims.expiresAt > clock.now() ? claims.username : undefined;
    },

    async verify(token) {
      const now = clock.now();
      const remembered = verified.get(token);
      if (remembered !== undefined) {
        if (remembered.expiresAt > now) return remembered;
        verified.delete(token);
        throw new DomainError({ code: "SESSION_ENDED" });
      }
      const claims = await readToken(token, keys, now);
      verified.set(token, claims);
      return claims;
    },
  };
}

async function readToken(token: string, keys: Map<string, Uint8Array>, now: Date): Promise<SessionClaims> {
  if (token.split(".").some((part) => readBase64url(part) === undefined)) {
    throw new DomainError({ code: "INVALID_TOKEN" });
  }
  const keyOf = ({ kid = unnamedKid }: { kid?: string }) => {
    const key = keys.get(kid);
    if (key === undefined) throw new DomainError({ code: "INVALID_TOKEN" });
    return key;
  };
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: [algorithm],
      issuer,
      audience,
      currentDate: now,
      requiredClaims: ["sub", "sid", "role", "iat", "exp"],
    });
    const { sub, sid, role, iat, exp } = payload;
    if (sub === undefined || typeof sid !== "string" || !isUuid(sid) || !isRole(role)) {
      throw new DomainError({ code: "INVALID_TOKEN" });
    }
    if (iat === undefined || exp === undefined) throw new DomainError({ code: "INVALID_TOKEN" });
    return { username: sub, sessionId: sid, role, issuedAt: toDate(iat), expiresAt: toDate(exp) };
  } catch (error) {
    throw new DomainError({ code: error instanceof errors.JWTExpired ? "SESSION_ENDED" : "INVALID_TOKEN" });
  }
}

function wholeSeconds(time: Date): Date {
  return toDate(Math.floor(time.getTime() / 1_000));
}

function toDate(seconds: number): Date {
  return new Date(seconds * 1_000);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value);
}
