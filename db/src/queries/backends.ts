import { sql } from "kysely";
import type { Db } from "../connect.ts";

/** The process of Postgres that serves this connection: `db` must be one connection, as Kysely's `connection()` gives it. */
export async function getBackend(db: Db): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  if (rows[0] === undefined) throw new Error("Postgres named no process.");
  return rows[0].pid;
}

const endWithinMs = 1_000;

/** Ends a connection with the statement that runs on it, and waits until its process is gone, at most a second. */
export async function endBackend(db: Db, pid: number): Promise<void> {
  await sql`select pg_terminate_backend(${pid}, ${endWithinMs})`.execute(db);
}
