import type { Booking, Cinema, Failure, RouterInputs } from "@skyfox/sdk";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api } from "../client.ts";
import { money } from "../format.ts";
import { Notice } from "../ui.tsx";
import { cardProblems, sayPayFailure } from "./booking-words.ts";
import { CardFields, useCardForm } from "./card-fields.tsx";

/** How a booking is paid: by card, or from the wallet with a card for what it lacks. */
export type Method = RouterInputs["booking"]["pay"]["method"];

interface PayFormProps {
  booking: Booking;
  cinema: Cinema;
  method: Method;
  onMethod: (method: Method) => void;
  onPay: (input: RouterInputs["booking"]["pay"]) => void;
  isPaying: boolean;
  failure: Failure<"booking.pay"> | null;
}

/** Pays for held seats. */
export function PayForm({ booking, cinema, method, onMethod, onPay, isPaying, failure }: PayFormProps) {
  const { bookingId, amountDue } = booking;
  const card = useCardForm();
  const wallet = useQuery(api.wallet.balance.queryOptions(undefined, { staleTime: 0 }));
  const available = wallet.data?.available;
  const lacking = available === undefined ? undefined : amountDue.minus(available);
  const needsCard = method === "Card" || lacking === undefined || lacking.greaterThan(0);
  const problem = failure === null ? undefined : sayPayFailure(failure, cinema);
  const price = (amount: Booking["amountDue"]) => money(amount, cinema.currency);

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (!needsCard) return onPay({ bookingId, method: "Wallet" });
    const read = card.read();
    if (read !== undefined) onPay({ bookingId, method, card: read });
  }

  return (
    <form className="panel pay" onSubmit={submit} noValidate>
      <fieldset className="methods" disabled={isPaying}>
        <legend>Pay {price(amountDue)}</legend>
        <label>
          <input type="radio" name="method" checked={method === "Card"} onChange={() => onMethod("Card")} />{" "}
          By card
        </label>
        <label>
          <input
            type="radio"
            name="method"
            checked={method === "Wallet"}
            onChange={() => onMethod("Wallet")}
          />{" "}
          From the wallet
          {available !== undefined && ` (${price(available)})`}
        </label>
      </fieldset>
      {method === "Wallet" && lacking?.greaterThan(0) === true && available !== undefined && (
        <p>
          The wallet pays {price(available)}, and the card the other {price(lacking)}.
        </p>
      )}
      {needsCard && (
        <fieldset disabled={isPaying}>
          <CardFields card={card} refused={failure === null ? {} : cardProblems(failure)} />
        </fieldset>
      )}
      {problem !== undefined && <Notice kind="bad">{problem}</Notice>}
      <button type="submit" className="main" disabled={isPaying}>
        {isPaying ? "Paying …" : `Pay ${price(amountDue)}`}
      </button>
    </form>
  );
}
