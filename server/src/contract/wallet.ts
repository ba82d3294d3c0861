import { z } from "zod";
import { cardSchema } from "./card.ts";
import { maxTopUp } from "./constants.ts";
import { amountSchema, sentAmountSchema } from "./amounts.ts";
import { Decimal } from "./money.ts";
import { idSchema, noInput, pageFields, pageOf } from "./page.ts";

/** What `wallet.balance` takes: nothing. */
export const walletBalanceInput = noInput;

/** A wallet: `available` is the balance without what is promised to payments under way. */
export const walletSchema = z.object({
  /** Whose wallet it is. */
  username: z.string(),
  /** The money in it, in the cinema's currency. */
  balance: amountSchema,
  /** What of it can be spent: the balance without what is promised to payments under way. */
  available: amountSchema,
  /** When the balance changed last. */
  updatedAt: z.date(),
});

/** The customer's wallet at this moment. */
export type Wallet = z.output<typeof walletSchema>;

/** What is added: more than nothing and at most `maxTopUp`; breaking that is `INVALID_AMOUNT` or `AMOUNT_TOO_LARGE`. */
export const topUpAmountSchema = sentAmountSchema.superRefine((amount, context) => {
  if (!(amount instanceof Decimal)) return;
  const max = new Decimal(maxTopUp);
  if (amount.lessThanOrEqualTo(0)) {
    const domain = { code: "INVALID_AMOUNT", details: {} };
    context.addIssue({ code: "custom", message: "The amount is more than zero.", params: { domain } });
  } else if (amount.greaterThan(max)) {
    const domain = { code: "AMOUNT_TOO_LARGE", details: { max } };
    const message = `At most ${maxTopUp} can be added at once.`;
    context.addIssue({ code: "custom", message, params: { domain } });
  }
});

/** What `wallet.addFunds` takes: how much, and the card that is charged with it. */
export const addFundsInput = z.strictObject({
  /** What to add, more than 0 and at most 10000.00: a Decimal or text such as `100.00`, never a number. */
  amount: topUpAmountSchema,
  /** The card that is charged with it. */
  card: cardSchema,
});

/** The amount and the checked card. */
export type AddFundsInput = z.output<typeof addFundsInput>;

/** What `wallet.addFunds` answers: the wallet afterwards, and the gateway's reference of the charge. */
export const addFundsOutput = walletSchema.extend({
  /** The gateway's reference of the charge. */
  transactionId: z.string(),
});

/** The wallet after the funds were added. */
export type AddFundsOutput = z.output<typeof addFundsOutput>;

/** What `wallet.transactions` takes: a page. */
export const walletTransactionsInput = z.strictObject(pageFields).prefault({});

/** The page to list, with the default size filled in. */
export type WalletTransactionsInput = z.output<typeof walletTransactionsInput>;

/** One change of a wallet, written once and for ever. */
export const walletTransactionSchema = z.object({
  /** Names the change. */
  id: idSchema,
  /** `ADD` puts money in, `DEDUCT` takes it out. */
  type: z.enum(["ADD", "DEDUCT"]),
  /** How much, in the cinema's currency; always more than 0. */
  amount: amountSchema,
  /** The balance after this change. */
  balanceAfter: amountSchema,
  /** The booking that was paid or given back; null for added funds. */
  bookingId: idSchema.nullable(),
  /** The reference of the payment that made the change. */
  transactionId: z.string(),
  /** When the change was made. */
  timestamp: z.date(),
});

/** What `wallet.transactions` answers: the customer's own, newest first. */
export const walletTransactionPageSchema = pageOf(walletTransactionSchema);

/** Some transactions, newest first, and the cursor of the older ones or null when there are none. */
export type WalletTransactionPage = z.output<typeof walletTransactionPageSchema>;
