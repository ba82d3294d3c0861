import { insertPayment, lockWallet, sumOpenTopUps, type OpenPayment, type Tx } from "@skyfox/db";
import {
  Decimal,
  maxTopUp,
  maxWalletBalance,
  type AddFundsInput,
  type AddFundsOutput,
} from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { askAfter, assertNotOutOfDate, chargeCard, type ChargingDeps } from "../payment/charge-card.ts";
import { topUpPayments } from "./top-up-payments.ts";

/**
 * Adds funds to one's wallet by card: its money is added in the transaction that records the charge. Throws `AMOUNT_TOO_LARGE` when the wallet
 * would get beyond 100,000.00 with it, `PAYMENT_DECLINED`, `PAYMENT_VALIDATION_FAILED`, `PAYMENT_GATEWAY_UNAVAILABLE`,
 * `PAYMENT_OUTCOME_UNKNOWN` when only time will tell, or `RATE_LIMITED` after too many cards that the gateway did not take.
 */
export async function addFunds(
  deps: ChargingDeps,
  user: User,
  input: AddFundsInput,
  call: Call = callWithoutKey(deps),
): Promise<AddFundsOutput> {
  assertNotOutOfDate(deps, input.card);
  const begin = () => call.beginPayment<AddFundsOutput>((tx) => beginTopUp(tx, deps, user, input.amount));
  return await chargeCard(deps, { user, card: input.card, call }, topUpPayments(deps), begin);
}

async function beginTopUp(
  tx: Tx,
  { clock }: Pick<Deps, "clock">,
  { username }: User,
  amount: Decimal,
): Promise<{ payment: OpenPayment }> {
  // What is still under way counts, so that every charge that succeeds can be added.
  const { balance, lockedAt } = await lockWallet(tx, username);
  const room = new Decimal(maxWalletBalance).minus(balance).minus(await sumOpenTopUps(tx, username));
  if (amount.greaterThan(room)) {
    const max = Decimal.max(0, Decimal.min(room, maxTopUp));
    throw new DomainError({ code: "AMOUNT_TOO_LARGE", details: { max } });
  }
  const now = clock.nowFrom(lockedAt);
  const payment = { bookingId: null, username, method: "Card" as const, walletAmount: new Decimal(0) };
  const times = { startedAt: now, askAfter: askAfter(now) };
  return { payment: await insertPayment(tx, { ...payment, cardAmount: amount, ...times }) };
}
