import { holdSeats } from "../src/booking/hold-seats.ts";
import { payBooking } from "../src/booking/pay-booking.ts";
import { Decimal, type KeyedProcedure } from "../src/contract/index.ts";
import type { User } from "../src/deps.ts";
import { addFunds } from "../src/wallet/add-funds.ts";
import { declinedCard, givenCustomer, givenShow, givenStaff, goodCard } from "./given.ts";
import type { Answer } from "./rpc-call.ts";
import type { TestApp } from "./test-app.ts";

/** A call that may be made once, who makes it, and what is true in the end. */
export interface MoneyCall {
  caller: User;
  input: object;
  /** The answer that is true, whenever it comes; a refusal by its code. */
  truth: object;
  /** How often it has had its effect. */
  countEffects(): Promise<number>;
}

/** One call of each kind that moves money or seats, each by people and at a show of its own; the shows are on a cinema date that is to come. */
export function moneyCalls(app: TestApp, date: string) {
  const { deps, clock, gateway } = app;
  const show = () => givenShow(app, { date });

  const calls = {
    "a hold": {
      path: "booking.initialize",
      async given() {
        const caller = await givenCustomer(deps);
        const input = { showId: await show(), seatNumbers: ["A1", "F1"] };
        const countEffects = counting("booking where customer_username = $1", caller.username);
        return { caller, input, truth: input, countEffects };
      },
    },
    "a hold that takes an overdue one over": {
      path: "booking.initialize",
      async given() {
        const [loser, caller] = [await givenCustomer(deps), await givenCustomer(deps)];
        const input = { showId: await show(), seatNumbers: ["A1"] };
        const { bookingId } = await holdSeats(deps, loser, input);
        deps.monitors.disarm(bookingId);
        await app.sql.query("update booking set expires_at = $2 where id = $1", [bookingId, clock.now()]);
        await app.sql.query("update seat_claim set free_after = $2 where booking_id = $1", [
          bookingId,
          clock.now(),
        ]);
        const countEffects = counting("booking where customer_username = $1", caller.username);
        return { caller, input, truth: input, countEffects };
      },
    },
    "a payment by card": {
      path: "booking.pay",
      async given() {
        const { caller, bookingId } = await givenHold();
        const input = { bookingId, method: "Card", card: goodCard };
        const truth = { status: "Confirmed", cardAmount: new Decimal(200), walletAmount: new Decimal(0) };
        return { caller, input, truth, countEffects: () => countCharges("booking_id = $1", bookingId) };
      },
    },
    "a payment by a card that is declined": {
      path: "booking.pay",
      async given() {
        const { caller, bookingId } = await givenHold();
        const input = { bookingId, method: "Card", card: declinedCard };
        const countEffects = counting(
          "payment_transaction where status = 'Declined' and booking_id = $1",
          bookingId,
        );
        return { caller, input, truth: { code: "PAYMENT_DECLINED" }, countEffects };
      },
    },
    "a payment by wallet": {
      path: "booking.pay",
      async given() {
        const { caller, bookingId } = await givenHold();
        await addFunds(deps, caller, { amount: new Decimal(500), card: goodCard });
        const truth = { status: "Confirmed", cardAmount: new Decimal(0), walletAmount: new Decimal(200) };
        const countEffects = counting(
          "wallet_transaction where transaction_type = 'DEDUCT' and booking_id = $1",
          bookingId,
        );
        return { caller, input: { bookingId, method: "Wallet" }, truth, countEffects };
      },
    },
    "a payment by wallet and card": {
      path: "booking.pay",
      async given() {
        const { caller, bookingId } = await givenHold();
        await addFunds(deps, caller, { amount: new Decimal("49.99"), card: goodCard });
        const input = { bookingId, method: "Wallet", card: goodCard };
        const truth = {
          status: "Confirmed",
          cardAmount: new Decimal("150.01"),
          walletAmount: new Decimal("49.99"),
        };
        return { caller, input, truth, countEffects: () => countCharges("booking_id = $1", bookingId) };
      },
    },
    "a cancelled hold": {
      path: "booking.cancel",
      async given() {
        const { caller, bookingId } = await givenHold();
        const countEffects = counting("booking where status = 'Cancelled' and id = $1", bookingId);
        return { caller, input: { bookingId }, truth: { bookingId, status: "Cancelled" }, countEffects };
      },
    },
    "funds for the wallet": {
      path: "wallet.addFunds",
      async given() {
        const caller = await givenCustomer(deps);
        const amount = new Decimal("250.50");
        const countEffects = () => countCharges("username = $1", caller.username);
        return {
          caller,
          input: { amount, card: goodCard },
          truth: { balance: amount, available: amount },
          countEffects,
        };
      },
    },
    "funds from a card that is declined": {
      path: "wallet.addFunds",
      async given() {
        const caller = await givenCustomer(deps);
        const declined = "payment_transaction where status = 'Declined' and username = $1";
        return {
          caller,
          input: { amount: new Decimal(20), card: declinedCard },
          truth: { code: "PAYMENT_DECLINED" },
          countEffects: counting(declined, caller.username),
        };
      },
    },
    "a refund": {
      path: "admin.refundBooking",
      async given() {
        const caller = await givenStaff(deps, "admin");
        const { bookingId } = await givenTicket();
        const input = { bookingId, to: "source", reason: "Asked for." };
        const countEffects = counting("payment_refund where booking_id = $1", bookingId);
        return { caller, input, truth: { bookingId, status: "Refunded" }, countEffects };
      },
    },
    "a cancelled show": {
      path: "admin.cancelShow",
      async given() {
        const caller = await givenStaff(deps, "admin");
        const { showId, bookingId } = await givenTicket();
        await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: ["J1"] });
        const refunded = counting("payment_refund where booking_id = $1", bookingId);
        const told = counting(
          "audit_entry where action = 'show-cancelled' and (details ->> 'showId')::int = $1",
          showId,
        );
        return {
          caller,
          input: { showId, reason: "A power cut." },
          // A booking whose refund met the loss is listed as failed, and is given back in the next round.
          truth: { showId, reason: "A power cut.", total: 1 },
          countEffects: async () => Math.max(await refunded(), await told()),
        };
      },
    },
  } satisfies Record<string, { path: KeyedProcedure; given(): Promise<MoneyCall> }>;

  return calls;

  async function givenHold() {
    const caller = await givenCustomer(deps);
    const showId = await show();
    const { bookingId } = await holdSeats(deps, caller, { showId, seatNumbers: ["B1"] });
    return { caller, showId, bookingId };
  }

  async function givenTicket() {
    const { caller, ...hold } = await givenHold();
    await addFunds(deps, caller, { amount: new Decimal(60), card: goodCard });
    await payBooking(deps, caller, { bookingId: hold.bookingId, method: "Wallet", card: goodCard });
    return hold;
  }

  function counting(what: string, value: unknown): () => Promise<number> {
    return async () => {
      const [row] = await app.sql.query(`select count(*)::int as found from ${what}`, [value]);
      return row?.["found"] as number;
    };
  }

  async function countCharges(ofWhat: string, value: unknown): Promise<number> {
    const rows = await app.sql.query(`select gateway_key from payment_transaction where ${ofWhat}`, [value]);
    const keys = rows.map((row) => row["gateway_key"]);
    return gateway.books().charges.filter(({ key }) => keys.includes(key)).length;
  }
}

/** What was answered, without what differs between tries; a refusal as its code and details. */
export function saidBy({ data, error }: Answer<unknown>): object {
  // The time that a hold has left is true now, not then.
  const { timeRemainingMs: _now, ...said } = (data ?? {}) as { timeRemainingMs?: number };
  return data === undefined ? (error?.data.domain ?? { error }) : said;
}

/** Whether the caller is to come again with the same key. */
export function isOpen({ error }: Answer<unknown>): boolean {
  return ["IDEMPOTENCY_IN_FLIGHT", "PAYMENT_OUTCOME_UNKNOWN"].includes(error?.data.domain?.code ?? "");
}
