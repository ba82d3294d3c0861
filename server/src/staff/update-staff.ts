import {
  endSessions,
  findUsername,
  listStaff,
  lockActiveAdmins,
  replacePassword,
  updateStaffRow,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { hashNewPassword } from "../auth/new-password.ts";
import type { StaffMember, UpdateStaffInput } from "../contract/index.ts";
import type { HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";

const maxTries = 5;

/**
 * Changes role, counter or password of a person of the staff, or disables or enables them; any of these ends their sessions, and a new
 * password forgets the guesses on the account. Throws `STAFF_NOT_FOUND`, `LAST_ADMIN` when no active admin would be left, or `PASSWORD_REUSE`.
 */
export async function updateStaff(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords" | "sessions">,
  admin: User,
  input: UpdateStaffInput,
  call: Call = callWithoutKey(deps),
): Promise<StaffMember> {
  const { role, counterNo, disabled, password } = input;
  const username = (await findUsername(deps.db, input.username)) ?? input.username;
  await getStaff(deps.db, username);
  const attempt = async () => {
    const change = password === undefined ? undefined : await hashNewPassword(deps, username, password);
    return await call.commit(async (tx) => {
      // Locked before the row is read: of two admins who demote each other, one finds the other gone.
      const activeAdmins = await lockActiveAdmins(tx);
      const before = await getStaff(tx, username);
      const isLeaving = role === "staff" || disabled === true;
      if (isLeaving && activeAdmins.length === 1 && activeAdmins[0] === username) {
        throw new DomainError({ code: "LAST_ADMIN" });
      }
      if (change !== undefined && !(await replacePassword(tx, username, change))) throw new PasswordChanged();
      if (change !== undefined) await deps.limits.forgive(tx, username);
      const now = deps.clock.now();
      const disabledAt = disabled === undefined ? undefined : disabled ? (before.disabledAt ?? now) : null;
      await updateStaffRow(tx, username, { role, counterNo, disabledAt });
      const changed = Object.entries({ role, counterNo, disabled, password }).flatMap(([field, value]) =>
        value === undefined ? [] : [field],
      );
      if (changed.length > 0) {
        await endSessions(tx, { username }, now);
        const details = { changed };
        await recordAudit(tx, deps.clock, admin, { action: "staff-changed", subject: username, details });
      }
      return await getStaff(tx, username);
    });
  };
  for (let tries = 1; ; tries += 1) {
    try {
      const updated = await attempt();
      deps.sessions.forget(username);
      return updated;
    } catch (error) {
      // By the person, meanwhile: the new one has to be compared with that one too.
      if (!(error instanceof PasswordChanged) || tries === maxTries) throw error;
    }
  }
}

class PasswordChanged extends Error {}

async function getStaff(db: Parameters<typeof listStaff>[0], username: string): Promise<StaffMember> {
  const [found] = await listStaff(db, username);
  if (found === undefined) throw new DomainError({ code: "STAFF_NOT_FOUND" });
  return found;
}
