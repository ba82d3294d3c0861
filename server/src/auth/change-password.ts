import { endSessions, findAccount, inTransaction, replacePassword } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { ChangePasswordInput, ChangePasswordOutput } from "../contract/index.ts";
import type { HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { hashNewPassword } from "./new-password.ts";
import { checkPassword } from "./passwords.ts";

/**
 * Changes the password of the person who is signed in, ends their other sessions and forgets the guesses on the account. Throws
 * `INCORRECT_PASSWORD`, also when another change came first, `PASSWORD_REUSE`, or `RATE_LIMITED` after too many wrong current passwords; failed
 * logins do not count here.
 */
export async function changePassword(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords" | "sessions">,
  user: User,
  input: ChangePasswordInput,
): Promise<ChangePasswordOutput> {
  const { username, sessionId } = user;
  const trier = { account: username, address: user.address };
  const counted = await deps.limits.count("wrongCurrentPasswords", trier);
  const account = await findAccount(deps.db, username);
  const { fits } = await checkPassword(deps.passwords, account?.passwordHash, input.currentPassword);
  if (!fits) {
    await recordAudit(deps.db, deps.clock, user, { action: "password-change-failed", subject: username });
    throw new DomainError({ code: "INCORRECT_PASSWORD" });
  }
  await counted.giveBack();
  const change = await hashNewPassword(deps, username, input.newPassword);
  const changed = await inTransaction(deps.db, async (tx) => {
    if (change.currentHash !== account?.passwordHash || !(await replacePassword(tx, username, change))) {
      throw new DomainError({ code: "INCORRECT_PASSWORD" });
    }
    const endedSessions = await endSessions(tx, { username, exceptSessionId: sessionId }, deps.clock.now());
    await deps.limits.forgive(tx, username);
    await recordAudit(tx, deps.clock, user, { action: "password-changed", subject: username });
    return { endedSessions };
  });
  deps.sessions.forget(username);
  return changed;
}
