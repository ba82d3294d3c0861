import { findLiveSession } from "@skyfox/db";
import { errors, jwtVerify, SignJWT } from "jose";
import { roles, type Role } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

const issuer = "skyfox";
const audience = "skyfox-api";
const algorithm = "HS256";

export interface Session {
  id: string;
  username: string;
  role: Role;
  issuedAt: Date;
  expiresAt: Date;
}

/** The token of a session: an HS256 JWT (RFC 7519) with issuer, audience, `sub`, `sid`, `role`, `iat` and `exp`. */
export async function signToken(secretKey: string, session: Session): Promise<string> {
  return await new SignJWT({ sid: session.id, role: session.role })
    .setProtectedHeader({ alg: algorithm, typ: "JWT" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(session.username)
    .setIssuedAt(session.issuedAt)
    .setExpirationTime(session.expiresAt)
    .sign(encodeKey(secretKey));
}

/**
 * The person behind an `Authorization: Bearer` header. The session row and the role of this moment decide, not what the token says of them.
 * Throws `MISSING_TOKEN`, `INVALID_TOKEN`, or `SESSION_ENDED` when the token has run out or its session is over.
 */
export async function authenticate(deps: Deps, authorization: string | undefined): Promise<User> {
  if (authorization === undefined) throw new DomainError({ code: "MISSING_TOKEN" });
  const token = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/.exec(authorization)?.[1];
  if (token === undefined || token.length > 2_000) throw new DomainError({ code: "INVALID_TOKEN" });
  const now = deps.clock.now();
  const claims = await verifyToken(deps.settings.jwtSecretKey, token, now);
  const account = await findLiveSession(deps.db, claims.sessionId, now);
  if (account === undefined || account.username !== claims.username || account.role !== claims.role) {
    throw new DomainError({ code: "SESSION_ENDED" });
  }
  return { username: account.username, role: account.role, sessionId: claims.sessionId };
}

async function verifyToken(secretKey: string, token: string, now: Date) {
  try {
    const { payload } = await jwtVerify(token, encodeKey(secretKey), {
      algorithms: [algorithm],
      issuer,
      audience,
      currentDate: now,
      requiredClaims: ["sub", "sid", "role", "iat", "exp"],
    });
    const { sub, sid, role } = payload;
    if (sub === undefined || typeof sid !== "string" || !isUuid(sid) || !isRole(role)) {
      throw new DomainError({ code: "INVALID_TOKEN" });
    }
    return { username: sub, sessionId: sid, role };
  } catch (error) {
    throw new DomainError({ code: error instanceof errors.JWTExpired ? "SESSION_ENDED" : "INVALID_TOKEN" });
  }
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value);
}

function encodeKey(secretKey: string): Uint8Array {
  return new TextEncoder().encode(secretKey);
}
