import {
  findAccount,
  getServerSecret,
  insertSessionOf,
  inTransaction,
  listEventsSinceLogin,
  replaceOutdatedPassword,
  type AccountEvent,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { foldName, maxNotices, sessionHours, type LogInInput, type LogInOutput } from "../contract/index.ts";
import type { Caller, HashingDeps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { newDevice, readDeviceToken, signDeviceToken } from "./device-tokens.ts";
import { checkPassword, hashPassword } from "./passwords.ts";
import { isRefusedAsPublished } from "./published-passwords.ts";
import { answerLimits } from "./security-answers.ts";

/**
 * Opens a session of 24 hours, gives the device a token by which the account knows it, tells what happened since the last login, and forgets
 * wrong security answers; an older hash of the password is made anew. Throws `INVALID_CREDENTIALS`, alike and after the same work for an
 * unknown user, a disabled one, a wrong password and a published one; `RATE_LIMITED` after too many of these, also for the right password:
 * strangers share the account's tries, a known device has its own.
 */
export async function logIn(
  deps: Pick<HashingDeps, "clock" | "db" | "limits" | "passwords" | "settings" | "tokens">,
  caller: Caller,
  input: LogInInput,
): Promise<LogInOutput> {
  const [account, deviceKey] = await Promise.all([
    findAccount(deps.db, input.username),
    getServerSecret(deps.db, "device tokens"),
  ]);
  const known = readDeviceToken(deviceKey, input.deviceToken ?? "", deps.clock.now());
  // A token is its account's alone, not one of a later account with the same name.
  const isKnown =
    account !== undefined &&
    known?.username === account.username &&
    known.issuedAt >= account.createdAt.getTime();
  const device = isKnown ? known.device : undefined;
  // Of two adopted names that differ by case only, each has limits of its own.
  const limitedAs = account?.username ?? foldName(input.username);
  const counted = await deps.limits.count(
    device === undefined ? "wrongPasswords" : "wrongPasswordsOfDevices",
    { account: limitedAs, device, address: caller.address },
  );
  const password = await checkPassword(deps.passwords, account?.passwordHash, input.password);
  const isPublished = isRefusedAsPublished(deps.settings, account?.username, input.password);
  if (account === undefined || !password.fits || isPublished || account.disabledAt !== null) {
    const action = counted.usedUp.length > 0 ? "login-locked" : "login-failed";
    await recordAudit(deps.db, deps.clock, caller, { action, subject: account?.username ?? null });
    throw new DomainError({ code: "INVALID_CREDENTIALS" });
  }
  await counted.giveBack();

  const { username, name, role, passwordHash } = account;
  const newHash = password.isOutdated ? await hashPassword(deps.passwords, input.password) : undefined;
  const issuedAt = deps.clock.now();
  // A token counts whole seconds; the session ends at the same one.
  const expiresAt = new Date(Math.floor(issuedAt.getTime() / 1_000) * 1_000 + sessionHours * 3_600_000);
  const id = crypto.randomUUID();
  const notices = await inTransaction(deps.db, async (tx) => {
    // Before the session, which locks the account for reading: two logins that both had that lock would wait for each other here.
    const isReplaced =
      newHash === undefined || (await replaceOutdatedPassword(tx, username, passwordHash, newHash));
    if (!isReplaced) return undefined;
    const session = { id, username, createdAt: issuedAt, expiresAt };
    if (!(await insertSessionOf(tx, session, newHash ?? passwordHash))) return undefined;
    await deps.limits.forgive(tx, limitedAs, answerLimits);
    const events = await listEventsSinceLogin(tx, username, maxNotices);
    await recordAudit(tx, deps.clock, caller, { action: "logged-in", subject: username });
    return events.map(toNotice);
  });
  // The password was changed since it was read, or the account disabled; or another login has made the older hash anew.
  if (notices === undefined && newHash !== undefined) return await logIn(deps, caller, input);
  if (notices === undefined) throw new DomainError({ code: "INVALID_CREDENTIALS" });
  const token = await deps.tokens.sign({ sessionId: id, username, role, issuedAt, expiresAt });
  const deviceToken = signDeviceToken(deviceKey, {
    device: device ?? newDevice(),
    username,
    issuedAt: issuedAt.getTime(),
  });
  return { user: { username, name, role }, token, expiresAt, deviceToken, notices };
}

function toNotice({ at, action }: AccountEvent): LogInOutput["notices"][number] {
  switch (action) {
    case "security-answer-failed":
      return { kind: "failed-recovery", at };
    case "security-answer-locked":
    case "login-locked":
      return { kind: "locked", at };
    default:
      return { kind: "password-changed", at };
  }
}
