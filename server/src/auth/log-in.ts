import { findAccount, insertSession } from "@skyfox/db";
import { sessionHours, type LogInInput, type LogInOutput } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { fitsHash } from "./passwords.ts";
import { signToken } from "./sessions.ts";

/** Opens a session of 24 hours. Throws `INVALID_CREDENTIALS`, alike and after the same work for an unknown user and a wrong password. */
export async function logIn(deps: Deps, input: LogInInput): Promise<LogInOutput> {
  const account = await findAccount(deps.db, input.username);
  const fits = await fitsHash(account?.passwordHash, input.password);
  if (account === undefined || !fits) throw new DomainError({ code: "INVALID_CREDENTIALS" });

  const { username, name, role } = account;
  const issuedAt = deps.clock.now();
  // A token counts whole seconds; the session ends at the same one.
  const expiresAt = new Date(Math.floor(issuedAt.getTime() / 1_000) * 1_000 + sessionHours * 3_600_000);
  const id = crypto.randomUUID();
  await insertSession(deps.db, { id, username, createdAt: issuedAt, expiresAt });
  const token = await signToken(deps.settings.jwtSecretKey, { id, username, role, issuedAt, expiresAt });
  return { user: { username, name, role }, token, expiresAt };
}
