import { replaceSecurityAnswer } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { Caller, HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { isOutdated } from "./passwords.ts";

/** Answers are compared after NFKC, trim and lower-casing, so they are hashed in that form. */
export function normaliseAnswer(answer: string): string {
  return answer.normalize("NFKC").trim().toLowerCase();
}

/**
 * Checks a security answer; one that the older system hashed is tried as typed too, and hashed anew. Throws `INVALID_SECURITY_ANSWER`,
 * alike and after the same work where there is no account, and `RATE_LIMITED` after five of these in fifteen minutes.
 */
export async function checkSecurityAnswer(
  deps: HashingDeps,
  caller: Caller,
  asked: { account: { username: string; securityAnswerHash: string } | undefined; limitedAs: string },
  answer: string,
): Promise<void> {
  const { account, limitedAs } = asked;
  const counted = await deps.limits.count("wrongAnswers", { account: limitedAs, address: caller.address });
  const fits = await fitsAnswer(deps, account?.securityAnswerHash, answer);
  if (account === undefined || !fits) {
    const action = counted.isLastOfAccount ? "security-answer-locked" : "security-answer-failed";
    await recordAudit(deps.db, deps.clock, caller, { action, subject: account?.username ?? null });
    throw new DomainError({ code: "INVALID_SECURITY_ANSWER" });
  }
  await counted.giveBack();
  if (!isOutdated(account.securityAnswerHash)) return;
  const newHash = await deps.passwords.hash(normaliseAnswer(answer));
  await replaceSecurityAnswer(deps.db, account.username, account.securityAnswerHash, newHash);
}

async function fitsAnswer(deps: HashingDeps, stored: string | undefined, answer: string): Promise<boolean> {
  if (await deps.passwords.fits(stored, normaliseAnswer(answer))) return true;
  return stored !== undefined && isOutdated(stored) && (await deps.passwords.fits(stored, answer));
}
