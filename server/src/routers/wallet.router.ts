import type { TRPCRouterRecord } from "@trpc/server";
import * as contract from "../contract/index.ts";
import { userProcedure } from "../rpc/procedures.ts";
import { withUser } from "../rpc/resolve.ts";
import { addFunds } from "../wallet/add-funds.ts";
import { getBalance } from "../wallet/get-balance.ts";
import { listTransactions } from "../wallet/list-transactions.ts";

export const walletRouter = {
  /** One's own wallet: its balance, and what of it can be spent. */
  balance: userProcedure
    .input(contract.walletBalanceInput)
    .output(contract.walletSchema)
    .query(withUser(getBalance)),

  /**
   * Charges a card and adds the amount to one's own wallet, at most 10000.00 at once and 100000.00 in all. Repeat it with the same idempotency
   * key and the card is charged once; after `PAYMENT_OUTCOME_UNKNOWN` never under a new one. 20 failed cards in 15 minutes are followed by
   * `RATE_LIMITED`.
   */
  addFunds: userProcedure
    .input(contract.addFundsInput)
    .output(contract.addFundsOutput)
    .mutation(withUser(addFunds)),

  /** Every change of one's own wallet, newest first, a page at a time; a page has 20 unless asked otherwise, and 100 at most. */
  transactions: userProcedure
    .input(contract.walletTransactionsInput)
    .output(contract.walletTransactionPageSchema)
    .query(withUser(listTransactions)),
} satisfies TRPCRouterRecord;
