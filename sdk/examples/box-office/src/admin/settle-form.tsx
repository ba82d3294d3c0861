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
  const [found, setFound] = useState<Books>();
  const [hasNoChoice, setHasNoChoice] = useState(false);
  const onSuccess = ({ outcome }: { outcome: PaymentOutcome }) => onSettled(outcome);
  const settlePayment = useMutation(api.admin.settlePayment.mutationOptions({ onSuccess }));
  const settleRefund = useMutation(api.admin.settleRefund.mutationOptions({ onSuccess }));
  const { error, isPending } = found === "refunded" ? settleRefund : settlePayment;
  const errors = error === null ? {} : fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    setHasNoChoice(found === undefined);
    if (found === undefined) return;
    const { reference = "", reason = "" } = textsOf(event.currentTarget);
    if (found === "refunded") settleRefund.mutate({ paymentId, reference, reason });
    else settlePayment.mutate({ paymentId, outcome: found, reason, ...(reference !== "" && { reference }) });
  }

  return (
    <form className="narrow" onSubmit={submit} noValidate>
      <p>Look it up in the bank's own books first. Your name is kept with what you say here.</p>
      <Select
        label="The books say"
        value={found ?? ""}
        onChange={({ target }) => setFound(target.value as Books)}
        error={hasNoChoice && found === undefined ? "Choose what the books say." : undefined}
      >
        <option value="" disabled>
          Choose
        </option>
        {Object.entries(books).map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </Select>
      {(found === "charged" || found === "refunded") && (
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
        <Notice kind="bad">{saySettleFailure(error, found)}</Notice>
      )}
      <button type="submit" className="main" disabled={isPending}>
        Settle
      </button>
    </form>
  );
}

function saySettleFailure(
  failure: Failure<"admin.settlePayment"> | Failure<"admin.settleRefund">,
  found: Books | undefined,
): string {
  switch (failure.code) {
    case "PAYMENT_NOT_IN_DOUBT":
      return sayNotInDoubt(failure.details.outcome, found);
    case "PAYMENT_IN_PROGRESS":
      return "The bank may still be at it. Try again in twenty seconds.";
    case "PAYMENT_NOT_FOUND":
      return failure.message;
    default:
      return say(failure);
  }
}

function sayNotInDoubt(outcome: PaymentOutcome, found: Books | undefined): string {
  if (outcome === "unknown") return "No refund is owed. What is in doubt is the charge.";
  if (outcome === "completed" && found !== "refunded")
    return `The charge is settled. If it is still in the list, its refund is in doubt: choose “${books.refunded}”.`;
  return `It is settled already. ${outcomeWords[outcome]}`;
}
