import * as db from "@skyfox/db";
import type { Deps } from "../deps.ts";

/** The questions to choose from at sign-up. */
export async function listSecurityQuestions(deps: Pick<Deps, "db">) {
  return await db.listSecurityQuestions(deps.db);
}
