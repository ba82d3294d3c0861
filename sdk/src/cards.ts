import { cardSchema, type Card } from "@skyfox/server/contract";

/** What a page's form or the browser's autofill has of a card, each as typed. */
export interface TypedCard {
  /** With or without spaces and hyphens. */
  number: string;
  /** `4/30`, `04/30`, `04 / 2030`, `0430`, `2030-04`. */
  expiry: string;
  /** The 3 or 4 digits of the security code. */
  cvv: string;
  /** As it stands on the card. */
  name: string;
}

/** Whose card it is by its first digits (ISO/IEC 7812); `unknown` also while there are too few of them. */
export type CardBrand =
  | "visa"
  | "mastercard"
  | "amex"
  | "rupay"
  | "discover"
  | "diners"
  | "jcb"
  | "unionpay"
  | "maestro"
  | "unknown";

/** A field of the form and what is wrong with it, in a sentence. */
export interface CardProblem {
  field: keyof TypedCard;
  /** A sentence for the person who types. */
  message: string;
}

/** The card as `booking.pay` and `wallet.addFunds` take it, or what is wrong with the form; the brand in both cases. */
export type ParsedCard =
  | { ok: true; card: Card; brand: CardBrand }
  | { ok: false; problems: CardProblem[]; brand: CardBrand };

const formField: Record<string, keyof TypedCard> = {
  number: "number",
  cvv: "cvv",
  expiryMonth: "expiry",
  expiryYear: "expiry",
  cardholderName: "name",
};

/**
 * Reads a card as people type it and as autofill writes it. Checks the form of each field, the card number's check digit too, but not the date:
 * whether the card has expired, the server decides by its clock. Never throws; each field has one problem at most.
 */
export function parseCard({ number, expiry, cvv, name }: TypedCard): ParsedCard {
  const digits = plainText(number).replaceAll(/[\s-]/gu, "");
  const brand = cardBrand(digits);
  const [expiryMonth, expiryYear] = readExpiry(plainText(expiry)) ?? ["", ""];
  const read = { number: digits, cvv: plainText(cvv), expiryMonth, expiryYear, cardholderName: name };
  const checked = cardSchema.safeParse(read);
  if (checked.success) return { ok: true, card: checked.data, brand };
  const problems = new Map<keyof TypedCard, string>();
  for (const { path, message } of checked.error.issues) {
    const field = formField[String(path[0])];
    if (field !== undefined && !problems.has(field)) problems.set(field, message);
  }
  return { ok: false, problems: Array.from(problems, ([field, message]) => ({ field, message })), brand };
}

// Full-width digits become plain ones, every dash a hyphen; marks of writing direction, which copied numbers have, go.
function plainText(typed: string): string {
  return typed
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .replaceAll(/\p{Pd}/gu, "-")
    .trim();
}

// The month in two digits and the last two of the year; undefined for what is no expiry of this century.
function readExpiry(text: string): [month: string, year: string] | undefined {
  const compact = text.replaceAll(/\s/gu, "");
  const yearFirst = /^20(?<year>\d{2})[-/](?<month>\d{1,2})$/.exec(compact);
  const monthFirst = /^(?<month>\d{1,2})[-/.](?:20)?(?<year>\d{2})$/.exec(compact);
  const unbroken = /^(?<month>\d{2})(?:20)?(?<year>\d{2})$/.exec(compact);
  const { month, year } = (yearFirst ?? monthFirst ?? unbroken)?.groups ?? {};
  return month === undefined || year === undefined ? undefined : [month.padStart(2, "0"), year];
}

// The first that fits counts: RuPay's ranges lie within those of Discover and Maestro, UnionPay's around one of Discover.
const brands: [CardBrand, RegExp][] = [
  ["visa", /^4/],
  ["mastercard", /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/],
  ["amex", /^3[47]/],
  ["diners", /^3(?:0[0-5]|[68])/],
  ["jcb", /^35(?:2[89]|[3-8])/],
  [
    "rupay",
    /^(?:508[5-9]|60(?:698[5-9]|699|7[0-8]|79[0-7]|798[0-4]|8[0-4]|8500)|65(?:2(?:1[5-9]|[2-9])|30|31[0-4])|81|82)/,
  ],
  ["discover", /^(?:6011|64[4-9]|65|622(?:12[6-9]|1[3-9]|[2-8]|9[01]|92[0-5]))/],
  ["unionpay", /^62/],
  ["maestro", /^(?:5018|5020|5038|5[68]|6304|6759|676[1-3])/],
];

/** The brand by the digits that are there, for a picture beside the field while it is being filled. */
export function cardBrand(number: string): CardBrand {
  const digits = plainText(number).replaceAll(/[\s-]/gu, "");
  return brands.find(([, begins]) => begins.test(digits))?.[0] ?? "unknown";
}
