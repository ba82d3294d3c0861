import type { Caller, Deps, User } from "../deps.ts";
import type { KeysInFlight } from "../idempotency/answer-once.ts";
import type { EventStream } from "./event-stream.ts";

/** What every procedure gets: the parts, and what is known of the call before its input is read. */
export interface Context {
  deps: Deps;
  caller: Caller;
  /** How many calls the request has. */
  calls: number;
  /** Whether the answers travel as a stream of their parts, in which the transformer writes all of them. */
  isStream: boolean;
  /** Where the events of a subscription go. */
  stream: EventStream;
  authorization: string | undefined;
  /** The key that the caller sent, whatever its form; only procedures that may be repeated look at it. */
  idempotencyKey: string | undefined;
  keysInFlight: KeysInFlight;
  /** Says in the answer's headers that it is the kept one of an earlier call. */
  markReplayed: () => void;
  /** Identifies the caller; throws `MISSING_TOKEN`, `INVALID_TOKEN` or `SESSION_ENDED`. */
  authenticate: (deps: Deps, caller: Caller, authorization: string | undefined) => Promise<User>;
}
