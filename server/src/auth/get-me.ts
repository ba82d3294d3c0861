import type { MeOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

/** The signed-in person's own profile, by role. It is as old as the session may be: a change on another server is seen within a second. */
export async function getMe(deps: Pick<Deps, "clock" | "sessions">, user: User): Promise<MeOutput> {
  const session = await deps.sessions.find(user, deps.clock.now());
  // The session ended, or the account was deleted, between the session check and now.
  if (session?.profile === undefined) throw new DomainError({ code: "SESSION_ENDED" });
  return session.profile;
}
