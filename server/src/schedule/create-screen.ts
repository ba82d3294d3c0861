import { constraints, insertScreen, violatedConstraint } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { CreateScreenInput, Screen } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";

/** Adds a screen with a layout of its own. Throws `SCREEN_NAME_EXISTS`, whatever the case of the letters. */
export async function createScreen(
  deps: Pick<Deps, "db" | "clock">,
  admin: User,
  input: CreateScreenInput,
  call: Call = callWithoutKey(deps),
): Promise<Screen> {
  const { name, rows } = input;
  const seats = rows.flatMap(({ row, seats: ofRow }) => ofRow.map((seat) => ({ row, ...seat })));
  try {
    return await call.commit(async (tx) => {
      const id = await insertScreen(tx, { name, seats });
      const details = { screenId: id };
      await recordAudit(tx, deps.clock, admin, { action: "screen-created", subject: null, details });
      return { id, name, capacity: seats.length };
    });
  } catch (error) {
    if (violatedConstraint(error) === constraints.screenName)
      throw new DomainError({ code: "SCREEN_NAME_EXISTS" });
    throw error;
  }
}
