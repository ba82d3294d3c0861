import { beginTopUp, type Db, type NewKey } from "@skyfox/db";
import {
  Decimal,
  maxTopUp,
  maxWalletBalance,
  type AddFundsInput,
  type AddFundsOutput,
} from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, KeyTaken, type BegunPayment, type Call } from "../idempotency/call.ts";
import type { PlannedTry } from "../limits/ports.ts";
import { askAfterMs, assertNotOutOfDate, chargeCard, type ChargingDeps } from "../payment/charge-card.ts";
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
  const begin = (tried: PlannedTry | undefined) =>
    call.beginPayment<AddFundsOutput>(
      (db, key) => beginAdding(db, deps, user, input.amount, { key, tried }),
      false,
    );
  return await chargeCard(deps, { user, card: input.card, call }, topUpPayments(deps), begin);
}

async function beginAdding(
  db: Db,
  { clock }: Pick<Deps, "clock">,
  { username }: User,
  amount: Decimal,
  { key, tried }: { key: NewKey | undefined; tried: PlannedTry | undefined },
): Promise<BegunPayment<AddFundsOutput>> {
  const order = { username, amount, maxBalance: new Decimal(maxWalletBalance) };
  const begun = await beginTopUp(db, order, {
    key,
    time: clock.standsAt,
    askAfterMs,
    tried: tried?.counted,
  });
  if ("refusal" in begun) {
    if (begun.refusal === "KEY_TAKEN") throw new KeyTaken();
    if (begun.refusal === "RATE_LIMITED") throw tried!.refusal(begun.until);
    const max = Decimal.max(0, Decimal.min(begun.room, maxTopUp));
    throw new DomainError({ code: "AMOUNT_TOO_LARGE", details: { max } });
  }
  clock.nowFrom(begun.at);
  return {
    payment: begun.payment,
    counted: begun.counted,
    foretell: ({ transactionId, now }) => ({
      username,
      balance: begun.balance.plus(amount),
      available: begun.available.plus(amount),
      updatedAt: now,
      transactionId,
    }),
  };
}
