import { endSessions, inTransaction } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { LogOutInput, LogOutOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";

/** Ends this session, or every session of the account; their tokens are refused from the next call on. */
export async function logOut(
  deps: Pick<Deps, "clock" | "db" | "sessions">,
  user: User,
  input: LogOutInput,
): Promise<LogOutOutput> {
  const { username, sessionId } = user;
  const which = input.everywhere ? { username } : { username, sessionId };
  const ended = await inTransaction(deps.db, async (tx) => {
    const endedSessions = await endSessions(tx, which, deps.clock.now());
    // Of two logouts at once the other one has ended it.
    if (endedSessions > 0) {
      const details = { endedSessions };
      await recordAudit(tx, deps.clock, user, { action: "logged-out", subject: username, details });
    }
    return { endedSessions };
  });
  deps.sessions.forget(username);
  return ended;
}
