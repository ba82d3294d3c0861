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
import type { Intent } from "../idempotency/intent.ts";
import { findReplay, once } from "../idempotency/once.ts";

/**
 * Changes role, counter or password of a person of the staff, or disables or enables them; any of these ends their sessions, and a new
 * password forgets the guesses on the account. Throws `STAFF_NOT_FOUND`, `LAST_ADMIN` when no active admin would be left, or `PASSWORD_REUSE`.
 */
export async function updateStaff(
  deps: HashingDeps,
  admin: User,
  input: UpdateStaffInput,
  intent?: Intent,
): Promise<StaffMember> {
  const { role, counterNo, disabled, password } = input;
  const replay = await findReplay(deps, intent);
  if (replay !== undefined) return replay.answer as StaffMember;
  const username = (await findUsername(deps.db, input.username)) ?? input.username;
  await getStaff(deps.db, username);
  const change = password === undefined ? undefined : await hashNewPassword(deps, username, password);
  const updating = once(deps, intent, async (tx) => {
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
  try {
    const updated = await updating;
    deps.sessions.forget(username);
    return updated;
  } catch (error) {
    if (!(error instanceof PasswordChanged)) throw error;
    // By the person, meanwhile: the new one has to be compared with that one too.
    return await updateStaff(deps, admin, input, intent);
  }
}

class PasswordChanged extends Error {}

async function getStaff(db: Parameters<typeof listStaff>[0], username: string): Promise<StaffMember> {
  const [found] = await listStaff(db, username);
  if (found === undefined) throw new DomainError({ code: "STAFF_NOT_FOUND" });
  return found;
}
