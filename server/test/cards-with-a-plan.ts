import type { Outcome } from "../../scripts/sandbox/outcomes.ts";
import type { PaymentGateway } from "../src/payment/ports.ts";
import { goodCard } from "./given.ts";
import type { TestApp } from "./test-app.ts";

/** What the gateway is to do with one card: `late` is charged when `chargeLate` says so, the answer of `declined-unheard` is lost. */
export type Plan = Exclude<Outcome, "slow"> | "declined-unheard";

export type Card = typeof goodCard;

/** A charge as the gateway was asked for it, as the how many-th. */
interface AskedCharge {
  key: string;
  amount: string;
  turn: number;
}

/** A gateway that does with each card what was planned for it, whichever call comes first. */
export interface CardsWithAPlan extends PaymentGateway {
  /** A new card, to be used once. */
  cardFor(plan: Plan): Card;
  /** What the gateway was asked to charge this card with; undefined when it was not asked. */
  chargeOf(card: Card): AskedCharge | undefined;
  /** What this card was made for. */
  planOf(card: Card): Plan | undefined;
  /** Charges the cards that are late. */
  chargeLate(): Promise<void>;
}

/** Puts plans between a server and its gateway, which stays the real sandbox behind the real protocol. */
export function createCardsWithAPlan({ gateway: sandbox, deps }: TestApp): CardsWithAPlan {
  const plans = new Map<string, Plan>();
  const charges = new Map<string, AskedCharge>();
  let late: (() => Promise<unknown>)[] = [];
  let lastTurn: Promise<unknown> = Promise.resolve();

  return {
    ...deps.gateway,
    cardFor(plan) {
      const cardholderName = `Card ${plans.size + 1}`;
      plans.set(cardholderName, plan);
      return { ...goodCard, cardholderName };
    },
    chargeOf: ({ cardholderName }) => charges.get(cardholderName),
    planOf: ({ cardholderName }) => plans.get(cardholderName),
    async chargeLate() {
      const waiting = late;
      late = [];
      for (const charge of waiting) await charge();
    },
    async charge(charge) {
      const { cardholderName } = charge.card;
      const plan = plans.get(cardholderName);
      if (plan === undefined || charges.has(cardholderName)) throw new Error("A card is used once.");
      charges.set(cardholderName, {
        key: charge.key,
        amount: charge.amount.toFixed(2),
        turn: charges.size,
      });
      // The sandbox's script is a queue: only once a call has taken its line may the next one write its own.
      const previous = lastTurn;
      const turn = Promise.withResolvers<void>();
      lastTurn = turn.promise;
      await previous;
      const scripted = sandbox.script(plan === "declined-unheard" ? "declined" : plan);
      const answer = deps.gateway.charge(charge);
      await Promise.race([scripted.arrived, answer]);
      turn.resolve();
      const goOn = async () => {
        await scripted.release();
        await answer;
      };
      if (plan === "late") late.push(goOn);
      else if (plan.startsWith("timeout") || plan === "declined-unheard") await goOn();
      else return await answer;
      return { kind: "unknown", reason: "no answer in time" };
    },
  };
}
