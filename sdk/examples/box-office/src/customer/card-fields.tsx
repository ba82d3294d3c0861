import { cardBrand, parseCard, type ParsedCard } from "@skyfox/sdk/forms";
import { useState } from "react";
import { DemoCards } from "../demo.tsx";
import { Field } from "../ui.tsx";

/** A card as it is being typed. */
export interface CardForm {
  values: Record<"number" | "expiry" | "cvv" | "name", string>;
  set: (values: Partial<CardForm["values"]>) => void;
  /** Reads what was typed; what is wrong with it is marked from then on. */
  read: () => Extract<ParsedCard, { ok: true }>["card"] | undefined;
  problems: Record<string, string>;
}

const empty = { number: "", expiry: "", cvv: "", name: "" };

/** Keeps a card while it is typed: in this component only, and gone with it. */
export function useCardForm(): CardForm {
  const [values, setValues] = useState(empty);
  const [problems, setProblems] = useState<Record<string, string>>({});
  return {
    values,
    problems,
    set(some) {
      setProblems({});
      setValues((before) => ({ ...before, ...some }));
    },
    read() {
      const read = parseCard(values);
      if (read.ok) return read.card;
      setProblems(Object.fromEntries(read.problems.map(({ field, message }) => [field, message])));
      return undefined;
    },
  };
}

/** The fields of a card, named so that the browser fills them. */
export function CardFields({ card, refused }: { card: CardForm; refused: Record<string, string> }) {
  const { values, set } = card;
  const problems = { ...refused, ...card.problems };
  const brand = cardBrand(values.number);
  const field = (name: keyof CardForm["values"]) => ({
    name,
    value: values[name],
    error: problems[name],
    onChange: ({ target }: { target: HTMLInputElement }) => set({ [name]: target.value }),
  });
  return (
    <div className="card-fields">
      <Field
        label={brand === "unknown" ? "Card number" : `Card number (${brand})`}
        inputMode="numeric"
        autoComplete="cc-number"
        {...field("number")}
      />
      <Field
        label="Expiry"
        placeholder="MM / YY"
        inputMode="numeric"
        autoComplete="cc-exp"
        {...field("expiry")}
      />
      <Field label="Security code" inputMode="numeric" autoComplete="cc-csc" {...field("cvv")} />
      <Field label="Name on card" autoComplete="cc-name" {...field("name")} />
      <DemoCards onChoose={set} />
    </div>
  );
}
