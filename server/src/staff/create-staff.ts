import { constraints, insertAccount, insertStaff, isUsernameTaken, violatedConstraint } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { hashPassword } from "../auth/passwords.ts";
import type { CreateStaffInput, StaffMember } from "../contract/index.ts";
import type { HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";

/** Employs a person, who can log in at once. Throws `USERNAME_EXISTS`. */
export async function createStaff(
  deps: Pick<HashingDeps, "clock" | "db" | "passwords">,
  admin: User,
  input: CreateStaffInput,
  call: Call = callWithoutKey(deps),
): Promise<StaffMember> {
  const { username, name, role, counterNo = null } = input;
  const passwordHash = await hashPassword(deps.passwords, input.password);
  const createdAt = deps.clock.now();
  try {
    return await call.commit(async (tx) => {
      if (await isUsernameTaken(tx, username)) throw new DomainError({ code: "USERNAME_EXISTS" });
      await insertAccount(tx, { username, passwordHash, role, createdAt });
      await insertStaff(tx, { username, name, counterNo });
      await recordAudit(tx, deps.clock, admin, {
        action: "staff-created",
        subject: username,
        details: { role, counterNo },
      });
      return { username, name, role, counterNo, createdAt, disabledAt: null };
    });
  } catch (error) {
    if (violatedConstraint(error) === constraints.username)
      throw new DomainError({ code: "USERNAME_EXISTS" });
    throw error;
  }
}
