import { DomainError } from "../errors/domain-error.ts";
import { intentOf, type CallWithKey, type Intent } from "./intent.ts";

/** The calls with a key that one server is working on, and what each of them asked. */
export type KeysInFlight = Map<string, Buffer>;

/**
 * Calls a verb with what its caller's key stands for, if there is one. A call that is repeated while this server still works on it is refused
 * before it costs anything, counts against a limit or waits for the first: `IDEMPOTENCY_IN_FLIGHT`, or `IDEMPOTENCY_MISMATCH` when it asks
 * something else. Between servers the key's row decides.
 */
export async function keyed<Answer>(
  call: CallWithKey & { keysInFlight: KeysInFlight },
  procedure: string,
  input: object,
  verb: (intent: Intent | undefined) => Promise<Answer>,
): Promise<Answer> {
  const intent = intentOf(call, procedure, input);
  if (intent === undefined) return await verb(undefined);
  const { keysInFlight } = call;
  const id = JSON.stringify([intent.username, procedure, intent.key]);
  const running = keysInFlight.get(id);
  if (running !== undefined) {
    const isSame = running.equals(intent.fingerprint);
    throw new DomainError({ code: isSame ? "IDEMPOTENCY_IN_FLIGHT" : "IDEMPOTENCY_MISMATCH" });
  }
  keysInFlight.set(id, intent.fingerprint);
  try {
    return await verb(intent);
  } finally {
    keysInFlight.delete(id);
  }
}
