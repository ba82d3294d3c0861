import { endSessions } from "@skyfox/db";
import type { LogOutInput, LogOutOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";

/** Ends this session, or every session of the account; their tokens are refused from the next call on. */
export async function logOut(deps: Deps, user: User, input: LogOutInput): Promise<LogOutOutput> {
  const { username, sessionId } = user;
  const which = input.everywhere ? { username } : { username, sessionId };
  return { endedSessions: await endSessions(deps.db, which, deps.clock.now()) };
}
