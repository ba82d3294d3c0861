import { z } from "zod";
import { Decimal, formatAmount, incomingAmount, outgoingAmount, parseAmount } from "./money.ts";

/** An amount of money in the cinema's currency: a Decimal that fits the wire form. */
export const amountSchema = z
  .custom<Decimal>(
    (value) => hasDigits(value, 10),
    "Expected an amount (Decimal) of at most ten digits and two decimals.",
  )
  .meta({ type: "string", pattern: incomingAmount.source });

/** An amount that is sent: a Decimal, or the same as text such as `100.00`; never a number. It is read as a Decimal. */
export const sentAmountSchema = z
  .custom<Decimal | string>(() => true)
  .meta({ type: "string", pattern: incomingAmount.source })
  .transform((value, context): Decimal => {
    const sent: unknown = value;
    if (hasDigits(sent, 10)) return sent;
    try {
      return parseAmount(sent instanceof Decimal ? formatAmount(sent) : sent);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue(error.message);
      return z.NEVER;
    }
  });

/** A sum of amounts, which is only ever answered: as `amountSchema`, but with up to thirty digits. */
export const sumSchema = z
  .custom<Decimal>((value) => hasDigits(value, 30), "Expected a sum (Decimal) of two decimals.")
  .meta({ type: "string", pattern: outgoingAmount.source });

// Decimal.isDecimal would also take a plain object that says so. The exponent comes before anything that costs; NaN and Infinity have none.
function hasDigits(value: unknown, beforePoint: number): value is Decimal {
  return value instanceof Decimal && value.e < beforePoint && value.decimalPlaces() <= 2;
}
