import type { Tx } from "../connect.ts";

/** The customer's one wallet, empty. */
export async function insertWallet(tx: Tx, username: string, createdAt: Date): Promise<void> {
  await tx
    .insertInto("customer_wallet")
    .values({ username, created_at: createdAt, updated_at: createdAt })
    .execute();
}
