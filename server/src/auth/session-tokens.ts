import { errors, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import { roles, type Role } from "../contract/index.ts";
import type { Clock, SessionClaims, SessionTokens } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

const issuer = "skyfox";
const audience = "skyfox-api";
const algorithm = "HS256";

// Some megabytes at most; a token that falls out is verified again.
const rememberedTokens = 10_000;

/** The tokens of sessions: HS256 JWTs (RFC 7519) with issuer, audience, `sub`, `sid`, `role`, `iat` and `exp`. What was verified once is remembered. */
export function createSessionTokens({
  secretKey,
  clock,
}: {
  secretKey: string;
  clock: Clock;
}): SessionTokens {
  const key = new TextEncoder().encode(secretKey);
  const verified = new LRUCache<string, SessionClaims>({ max: rememberedTokens });

  return {
    async sign({ sessionId, username, role, issuedAt, expiresAt }) {
      return await new SignJWT({ sid: sessionId, role })
        .setProtectedHeader({ alg: algorithm, typ: "JWT" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(username)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key);
    },

    remembers: (token) => verified.has(token),

    async verify(token) {
      const now = clock.now();
      const remembered = verified.get(token);
      if (remembered !== undefined) {
        if (remembered.expiresAt > now) return remembered;
        verified.delete(token);
        throw new DomainError({ code: "SESSION_ENDED" });
      }
      const claims = await readToken(token, key, now);
      verified.set(token, claims);
      return claims;
    },
  };
}

async function readToken(token: string, key: Uint8Array, now: Date): Promise<SessionClaims> {
  try {
    const { payload } = await jwtVerify(token, key, {
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

function toDate(seconds: number): Date {
  return new Date(seconds * 1_000);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value);
}
