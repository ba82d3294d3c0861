import { getWallet } from "@skyfox/db";
import type { Wallet } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { describeWallet } from "./describe-wallet.ts";

/** One's own wallet at this moment. */
export async function getBalance(deps: Pick<Deps, "db">, { username }: User): Promise<Wallet> {
  return describeWallet(username, await getWallet(deps.db, username));
}
