import type { Wallet as WalletRow } from "@skyfox/db";
import type { Wallet } from "../contract/index.ts";

/** A wallet as the contract publishes it: what is promised to payments under way is not available. */
export function describeWallet(username: string, wallet: Omit<WalletRow, "id">): Wallet {
  const { balance, reserved, updatedAt } = wallet;
  return { username, balance, available: balance.minus(reserved), updatedAt };
}
