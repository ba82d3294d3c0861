import { findCustomerProfile, findStaffProfile } from "@skyfox/db";
import type { MeOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

/** The signed-in person's own profile, by role. */
export async function getMe(deps: Pick<Deps, "db">, user: User): Promise<MeOutput> {
  if (user.role === "customer") {
    const profile = await findCustomerProfile(deps.db, user.username);
    // The account was deleted between the session check and now.
    if (profile === undefined) throw new DomainError({ code: "SESSION_ENDED" });
    return { role: user.role, ...profile, securityQuestionExists: true };
  }
  const profile = await findStaffProfile(deps.db, user.username);
  if (profile === undefined) throw new DomainError({ code: "SESSION_ENDED" });
  return { role: user.role, ...profile };
}
