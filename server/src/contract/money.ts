import { Decimal } from "decimal.js";

/** The class of every amount in inputs and outputs; callers build amounts with this one. */
export { Decimal };

/** The wire form of an amount that comes in: at most ten digits and two decimals, no exponent, no other notation. */
export const incomingAmount = /^-?\d{1,10}(\.\d{1,2})?$/;

/** Reads an amount from text; only the wire form is accepted, so that no huge exponent is ever computed with. Throws a RangeError that says why. */
export function parseAmount(text: unknown): Decimal {
  if (typeof text === "string" && incomingAmount.test(text)) return new Decimal(text);
  throw new RangeError(problemOf(text));
}

/** What is wrong with an amount that does not have the wire form, in a sentence. */
function problemOf(text: unknown): string {
  if (typeof text !== "string") return 'Expected an amount as text, such as "100.00", or as a Decimal.';
  if (/^-?\d{1,10}\.\d{3,}$/.test(text)) return "An amount has at most two decimals.";
  if (/^-?\d{11,}(\.\d+)?$/.test(text)) return "An amount has at most ten digits before the point.";
  return "An amount is written with digits and a point only, such as 100.00.";
}

/** The wire form of an amount that goes out, whose digits before the point have no bound that a cinema could reach. */
export const outgoingAmount = /^-?\d{1,30}\.\d{2}$/;

/** Reads an amount that the server has written: a total may be larger than any amount that comes in. Throws a RangeError for anything else. */
export function parseAnsweredAmount(text: unknown): Decimal {
  if (typeof text !== "string" || !outgoingAmount.test(text)) {
    throw new RangeError("An amount in an answer is text with two decimals.");
  }
  return new Decimal(text);
}

/** The wire form of an amount that goes out: always two decimals. What is no amount is written as it is, to be refused, not rounded. */
export function formatAmount(amount: Decimal): string {
  // The exponent comes before anything that costs, here too.
  return amount.e < 30 && amount.decimalPlaces() <= 2 ? amount.toFixed(2) : amount.toString();
}
