import { z } from "zod";

// As people type and paste it: 4242 4242 4242 4242, or with hyphens.
const cardNumber = z
  .string()
  .overwrite((number) => number.replaceAll(/[\s-]/g, ""))
  .regex(/^\d{12,19}$/, { error: "Card number must have 12 to 19 digits", abort: true })
  .refine(passesLuhn, "Card number is not valid");

/** A payment card; spaces and hyphens in its number are dropped, a month may be `1` or `01`, a year `30` or `2030`. Digits, Luhn sum and form are checked here in the gateway's words, the expiry month by the server's clock. */
export const cardSchema = z.strictObject({
  /** 12 to 19 digits with a right check digit; spaces and hyphens are dropped. */
  number: cardNumber,
  /** The 3 or 4 digits of the card's security code. */
  cvv: z.string().regex(/^\d{3,4}$/, "CVV must have 3 or 4 digits"),
  /** `1` to `12`, or `01` to `12`; the card is good until the end of this month. */
  expiryMonth: z
    .string()
    .regex(/^(0?[1-9]|1[0-2])$/, "Expiry must be MM/YY")
    .overwrite((month) => month.padStart(2, "0")),
  /** `30` or `2030`. */
  expiryYear: z
    .string()
    .regex(/^(20)?\d{2}$/, "Expiry must be MM/YY")
    .overwrite((year) => year.slice(-2)),
  /** The name on the card, 1 to 100 characters. */
  cardholderName: z
    .string()
    .trim()
    .min(1, "Name on card is required")
    .max(100, "Name on card must have at most 100 characters"),
});

/** A card whose form has been checked; whether it is still valid and is charged, the server and the gateway decide. */
export type Card = z.output<typeof cardSchema>;

/** The check digit of ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
