import { endSessions, findAccount, inTransaction, replacePassword } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { ChangePasswordInput, ChangePasswordOutput } from "../contract/index.ts";
import type { HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { hashNewPassword } from "./new-password.ts";

/**
 * Changes the password of whoever is signed in and ends their other sessions. Throws `INCORRECT_PASSWORD`, also when another change came
 * first, `PASSWORD_REUSE`, or `RATE_LIMITED` after too many wrong passwords, those of failed logins counted.
 */
export async function changePassword(
  deps: HashingDeps,
  user: User,
  input: ChangePasswordInput,
): Promise<ChangePasswordOutput> {
  const { username, sessionId } = user;
  const counted = await deps.limits.count("wrongPasswords", { account: username, address: user.address });
  const account = await findAccount(deps.db, username);
  const fits = await deps.passwords.fits(account?.passwordHash, input.currentPassword);
  if (!fits) {
    await recordAudit(deps.db, deps.clock, user, { action: "password-change-failed", subject: username });
    throw new DomainError({ code: "INCORRECT_PASSWORD" });
  }
  await counted.giveBack();
  const change = await hashNewPassword(deps, username, input.newPassword);
  return await inTransaction(deps.db, async (tx) => {
    if (change.currentHash !== account?.passwordHash || !(await replacePassword(tx, username, change))) {
      throw new DomainError({ code: "INCORRECT_PASSWORD" });
    }
    const endedSessions = await endSessions(tx, { username, exceptSessionId: sessionId }, deps.clock.now());
    await recordAudit(tx, deps.clock, user, { action: "password-changed", subject: username });
    return { endedSessions };
  });
}
