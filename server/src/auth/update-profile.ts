import {
  constraints,
  findCustomerAnswer,
  inTransaction,
  updateCustomer,
  violatedConstraint,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { UpdateProfileInput, UpdateProfileOutput } from "../contract/index.ts";
import type { HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { checkSecurityAnswer } from "./security-answers.ts";

/**
 * Changes name, e-mail address and phone number together, after the security answer. Throws `INVALID_SECURITY_ANSWER`, `EMAIL_EXISTS`,
 * `PHONE_NUMBER_EXISTS`, or `RATE_LIMITED` after too many wrong answers, or details of others.
 */
export async function updateProfile(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords" | "sessions">,
  user: User,
  input: UpdateProfileInput,
): Promise<UpdateProfileOutput> {
  const { username, address } = user;
  const account = await findCustomerAnswer(deps.db, username);
  await checkSecurityAnswer(deps, user, { account, limitedAs: username }, input.securityAnswer);
  const counted = await deps.limits.count("takenContacts", { account: username, address });
  const { name, email, phoneNumber } = input;
  try {
    await inTransaction(deps.db, async (tx) => {
      await updateCustomer(tx, username, { name, email, phoneNumber });
      await recordAudit(tx, deps.clock, user, { action: "profile-changed", subject: username });
    });
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === constraints.email) throw new DomainError({ code: "EMAIL_EXISTS" });
    if (constraint === constraints.phoneNumber) throw new DomainError({ code: "PHONE_NUMBER_EXISTS" });
    await counted.giveBack();
    throw error;
  }
  deps.sessions.forget(username);
  await counted.giveBack();
  return { username, name, email, phoneNumber };
}
