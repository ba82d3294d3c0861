import { findUsername } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { foldName, type UnlockAccountInput, type UnlockAccountOutput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";

/** Forgets the guesses at passwords and answers that were counted on an account, or on a name that no account has, and the locks they made. */
export async function unlockAccount(
  deps: Pick<Deps, "db" | "clock" | "limits">,
  admin: User,
  input: UnlockAccountInput,
  call: Call = callWithoutKey(deps),
): Promise<UnlockAccountOutput> {
  return await call.commit(async (tx) => {
    const found = await findUsername(tx, input.username);
    const username = found ?? foldName(input.username);
    const cleared = await deps.limits.forgive(tx, username);
    await recordAudit(tx, deps.clock, admin, {
      action: "account-unlocked",
      subject: found ?? null,
      details: { cleared },
    });
    return { username, cleared };
  });
}
