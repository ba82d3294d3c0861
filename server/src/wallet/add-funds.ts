import {
  getTopUp,
  inTransaction,
  insertPayment,
  lockWallet,
  sumOpenTopUps,
  tieKeyToPayment,
  type OpenPayment,
  type Tx,
} from "@skyfox/db";
import {
  Decimal,
  maxTopUp,
  maxWalletBalance,
  type AddFundsInput,
  type AddFundsOutput,
} from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Intent } from "../idempotency/intent.ts";
import { claimKey, findReplay } from "../idempotency/once.ts";
import { askAfter, assertNotOutOfDate, chargeCard } from "../payment/charge-card.ts";
import { describeWallet } from "./describe-wallet.ts";

/**
 * Adds funds to one's wallet by card: its money is added in the transaction that records the charge. Throws `AMOUNT_TOO_LARGE` when the wallet
 * would get beyond 100,000.00 with it, `PAYMENT_DECLINED`, `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`,
 * `PAYMENT_OUTCOME_UNKNOWN` when only time will tell, or `RATE_LIMITED` after too many cards that the gateway did not take.
 */
export async function addFunds(
  deps: Deps,
  user: User,
  input: AddFundsInput,
  intent?: Intent,
): Promise<AddFundsOutput> {
  const replay = await findReplay(deps, intent);
  if (replay !== undefined) return replay.answer as AddFundsOutput;
  assertNotOutOfDate(deps, input.card);
  const begin = () => beginTopUp(deps, user, input.amount, intent);
  const added = await chargeCard(deps, { user, card: input.card, intent }, begin, describeTopUp);
  return added === "key is taken" ? await addFunds(deps, user, input, intent) : added;
}

/** What whoever has added funds is answered. */
export async function describeTopUp(tx: Tx, payment: OpenPayment): Promise<AddFundsOutput> {
  const { transactionId, ...wallet } = await getTopUp(tx, payment.id);
  return { ...describeWallet(payment.username, wallet), transactionId };
}

async function beginTopUp(
  deps: Deps,
  user: User,
  amount: Decimal,
  intent: Intent | undefined,
): Promise<OpenPayment | "key is taken"> {
  const { username } = user;
  return await inTransaction(deps.db, async (tx) => {
    if (!(await claimKey(tx, deps, intent))) return "key is taken";
    // What is still under way counts, so that every charge that succeeds can be added.
    const { balance, lockedAt } = await lockWallet(tx, username);
    const room = new Decimal(maxWalletBalance).minus(balance).minus(await sumOpenTopUps(tx, username));
    if (amount.greaterThan(room)) {
      const max = Decimal.max(0, Decimal.min(room, maxTopUp));
      throw new DomainError({ code: "AMOUNT_TOO_LARGE", details: { max } });
    }
    const now = deps.clock.nowFrom(lockedAt);
    const payment = { bookingId: null, username, method: "Card" as const, walletAmount: new Decimal(0) };
    const times = { startedAt: now, askAfter: askAfter(now) };
    const begun = await insertPayment(tx, { ...payment, cardAmount: amount, ...times });
    if (intent !== undefined) await tieKeyToPayment(tx, intent, begun.id);
    return begun;
  });
}
