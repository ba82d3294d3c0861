import { insertWallet, type Tx } from "@skyfox/db";

/** Opens a customer's one wallet, empty, as part of the sign-up. */
export async function openWallet(tx: Tx, username: string, createdAt: Date): Promise<void> {
  await insertWallet(tx, username, createdAt);
}
