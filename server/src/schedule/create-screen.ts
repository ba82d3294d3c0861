import { constraints, insertScreen, violatedConstraint } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { CreateScreenInput, Screen } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Intent } from "../idempotency/intent.ts";
import { once } from "../idempotency/once.ts";

/** Adds a screen with a layout of its own. Throws `SCREEN_NAME_EXISTS`, whatever the case of the letters. */
export async function createScreen(
  deps: Deps,
  admin: User,
  input: CreateScreenInput,
  intent?: Intent,
): Promise<Screen> {
  const { name, rows } = input;
  const seats = rows.flatMap(({ row, seats: ofRow }) => ofRow.map((seat) => ({ row, ...seat })));
  try {
    return await once(deps, intent, async (tx) => {
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
