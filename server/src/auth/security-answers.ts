import { replaceSecurityAnswer } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { foldAnswer } from "../contract/index.ts";
import type { Caller, HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { isOutdated } from "./passwords.ts";

/** The limits that count wrong answers: the owner's right password at a login forgets them. */
export const answerLimits = ["wrongAnswers", "wrongAnswersADay"] as const;

/**
 * Checks a security answer; one that the older system hashed is tried as typed too, and hashed anew. Throws `INVALID_SECURITY_ANSWER`,
 * alike and after the same work where there is no account, and `RATE_LIMITED` after five of these in fifteen minutes, or for a day after
 * the tenth of a day.
 */
export async function checkSecurityAnswer(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords">,
  caller: Caller,
  asked: { account: { username: string; securityAnswerHash: string } | undefined; limitedAs: string },
  answer: string,
): Promise<void> {
  const { account, limitedAs } = asked;
  const trier = { account: limitedAs, address: caller.address };
  const counted = await deps.limits.count(answerLimits, trier);
  const fits = await fitsAnswer(deps, account?.securityAnswerHash, answer);
  if (account === undefined || !fits) {
    // A day counts from the last one, so that ten lock the account unless it had a day's rest between them.
    await deps.limits.prolong("wrongAnswersADay", limitedAs);
    const action = counted.usedUp.length > 0 ? "security-answer-locked" : "security-answer-failed";
    await recordAudit(deps.db, deps.clock, caller, { action, subject: account?.username ?? null });
    throw new DomainError({ code: "INVALID_SECURITY_ANSWER" });
  }
  await counted.giveBack();
  if (!isOutdated(account.securityAnswerHash)) return;
  const newHash = await deps.passwords.hash(foldAnswer(answer));
  await replaceSecurityAnswer(deps.db, account.username, account.securityAnswerHash, newHash);
}

async function fitsAnswer(
  deps: Pick<HashingDeps, "passwords">,
  stored: string | undefined,
  answer: string,
): Promise<boolean> {
  if (await deps.passwords.fits(stored, foldAnswer(answer))) return true;
  return stored !== undefined && isOutdated(stored) && (await deps.passwords.fits(stored, answer));
}
