import { freePaymentKey, storePaymentAnswer, type Tx } from "@skyfox/db";
import { keyHours, transformer } from "../contract/index.ts";
import { DomainError, type Problem } from "../errors/domain-error.ts";
import type { Clock } from "../runtime/ports.ts";

/** An answer as it is kept: what the call gave, or the refusal that it ended with. */
type KeptAnswer = { answer: unknown } | { refusal: Problem };

export function writeKept(kept: KeptAnswer): string {
  return JSON.stringify(transformer.serialize(kept));
}

/** The answer that is kept, whose form the output of its procedure checks; throws the refusal if it is one. */
export function openKept(text: string): unknown {
  const serialized = JSON.parse(text) as Parameters<typeof transformer.deserialize>[0];
  const kept = transformer.deserialize(serialized) as KeptAnswer;
  if ("refusal" in kept) throw new DomainError(kept.refusal);
  return kept.answer;
}

/** An answer to keep from now on, as a statement writes it. */
export function keptFrom(now: Date, answer: unknown): { answer: string; expiresAt: Date } {
  return { answer: writeKept({ answer }), expiresAt: keysEnd(now) };
}

/** When a key that is taken or answered now may be forgotten. */
export function keysEnd(now: Date): Date {
  return new Date(now.getTime() + keyHours * 3_600_000);
}

/**
 * Keeps the answer to the call that began a payment, if it had a key, for as long as if the key were new: the outcome may have taken long.
 * Without an answer the key is free again, unless it has one.
 */
export async function keepPaymentAnswer(
  tx: Tx,
  clock: Pick<Clock, "now">,
  paymentId: number,
  kept: KeptAnswer | null,
): Promise<void> {
  if (kept === null) return await freePaymentKey(tx, paymentId);
  const answer = writeKept(kept);
  await storePaymentAnswer(tx, paymentId, { answer, expiresAt: keysEnd(clock.now()) });
}
