import { constraints, inTransaction, insertAccount, insertCustomer, violatedConstraint } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { SignUpInput, SignUpOutput } from "../contract/index.ts";
import type { Caller, Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { openWallet } from "../wallet/open-wallet.ts";
import { normaliseAnswer } from "./security-answers.ts";

/**
 * Creates a customer: the account, its password history, the customer and an empty wallet, or nothing. Throws
 * `INVALID_SECURITY_QUESTION`, `USERNAME_EXISTS`, `EMAIL_EXISTS`, `PHONE_NUMBER_EXISTS` or `RATE_LIMITED`.
 */
export async function signUp(deps: Deps, caller: Caller, input: SignUpInput): Promise<SignUpOutput> {
  await deps.limits.count("signUps", { address: caller.address });
  const [passwordHash, securityAnswerHash] = await Promise.all([
    deps.passwords.hash(input.password),
    deps.passwords.hash(normaliseAnswer(input.securityAnswer)),
  ]);
  const createdAt = deps.clock.now();
  try {
    await inTransaction(deps.db, async (tx) => {
      await insertAccount(tx, { username: input.username, passwordHash, role: "customer", createdAt });
      await insertCustomer(tx, {
        username: input.username,
        name: input.name,
        email: input.email,
        phoneNumber: input.phoneNumber,
        securityQuestionId: input.securityQuestionId,
        securityAnswerHash,
      });
      await openWallet(tx, input.username, createdAt);
      await recordAudit(tx, deps.clock, caller, { action: "signed-up", subject: input.username });
    });
  } catch (error) {
    throw refusalFor(error);
  }
  return { username: input.username, name: input.name };
}

function refusalFor(error: unknown): unknown {
  switch (violatedConstraint(error)) {
    case constraints.username:
      return new DomainError({ code: "USERNAME_EXISTS" });
    case constraints.email:
      return new DomainError({ code: "EMAIL_EXISTS" });
    case constraints.phoneNumber:
      return new DomainError({ code: "PHONE_NUMBER_EXISTS" });
    case constraints.securityQuestion:
      return new DomainError({ code: "INVALID_SECURITY_QUESTION" });
    default:
      return error;
  }
}
