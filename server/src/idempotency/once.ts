import {
  findKey,
  insertKey,
  inTransaction,
  sqlState,
  storeAnswer,
  storePaymentAnswer,
  type Tx,
} from "@skyfox/db";
import { keyHours, transformer } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Intent } from "./intent.ts";

/** An answer as it is kept: what the call gave, or the refusal that it ended with. */
type KeptAnswer = { answer: unknown } | { refusal: ConstructorParameters<typeof DomainError>[0] };

function write(kept: KeptAnswer): string {
  return JSON.stringify(transformer.serialize(kept));
}

function read(kept: string): KeptAnswer {
  const serialized = JSON.parse(kept) as ReturnType<typeof transformer.serialize>;
  return transformer.deserialize(serialized) as KeptAnswer;
}

/** Keeps the answer to a call in the transaction that has its effect; without a key there is nothing to keep. */
export async function keepAnswer(tx: Tx, intent: Intent | undefined, answer: unknown): Promise<void> {
  if (intent !== undefined) await storeAnswer(tx, intent, write({ answer }));
}

/** Keeps the answer to whichever call began a payment, if it had a key, for as long as if the key were new: the outcome may have taken long. */
export async function keepPaymentAnswer(
  tx: Tx,
  deps: Deps,
  paymentId: number,
  kept: KeptAnswer,
): Promise<void> {
  await storePaymentAnswer(tx, paymentId, { answer: write(kept), expiresAt: keysEnd(deps.clock.now()) });
}

function keysEnd(now: Date): Date {
  return new Date(now.getTime() + keyHours * 3_600_000);
}

/**
 * What an earlier call with this key answered, or undefined when there was none. Throws the refusal that it ended with,
 * `IDEMPOTENCY_MISMATCH` when it asked something else, `IDEMPOTENCY_IN_FLIGHT` while it runs, `PAYMENT_OUTCOME_UNKNOWN` while its payment
 * is in doubt.
 */
export async function findReplay(
  deps: Deps,
  intent: Intent | undefined,
): Promise<{ answer: unknown } | undefined> {
  const found = await lookUp(deps, intent);
  if (found === "begun") throw new DomainError({ code: "IDEMPOTENCY_IN_FLIGHT" });
  return found;
}

// "begun" is a call in steps that has no answer yet, whether it still runs or its server died.
async function lookUp(
  deps: Deps,
  intent: Intent | undefined,
): Promise<{ answer: unknown } | "begun" | undefined> {
  const known = intent && (await findKey(deps.db, intent));
  if (intent === undefined || known === undefined) return undefined;
  if (!known.fingerprint.equals(intent.fingerprint)) throw new DomainError({ code: "IDEMPOTENCY_MISMATCH" });
  if (known.answer !== null) {
    intent.markReplayed();
    return { answer: open(read(known.answer)) };
  }
  if (known.paymentStatus === null) return "begun";
  const isUnknown = known.paymentStatus === "Unknown";
  throw new DomainError({ code: isUnknown ? "PAYMENT_OUTCOME_UNKNOWN" : "IDEMPOTENCY_IN_FLIGHT" });
}

function open(kept: KeptAnswer): unknown {
  if ("refusal" in kept) throw new DomainError(kept.refusal);
  return kept.answer;
}

/** Takes the key of a call for the transaction it is in; false when another call has it. Throws `IDEMPOTENCY_IN_FLIGHT`. */
export async function claimKey(tx: Tx, deps: Deps, intent: Intent | undefined): Promise<boolean> {
  if (intent === undefined) return true;
  const now = deps.clock.now();
  const { username, procedure, key, fingerprint } = intent;
  try {
    return await insertKey(tx, { username, procedure, key, fingerprint }, { now, expiresAt: keysEnd(now) });
  } catch (error) {
    // Another call has held the key for as long as a lock is waited for.
    if (sqlState(error) === "55P03") throw new DomainError({ code: "IDEMPOTENCY_IN_FLIGHT" });
    throw error;
  }
}

/**
 * Runs a verb of one transaction, with a key only once: key, effect and answer are one commit, and a refusal leaves nothing. A call that
 * comes again gets the kept answer.
 */
export async function once<Answer>(
  deps: Deps,
  intent: Intent | undefined,
  verb: (tx: Tx) => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    const done = await inTransaction(deps.db, async (tx) => {
      if (!(await claimKey(tx, deps, intent))) return undefined;
      const answer = await verb(tx);
      await keepAnswer(tx, intent, answer);
      return { answer };
    });
    if (done !== undefined) return done.answer;
    const replay = await findReplay(deps, intent);
    if (replay !== undefined) return replay.answer as Answer;
  }
}

/** A verb that needs more than one transaction; each step can be taken again without harm. */
export interface Steps<Answer> {
  /** What the key is committed with; refuses what cannot be done. */
  begin(tx: Tx): Promise<void>;
  goOn(): Promise<void>;
  /** The answer, after the last step. */
  describe(tx: Tx): Promise<Answer>;
  /** In the transaction that keeps the answer, and only for the answer that is kept. */
  record?(tx: Tx, answer: Answer): Promise<void>;
}

/**
 * Runs a verb in steps. A call that comes again before there is an answer goes on with them, so that a dead server holds nobody's key;
 * the answer that is written first is the one that all of them give.
 */
export async function onceInSteps<Answer>(
  deps: Deps,
  intent: Intent | undefined,
  { begin, goOn, describe, record }: Steps<Answer>,
): Promise<Answer> {
  for (;;) {
    const isOurs = await inTransaction(deps.db, async (tx) => {
      if (!(await claimKey(tx, deps, intent))) return false;
      await begin(tx);
      return true;
    });
    const found = isOurs ? "begun" : await lookUp(deps, intent);
    if (found === undefined) continue;
    if (found !== "begun") return found.answer as Answer;
    await goOn();
    const done = await inTransaction(deps.db, async (tx) => {
      const answer = await describe(tx);
      const isFirst = intent === undefined || (await storeAnswer(tx, intent, write({ answer })));
      if (!isFirst) return undefined;
      await record?.(tx, answer);
      return { answer };
    });
    if (done !== undefined) return done.answer;
  }
}

/** Gives the answer that is kept, if one is, rather than what a call has learned itself: another server may have recorded it first. */
export async function asKept<Answer>(
  deps: Deps,
  intent: Intent | undefined,
  call: () => Promise<Answer>,
): Promise<Answer> {
  if (intent === undefined) return await call();
  const own = await call().then(
    (answer) => () => answer,
    (error: unknown) => () => {
      throw error;
    },
  );
  const known = await findKey(deps.db, intent).catch(() => undefined);
  return known === undefined || known.answer === null ? own() : (open(read(known.answer)) as Answer);
}
