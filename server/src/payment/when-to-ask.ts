import type { Clock } from "../runtime/ports.ts";

// The longest that a charge can be on its way: twice what we wait for its answer.
const callIsOverAfterMs = 20_000;
const questionsAfterMs = [30_000, 300_000, 3_600_000, 86_400_000];
const silenceEveryMs = 3_600_000;
const silenceEndsAfterMs = 2 * 86_400_000;

/**
 * When a call to the gateway that began at `startedAt` can no longer be on its way; until then "unknown key" and its books prove nothing. Where the
 * clock has jumped forward since, the call may have begun just before the jump.
 */
export function callIsOverAt(startedAt: Date, { jumpedForwardTo }: Pick<Clock, "jumpedForwardTo">): Date {
  const begunMs = Math.max(startedAt.getTime(), jumpedForwardTo?.getTime() ?? -Infinity);
  return new Date(begunMs + callIsOverAfterMs);
}

/**
 * When the gateway is asked next about a payment that was recorded as not charged at `failedAt`: 30 seconds, 5 minutes, an hour and a day after
 * that, since it may have charged late. Null when no question is left.
 */
export function nextQuestionAt(failedAt: Date, now: Date): Date | null {
  const times = questionsAfterMs.map((afterMs) => failedAt.getTime() + afterMs);
  const next = times.find((time) => time > now.getTime());
  return next === undefined ? null : new Date(next);
}

/** As `nextQuestionAt`, when the gateway has not answered: the last question is put again every hour for another day. */
export function nextQuestionAfterSilence(failedAt: Date, now: Date): Date | null {
  const next = nextQuestionAt(failedAt, now);
  if (next !== null || now.getTime() >= failedAt.getTime() + silenceEndsAfterMs) return next;
  return new Date(now.getTime() + silenceEveryMs);
}
