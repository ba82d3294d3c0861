import { findKey, type KeyedCall } from "@skyfox/db";
import { isKeyed } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithKey, callWithoutKey, KeyTaken, type Call } from "./call.ts";
import { intentOf, type CallWithKey } from "./intent.ts";
import { openKept } from "./kept-answer.ts";

/** The calls with a key that one server is working on, and what each of them asked. */
export type KeysInFlight = Map<string, Buffer>;

/** What is known of a call besides its input. */
export interface CallContext extends CallWithKey {
  deps: Pick<Deps, "db" | "clock">;
  keysInFlight: KeysInFlight;
  /** Says in the answer's headers that it is the kept one of an earlier call. */
  markReplayed: () => void;
}

// Each lost try means that another server had the key, and has freed it by the time it is looked up.
const maxTries = 5;

/**
 * Runs a verb once for each key that callers send to a procedure which the contract lists as keyed: a call that is repeated gets the answer of
 * the first, with what `renew` brings up to date in it, or its refusal. Throws `VALIDATION_ERROR` for a key of another form, `IDEMPOTENCY_MISMATCH` when the first asked something
 * else, `IDEMPOTENCY_IN_FLIGHT` while it runs, `PAYMENT_OUTCOME_UNKNOWN` while its payment is in doubt.
 */
export async function answerOnce<Answer>(
  context: CallContext,
  path: string,
  input: unknown,
  verb: (call: Call) => Answer | Promise<Answer>,
  renew?: (deps: CallContext["deps"], kept: Answer) => Promise<Answer>,
): Promise<Answer> {
  const { deps, keysInFlight, markReplayed } = context;
  const keyed = isKeyed(path) ? intentOf(context, path, input) : undefined;
  if (keyed === undefined) return await verb(callWithoutKey(deps));
  return await aloneWithKey(keysInFlight, keyed, async () => {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const found = await lookUp(deps, keyed);
      if (typeof found === "object") {
        markReplayed();
        const kept = openKept(found.kept) as Answer;
        return renew === undefined ? kept : await renew(deps, kept);
      }
      try {
        return await verb(callWithKey(deps, keyed, found === "begun"));
      } catch (error) {
        if (!(error instanceof KeyTaken)) throw error;
      }
    }
    throw new DomainError({ code: "IDEMPOTENCY_IN_FLIGHT" });
  });
}

// A call that is repeated while this server still works on it is refused before it costs anything, counts against a limit or waits for the
// first. Between servers the key's row decides.
async function aloneWithKey<Answer>(
  keysInFlight: KeysInFlight,
  keyed: KeyedCall,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const id = JSON.stringify([keyed.username, keyed.procedure, keyed.key]);
  const running = keysInFlight.get(id);
  if (running !== undefined) {
    const isSame = running.equals(keyed.fingerprint);
    throw new DomainError({ code: isSame ? "IDEMPOTENCY_IN_FLIGHT" : "IDEMPOTENCY_MISMATCH" });
  }
  keysInFlight.set(id, keyed.fingerprint);
  try {
    return await work();
  } finally {
    keysInFlight.delete(id);
  }
}

// "begun" is a call in steps that has no answer yet, whether it still runs or its server died.
async function lookUp(
  { db }: Pick<Deps, "db">,
  keyed: KeyedCall,
): Promise<{ kept: string } | "begun" | undefined> {
  const known = await findKey(db, keyed);
  if (known === undefined) return undefined;
  if (!known.fingerprint.equals(keyed.fingerprint)) throw new DomainError({ code: "IDEMPOTENCY_MISMATCH" });
  if (known.answer !== null) return { kept: known.answer };
  if (known.paymentStatus === null) return "begun";
  const isUnknown = known.paymentStatus === "Unknown";
  throw new DomainError({ code: isUnknown ? "PAYMENT_OUTCOME_UNKNOWN" : "IDEMPOTENCY_IN_FLIGHT" });
}
