import {
  constraints,
  inTransaction,
  insertAccount,
  insertCustomer,
  isUsernameTaken,
  listSecurityQuestions,
  violatedConstraint,
  type Tx,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { foldAnswer, type SignUpInput, type SignUpOutput } from "../contract/index.ts";
import type { Caller, HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { withUploadedImage } from "../image/keep-image.ts";
import { networkOf } from "../limits/network.ts";
import { openWallet } from "../wallet/open-wallet.ts";
import { hashPassword } from "./passwords.ts";

/**
 * Creates a customer: the account, its password history, the customer, an empty wallet and the picture if there is one, or nothing. Throws
 * `INVALID_SECURITY_QUESTION`, `USERNAME_EXISTS`, `EMAIL_EXISTS`, `PHONE_NUMBER_EXISTS`, `INVALID_IMAGE`, `INVALID_IMAGE_HASH`,
 * `STORAGE_UNAVAILABLE` or `RATE_LIMITED`.
 */
export async function signUp(
  deps: Pick<
    HashingDeps,
    "clock" | "db" | "images" | "limits" | "logger" | "passwords" | "pictures" | "releasePermit"
  >,
  caller: Caller,
  input: SignUpInput,
): Promise<SignUpOutput> {
  await deps.limits.count("signUps", { address: caller.address });
  await assertNotTheQuestion(deps, input);
  const passwordHash = await hashPassword(deps.passwords, input.password);
  const securityAnswerHash = await deps.passwords.hash(foldAnswer(input.securityAnswer));
  deps.releasePermit();
  const owner = { for: networkOf(caller.address) };
  const picture = input.profileImage && (await deps.pictures.make(input.profileImage, owner));
  const createdAt = deps.clock.now();
  const commit = (give?: (tx: Tx, username: string) => Promise<void>) =>
    inTransaction(deps.db, async (tx) => {
      if (await isUsernameTaken(tx, input.username)) throw new DomainError({ code: "USERNAME_EXISTS" });
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
      await give?.(tx, input.username);
      await recordAudit(tx, deps.clock, caller, { action: "signed-up", subject: input.username });
    });
  try {
    await (picture === undefined ? commit() : withUploadedImage(deps, picture, commit));
  } catch (error) {
    throw refusalFor(error);
  }
  return { username: input.username, name: input.name };
}

// The contract compares the answer with all that is typed beside it; the question's text is known here only.
async function assertNotTheQuestion(deps: Pick<HashingDeps, "db">, input: SignUpInput): Promise<void> {
  const questions = await listSecurityQuestions(deps.db);
  const asked = questions.find(({ id }) => id === input.securityQuestionId);
  if (asked === undefined) throw new DomainError({ code: "INVALID_SECURITY_QUESTION" });
  if (foldAnswer(asked.question) !== foldAnswer(input.securityAnswer)) return;
  throw new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "securityAnswer", message: "The security answer is the question itself." },
  ]);
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
