import { z } from "zod";
import { Decimal, incomingAmount, outgoingAmount } from "./money.ts";

/** An amount of money in the cinema's currency: a Decimal that fits the wire form. */
export const amountSchema = z
  .custom<Decimal>(
    (value) => hasDigits(value, 10),
    "Expected an amount (Decimal) of at most ten digits and two decimals.",
  )
  .meta({ type: "string", pattern: incomingAmount.source });

/** A sum of amounts, which is only ever answered: as `amountSchema`, but with up to thirty digits. */
export const sumSchema = z
  .custom<Decimal>((value) => hasDigits(value, 30), "Expected a sum (Decimal) of two decimals.")
  .meta({ type: "string", pattern: outgoingAmount.source });

// Decimal.isDecimal would also take a plain object that says so. The exponent comes before anything that costs; NaN and Infinity have none.
function hasDigits(value: unknown, beforePoint: number): boolean {
  return value instanceof Decimal && value.e < beforePoint && value.decimalPlaces() <= 2;
}
