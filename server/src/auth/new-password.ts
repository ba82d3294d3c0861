import { findPasswords, type PasswordChange } from "@skyfox/db";
import type { HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { checkPassword, hashPassword } from "./passwords.ts";

/** Hashes a new password. Throws `PASSWORD_REUSE` when it is the current one or one of the two before it. */
export async function hashNewPassword(
  deps: Pick<HashingDeps, "db" | "passwords">,
  username: string,
  newPassword: string,
): Promise<PasswordChange> {
  const { currentHash, history } = await findPasswords(deps.db, username);
  // The history begins with the current password; in an adopted one it may begin with the one before.
  const remembered = [...new Set([currentHash, ...history])].slice(0, 3);
  // An older hash may be of the letters and their marks apart, whichever way the password is typed now.
  const forms = new Set([newPassword, newPassword.normalize("NFD")]);
  for (const hash of remembered) {
    for (const form of forms) {
      const { fits } = await checkPassword(deps.passwords, hash, form);
      if (fits) throw new DomainError({ code: "PASSWORD_REUSE" });
    }
  }
  const newHash = await hashPassword(deps.passwords, newPassword);
  return { newHash, currentHash, previousHash: remembered[1] ?? null };
}
