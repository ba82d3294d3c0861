import type { Caller, Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

const maxHeaderLength = 2_000;

/**
 * The person behind an `Authorization: Bearer` header. The session and the role of this moment decide, not what the token says of them.
 * Throws `MISSING_TOKEN`, `INVALID_TOKEN`, or `SESSION_ENDED` when the token has run out or its session is over.
 */
export async function authenticate(
  deps: Pick<Deps, "tokens" | "sessions" | "clock">,
  caller: Caller,
  authorization: string | undefined,
): Promise<User> {
  if (authorization === undefined) throw new DomainError({ code: "MISSING_TOKEN" });
  const token = tokenOf(authorization);
  if (token === undefined) throw new DomainError({ code: "INVALID_TOKEN" });
  const claims = await deps.tokens.verify(token);
  const account = await deps.sessions.find(claims, deps.clock.now());
  if (account === undefined || account.role !== claims.role) {
    throw new DomainError({ code: "SESSION_ENDED" });
  }
  return { ...caller, username: account.username, role: account.role, sessionId: claims.sessionId };
}

/** The token of an `Authorization: Bearer` header; undefined when there is none of its form. */
export function tokenOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > maxHeaderLength) return undefined;
  return /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/.exec(authorization)?.[1];
}
