import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

/** All staff and admins by username, disabled ones too; or only the one with that username. */
export async function listStaff(db: Db, username?: string) {
  let query = db
    .selectFrom("stafftable as s")
    .innerJoin("usertable as u", "u.username", "s.username")
    // In the text, so that a plan for any values uses the partial index.
    .where("u.role", "<>", sql.lit("customer"))
    .select([
      "s.username",
      "s.name",
      "u.role",
      "s.counter_no as counterNo",
      "u.created_at as createdAt",
      "u.disabled_at as disabledAt",
    ])
    .orderBy("s.username");
  if (username !== undefined) query = query.where("s.username", "=", username);
  const rows = await query.execute();
  return rows.map((row) => ({
    ...row,
    role: row.role === "admin" ? ("admin" as const) : ("staff" as const),
  }));
}

/** Locks every admin who can log in, always in the same order, and tells who they are. */
export async function lockActiveAdmins(tx: Tx): Promise<string[]> {
  const rows = await tx
    .selectFrom("usertable")
    .select("username")
    .where("role", "=", sql.lit("admin"))
    .where("disabled_at", "is", null)
    .orderBy("username")
    .forUpdate()
    .execute();
  return rows.map(({ username }) => username);
}

/** What may change of a person of the staff; what is undefined stays as it is. */
export interface StaffChange {
  role: "staff" | "admin" | undefined;
  counterNo: number | undefined;
  /** Null enables the account. */
  disabledAt: Date | null | undefined;
}

/** Changes a person of the staff. */
export async function updateStaffRow(tx: Tx, username: string, change: StaffChange): Promise<void> {
  const { role, counterNo, disabledAt } = change;
  if (role !== undefined || disabledAt !== undefined) {
    await tx
      .updateTable("usertable")
      .set({
        ...(role !== undefined && { role }),
        ...(disabledAt !== undefined && { disabled_at: disabledAt }),
      })
      .where("username", "=", username)
      .execute();
  }
  if (counterNo !== undefined) {
    await tx
      .updateTable("stafftable")
      .set({ counter_no: counterNo })
      .where("username", "=", username)
      .execute();
  }
}
