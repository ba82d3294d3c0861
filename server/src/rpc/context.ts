import type { Caller, Deps, User } from "../deps.ts";

/** What every procedure gets: the parts, and what is known of the call before its input is read. */
export interface Context {
  deps: Deps;
  caller: Caller;
  authorization: string | undefined;
  /** Identifies the caller; throws `MISSING_TOKEN`, `INVALID_TOKEN` or `SESSION_ENDED`. */
  authenticate: (deps: Deps, caller: Caller, authorization: string | undefined) => Promise<User>;
}
