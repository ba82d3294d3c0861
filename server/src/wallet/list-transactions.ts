import { listWalletTransactions } from "@skyfox/db";
import type { WalletTransactionPage, WalletTransactionsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { readCursor, toPage } from "../rpc/pages.ts";

/** Every change of one's own wallet, newest first, a page at a time. */
export async function listTransactions(
  deps: Pick<Deps, "db">,
  { username }: User,
  { cursor, limit }: WalletTransactionsInput,
): Promise<WalletTransactionPage> {
  const page = { username, beforeId: readCursor(cursor), limit: limit + 1 };
  return toPage(await listWalletTransactions(deps.db, page), limit, ({ id }) => id);
}
