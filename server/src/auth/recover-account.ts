import { createHash, createHmac, randomBytes } from "node:crypto";
import {
  endSessions,
  findResetToken,
  findSecurityQuestion,
  getServerSecret,
  inTransaction,
  listSecurityQuestions,
  replacePassword,
  saveResetToken,
  takeResetToken,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import {
  resetTokenSeconds,
  type ResetPasswordInput,
  type ResetPasswordOutput,
  type SecurityQuestionInput,
  type SecurityQuestionOutput,
  type VerifySecurityAnswerInput,
  type VerifySecurityAnswerOutput,
} from "../contract/index.ts";
import type { Caller, Deps, HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { hashNewPassword } from "./new-password.ts";
import { checkSecurityAnswer } from "./security-answers.ts";

/** The account's question; an unknown address gets one too, always the same and after the same work. Throws `RATE_LIMITED`. */
export async function askSecurityQuestion(
  deps: Pick<Deps, "db" | "limits">,
  caller: Caller,
  { email }: SecurityQuestionInput,
): Promise<SecurityQuestionOutput> {
  await deps.limits.count("questionLookUps", { address: caller.address });
  const [account, questions, secret] = await Promise.all([
    findSecurityQuestion(deps.db, email),
    listSecurityQuestions(deps.db),
    getServerSecret(deps.db, "decoy question"),
  ]);
  // Each question has a rank of its own for the address, so that a new question changes few of the decoys.
  const ranked = questions
    .map((question) => ({
      ...question,
      rank: createHmac("sha256", secret).update(`${question.id}\n${email}`).digest(),
    }))
    .toSorted((one, other) => Buffer.compare(one.rank, other.rank));
  const found = ranked.find(({ id }) => id === account?.questionId) ?? ranked[0];
  if (found === undefined) throw new Error("There are no security questions.");
  return { questionId: found.id, question: found.question };
}

/**
 * Gives a token for one reset within five minutes; any older one of the account is void. Throws `INVALID_SECURITY_ANSWER`, alike for an
 * unknown address, and `RATE_LIMITED`: five wrong answers lock recovery of the account for all callers, ten in a day for a day.
 */
export async function verifySecurityAnswer(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords">,
  caller: Caller,
  { email, securityAnswer }: VerifySecurityAnswerInput,
): Promise<VerifySecurityAnswerOutput> {
  const account = await findSecurityQuestion(deps.db, email);
  await checkSecurityAnswer(
    deps,
    caller,
    { account, limitedAs: account === undefined ? `unknown ${email}` : account.username },
    securityAnswer,
  );
  if (account === undefined) throw new DomainError({ code: "INVALID_SECURITY_ANSWER" });
  const resetToken = randomBytes(32).toString("base64url");
  const { username } = account;
  await inTransaction(deps.db, async (tx) => {
    const createdAt = await deps.clock.nowIn(tx);
    const expiresAt = new Date(createdAt.getTime() + resetTokenSeconds * 1_000);
    await saveResetToken(tx, { username, tokenHash: digest(resetToken), createdAt, expiresAt });
    await recordAudit(tx, deps.clock, caller, { action: "reset-token-made", subject: username });
  });
  return { resetToken, expiresInSeconds: resetTokenSeconds };
}

/**
 * Sets a new password by a reset token, uses the token up, ends all sessions and forgets the guesses on the account. Throws `INVALID_RESET_TOKEN`, `PASSWORD_REUSE` (the token
 * stays good) or `RATE_LIMITED`.
 */
export async function resetPassword(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords" | "sessions">,
  caller: Caller,
  { email, resetToken, newPassword }: ResetPasswordInput,
): Promise<ResetPasswordOutput> {
  const counted = await deps.limits.count("wrongResetTokens", { address: caller.address });
  const found = await findResetToken(deps.db, {
    email,
    tokenHash: digest(resetToken),
    now: await deps.clock.nowIn(deps.db),
  });
  if (found === undefined) {
    await recordAudit(deps.db, deps.clock, caller, { action: "reset-token-failed", subject: null });
    throw new DomainError({ code: "INVALID_RESET_TOKEN" });
  }
  await counted.giveBack();
  const { username } = found;
  const change = await hashNewPassword(deps, username, newPassword);
  await inTransaction(deps.db, async (tx) => {
    const now = await deps.clock.nowIn(tx);
    const isOurs = await takeResetToken(tx, { username, tokenHash: digest(resetToken), now });
    if (!isOurs || !(await replacePassword(tx, username, change))) {
      throw new DomainError({ code: "INVALID_RESET_TOKEN" });
    }
    await endSessions(tx, { username }, now);
    // A person who forgot the password has tried others before.
    await deps.limits.forgive(tx, username);
    await recordAudit(tx, deps.clock, caller, { action: "password-reset", subject: username });
  });
  deps.sessions.forget(username);
  return { username };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
