import * as db from "@skyfox/db";
import type { Screen } from "../contract/index.ts";
import type { Deps } from "../deps.ts";

/** Every screen with its capacity. */
export async function listScreens(deps: Pick<Deps, "db">): Promise<Screen[]> {
  return await db.listScreens(deps.db);
}
