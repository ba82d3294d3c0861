import { acceptTopUp, failPayment, getTopUp, lockWallet } from "@skyfox/db";
import type { AddFundsOutput } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { PaymentSubject } from "../payment/ports.ts";
import { describeWallet } from "./describe-wallet.ts";

/**
 * Funds for a wallet as what payments are for. A charge of an open payment is always added. One that shows up once the payment counts as not
 * charged goes back, and the payer is answered `PAYMENT_OUTCOME_UNKNOWN`.
 */
export function topUpPayments({ clock }: Pick<Deps, "clock">): PaymentSubject<AddFundsOutput> {
  return {
    async lock(tx, payment) {
      const { id, username } = payment;
      const now = clock.nowFrom((await lockWallet(tx, username)).lockedAt);
      const answer = async () => {
        const { transactionId, ...wallet } = await getTopUp(tx, id);
        return { ...describeWallet(username, wallet), transactionId };
      };
      return {
        now,
        isWaiting: true,
        async accept({ transactionId }) {
          if (!(await acceptTopUp(tx, { paymentId: id, transactionId, now, kept: undefined })))
            throw new Error(`Payment ${id} was changed outside the lock that guards it.`);
          return await answer();
        },
        async giveUp(failure) {
          await failPayment(tx, id, { ...failure, now });
          return null;
        },
        refuse: (status) =>
          Promise.resolve({
            reason: `Charged when the payment was ${status}`,
            refusal: new DomainError({ code: "PAYMENT_OUTCOME_UNKNOWN" }),
          }),
        answer,
      };
    },
    acceptAtOnce: (db, charge, said) => acceptTopUp(db, charge, said),
    // A top-up that failed leaves nothing to wait for.
    watch() {},
  };
}
