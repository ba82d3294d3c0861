import { Decimal } from "decimal.js";

/** Card numbers with a fixed answer: paid, always declined, and paid after a few seconds. Any other valid card is paid. */
export const testCards = {
  approved: "4242424242424242",
  declined: "4000000000000002",
  slow: "4000000000003220",
} as const;

/** The text fields of a payment as they arrived; a missing or non-text field is empty. */
export type PaymentForm = { cardNumber: string; cvv: string; expiry: string; name: string; amount: string };

/** What the gateway says about one field that it does not accept. */
export type FieldError = { field: string; message: string };

const largestAmount = new Decimal("1000000.00");

/** Every field that the gateway refuses, in its words; none when the card may be tried. */
export function listFormErrors(form: PaymentForm, now: Date): FieldError[] {
  return [
    ...complaint("card_number", cardNumberComplaint(form.cardNumber)),
    ...complaint("cvv", /^\d{3,4}$/.test(form.cvv) ? undefined : "CVV must have 3 or 4 digits"),
    ...complaint("expiry", expiryComplaint(form.expiry, now)),
    ...complaint("name", nameComplaint(form.name)),
    ...complaint("amount", findAmountComplaint(form.amount)),
  ];
}

/** Why the gateway does not accept the amount, or undefined: more than 0, at most 1000000.00, at most two decimals. */
export function findAmountComplaint(amount: string): string | undefined {
  if (!/^\d{1,7}(\.\d{1,2})?$/.test(amount)) return "Amount must be a number with at most two decimals";
  const value = new Decimal(amount);
  if (value.isZero()) return "Amount must be more than 0";
  return value.greaterThan(largestAmount) ? `Amount must be at most ${largestAmount.toFixed(2)}` : undefined;
}

function cardNumberComplaint(cardNumber: string): string | undefined {
  if (!/^\d{12,19}$/.test(cardNumber)) return "Card number must have 12 to 19 digits";
  return passesLuhn(cardNumber) ? undefined : "Card number is not valid";
}

function expiryComplaint(expiry: string, now: Date): string | undefined {
  const parts = /^(0[1-9]|1[0-2])\/(\d\d)$/.exec(expiry);
  if (parts === null) return "Expiry must be MM/YY";
  // A card is good until its month has ended everywhere; Date.UTC counts months from 0, so this is the next one.
  const monthEnd = Date.UTC(2000 + Number(parts[2]), Number(parts[1]), 1, 12);
  return now.getTime() < monthEnd ? undefined : "Card has expired";
}

function nameComplaint(name: string): string | undefined {
  if (name.trim() === "") return "Name on card is required";
  return name.length > 100 ? "Name on card must have at most 100 characters" : undefined;
}

function passesLuhn(digits: string): boolean {
  const sum = Array.from(digits)
    .toReversed()
    .reduce((total, digit, index) => {
      const doubled = index % 2 === 1 ? Number(digit) * 2 : Number(digit);
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
  return sum % 10 === 0;
}

function complaint(field: string, message: string | undefined): FieldError[] {
  return message === undefined ? [] : [{ field, message }];
}
