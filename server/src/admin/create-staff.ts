import { constraints, inTransaction, insertAccount, insertStaff, violatedConstraint } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { CreateStaffInput, StaffMember } from "../contract/index.ts";
import type { HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

/** Employs a person, who can log in at once. Throws `USERNAME_EXISTS`. */
export async function createStaff(
  deps: HashingDeps,
  admin: User,
  input: CreateStaffInput,
): Promise<StaffMember> {
  const { username, name, role, counterNo = null } = input;
  const passwordHash = await deps.passwords.hash(input.password);
  const createdAt = deps.clock.now();
  try {
    await inTransaction(deps.db, async (tx) => {
      await insertAccount(tx, { username, passwordHash, role, createdAt });
      await insertStaff(tx, { username, name, counterNo });
      await recordAudit(tx, deps.clock, admin, {
        action: "staff-created",
        subject: username,
        details: { role, counterNo },
      });
    });
  } catch (error) {
    if (violatedConstraint(error) === constraints.username)
      throw new DomainError({ code: "USERNAME_EXISTS" });
    throw error;
  }
  return { username, name, role, counterNo, createdAt, disabledAt: null };
}
