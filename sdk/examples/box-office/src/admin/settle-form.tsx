import type { Failure, PaymentOutcome } from "@skyfox/sdk";
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api } from "../client.ts";
import { Field, Notice, Select, textsOf } from "../ui.tsx";
import { fieldsOf, say } from "../words.ts";
import { outcomeWords } from "./outcome-words.ts";

// What the bank's own books can say, in the words of the form.
const books = {
  charged: "The card was charged",
  notCharged: "The card was not charged",
  refunded: "The money was given back",
};

type Books = keyof typeof books;

interface SettleFormProps {
  paymentId: number;
  onSettled: (outcome: PaymentOutcome) => void;
}

/** Records what the bank's own books say of a payment in doubt, or of a refund that it has not told of. */
export function SettleForm({ paymentId, onSettled }: SettleFormProps) {
  const [found, setFound] = useState<Books>("charged");
  const onSuccess = ({ outcome }: { outcome: PaymentOutcome }) => onSettled(outcome);
  const settlePayment = useMutation(api.admin.settlePayment.mutationOptions({ onSuccess }));
  const settleRefund = useMutation(api.admin.settleRefund.mutationOptions({ onSuccess }));
  const { error, isPending } = found === "refunded" ? settleRefund : settlePayment;
  const errors = error === null ? {} : fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { reference = "", reason = "" } = textsOf(event.currentTarget);
    if (found === "refunded") settleRefund.mutate({ paymentId, reference, reason });
    else settlePayment.mutate({ paymentId, outcome: found, reason, ...(reference !== "" && { reference }) });
  }

  return (
    <form className="narrow" onSubmit={submit} noValidate>
      <p>Look it up in the bank's own books first. Your name is kept with what you say here.</p>
      <Select label="The books say" value={found} onChange={({ target }) => setFound(target.value as Books)}>
        {Object.entries(books).map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </Select>
      {found !== "notCharged" && (
        <Field
          label="Reference in the books"
          name="reference"
          autoComplete="off"
          hint={
            found === "charged"
              ? "What the charge is called there; left out, it is our own key"
              : "What the refund is called there"
          }
          error={errors["reference"]}
        />
      )}
      <Field label="How you know" name="reason" autoComplete="off" error={errors["reason"]} />
      {error !== null && Object.keys(errors).length === 0 && (
        <Notice kind="bad">{saySettleFailure(error)}</Notice>
      )}
      <button type="submit" className="main" disabled={isPending}>
        Settle
      </button>
    </form>
  );
}

function saySettleFailure(failure: Failure<"admin.settlePayment"> | Failure<"admin.settleRefund">): string {
  switch (failure.code) {
    case "PAYMENT_NOT_IN_DOUBT":
      return failure.details.outcome === "unknown"
        ? "No refund is owed. What is in doubt is the charge."
        : `It is settled already. ${outcomeWords[failure.details.outcome]}`;
    case "PAYMENT_IN_PROGRESS":
      return "The bank may still be at it. Try again in twenty seconds.";
    case "PAYMENT_NOT_FOUND":
      return failure.message;
    default:
      return say(failure);
  }
}
