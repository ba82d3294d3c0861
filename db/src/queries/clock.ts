import { sql } from "kysely";
import type { Db } from "../connect.ts";

/** The database's own time, of this very moment. */
export async function databaseTime(db: Db): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`select clock_timestamp() as time`.execute(db);
  return rows[0]!.time;
}
