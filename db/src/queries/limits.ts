import { CompiledQuery, sql } from "kysely";
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

/** Lets a window end at another time, in milliseconds since 1970. */
export async function prolongLimit(db: Db, key: string, expire: number): Promise<void> {
  await db.updateTable("rate_limit").set({ expire }).where("key", "=", key).execute();
}

/**
 * Forgets the windows of an account and of its devices that these limits have, and tells what was counted in them. Keys are the limit, the
 * kind of window and the account's digest, with colons between them.
 */
export async function deleteAccountLimits(
  db: Db,
  accountDigest: string,
  limits: string[],
): Promise<{ key: string; points: number; expire: number }[]> {
  const rows = await db
    .deleteFrom("rate_limit")
    .where(partOfKey(3), "=", accountDigest)
    .where(sql<boolean>`${partOfKey(2)} IN ('account', 'device')`)
    .where(partOfKey(1), "in", limits)
    .returning(["key", "points", "expire"])
    .execute();
  return rows.map((row) => ({ ...row, expire: row.expire ?? 0 }));
}

// Written out, so that the index rate_limit_account fits.
function partOfKey(number: number) {
  return sql<string>`split_part(key, ':', ${sql.lit(number)})`;
}
