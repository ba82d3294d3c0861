import { CompiledQuery } from "kysely";
import type { Db } from "../connect.ts";

/** What rate-limiter-flexible asks of a Postgres pool. */
export interface LimitStore {
  query(query: {
    text: string;
    values: unknown[];
  }): Promise<{ rows: Record<string, unknown>[]; rowCount: number }>;
}

/** The table of limits as rate-limiter-flexible wants to see it; it is called `rate_limit`. */
export function limitStore(db: Db): LimitStore {
  return {
    async query({ text, values }) {
      const { rows } = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, values));
      return { rows, rowCount: rows.length };
    },
  };
}

/** Takes one point back from a window that ends before `endsBeforeMs`; one that began since then keeps its points. */
export async function returnLimitPoint(db: Db, key: string, endsBeforeMs: number): Promise<void> {
  await db
    .updateTable("rate_limit")
    .set((eb) => ({ points: eb("points", "-", 1) }))
    .where("key", "=", key)
    .where("points", ">", 0)
    .where("expire", "<", endsBeforeMs)
    .execute();
}

/** Forgets a window, with all that was counted in it. */
export async function deleteLimit(db: Db, key: string): Promise<void> {
  await db.deleteFrom("rate_limit").where("key", "=", key).execute();
}
