import { Decimal } from "decimal.js";
import { z } from "zod";

export { Decimal };

/** The wire form of an amount that comes in: at most ten digits and two decimals, no exponent, no other notation. */
const incomingAmount = /^-?\d{1,10}(\.\d{1,2})?$/;

/** Reads an amount from text; only the wire form is accepted, so that no huge exponent is ever computed with. */
export function parseAmount(text: string): Decimal {
  if (!incomingAmount.test(text)) throw new RangeError("An amount has at most ten digits and two decimals.");
  return new Decimal(text);
}

/** The wire form of an amount that goes out: always two decimals. */
export function formatAmount(amount: Decimal): string {
  return amount.toFixed(2);
}

/** An amount of money in the cinema's currency. */
export const amountSchema = z
  .custom<Decimal>((value) => Decimal.isDecimal(value), "Expected an amount (Decimal).")
  .meta({ type: "string", pattern: incomingAmount.source });
