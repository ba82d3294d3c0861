import { findAccount, type Db } from "@skyfox/db";
import { foldName } from "../contract/index.ts";
import type { PasswordHasher } from "./ports.ts";
import type { Settings } from "../deps.ts";

/** The accounts of the demo seed and their passwords, which everyone can read here. */
export const publishedPasswords = {
  "seed-user-1": "foobar",
  "seed-user-2": "foobar",
  "staff-1": "foobar",
  "customer.one": "Seven-Seas-7",
} as const;

const published = new Map<string, string>(Object.entries(publishedPasswords));

/** Whether a login is to be refused although the password fits: everyone knows it, and this server does not take that on. */
export function isRefusedAsPublished(
  { refusesPublishedPasswords }: Pick<Settings, "refusesPublishedPasswords">,
  username: string | undefined,
  password: string,
): boolean {
  return (
    refusesPublishedPasswords && username !== undefined && published.get(foldName(username)) === password
  );
}

/** The accounts that have their published password still and are not disabled, each with what changes it. */
export async function findPublishedPasswords(
  db: Db,
  passwords: PasswordHasher,
): Promise<{ username: string; changedBy: string }[]> {
  const found = await Promise.all(
    published.entries().map(async ([name, password]) => {
      const account = await findAccount(db, name);
      if (account === undefined || account.disabledAt !== null) return [];
      const fits = await passwords.fits(account.passwordHash, password);
      return fits ? [{ username: account.username, changedBy: whatChanges(account) }] : [];
    }),
  );
  return found.flat();
}

function whatChanges({ username, role }: { username: string; role: string }): string {
  switch (role) {
    case "admin":
      return `ADMIN_PASSWORD=… npm run admin:create -- --reset --username ${username}`;
    case "staff":
      return "admin.updateStaff";
    default:
      return "recovery: auth.verifySecurityAnswer and auth.resetPassword";
  }
}
