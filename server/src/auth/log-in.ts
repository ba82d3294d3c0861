import { findAccount, insertSessionOf, inTransaction, replaceOutdatedPassword } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { sessionHours, type LogInInput, type LogInOutput } from "../contract/index.ts";
import type { Caller, HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { isOutdated } from "./passwords.ts";
import { isRefusedAsPublished } from "./published-passwords.ts";

/**
 * Opens a session of 24 hours; a password that the older system hashed is hashed anew. Throws `INVALID_CREDENTIALS`, alike and after the
 * same work for an unknown user, a disabled one, a wrong password and a published one; `RATE_LIMITED` after too many of these, also for
 * the right password.
 */
export async function logIn(deps: HashingDeps, caller: Caller, input: LogInInput): Promise<LogInOutput> {
  const counted = await deps.limits.count("wrongPasswords", {
    account: input.username,
    address: caller.address,
  });
  const account = await findAccount(deps.db, input.username);
  const fits = await deps.passwords.fits(account?.passwordHash, input.password);
  const isPublished = isRefusedAsPublished(deps.settings, account?.username, input.password);
  if (account === undefined || !fits || isPublished || account.disabledAt !== null) {
    const action = counted.isLastOfAccount ? "login-locked" : "login-failed";
    await recordAudit(deps.db, deps.clock, caller, { action, subject: account?.username ?? null });
    throw new DomainError({ code: "INVALID_CREDENTIALS" });
  }
  await counted.giveBack();

  const { username, name, role, passwordHash } = account;
  const newHash = isOutdated(passwordHash) ? await deps.passwords.hash(input.password) : undefined;
  const issuedAt = deps.clock.now();
  // A token counts whole seconds; the session ends at the same one.
  const expiresAt = new Date(Math.floor(issuedAt.getTime() / 1_000) * 1_000 + sessionHours * 3_600_000);
  const id = crypto.randomUUID();
  await inTransaction(deps.db, async (tx) => {
    const session = { id, username, createdAt: issuedAt, expiresAt };
    // The password may have been changed, or the account disabled, since it was read.
    if (!(await insertSessionOf(tx, session, passwordHash)))
      throw new DomainError({ code: "INVALID_CREDENTIALS" });
    if (newHash !== undefined) await replaceOutdatedPassword(tx, username, passwordHash, newHash);
    await recordAudit(tx, deps.clock, caller, { action: "logged-in", subject: username });
  });
  const token = await deps.tokens.sign({ sessionId: id, username, role, issuedAt, expiresAt });
  return { user: { username, name, role }, token, expiresAt };
}
