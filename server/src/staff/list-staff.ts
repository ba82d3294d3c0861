import * as db from "@skyfox/db";
import type { StaffMember } from "../contract/index.ts";
import type { Deps } from "../deps.ts";

/** All staff and admins, disabled ones too. */
export async function listStaff(deps: Pick<Deps, "db">): Promise<StaffMember[]> {
  return await db.listStaff(deps.db);
}
