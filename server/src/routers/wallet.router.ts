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

  /** Adds funds by card. */
  addFunds: userProcedure
    .input(contract.addFundsInput)
    .output(contract.addFundsOutput)
    .mutation(withUser(addFunds)),

  /** Every change of one's own wallet, newest first. */
  transactions: userProcedure
    .input(contract.walletTransactionsInput)
    .output(contract.walletTransactionPageSchema)
    .query(withUser(listTransactions)),
} satisfies TRPCRouterRecord;
