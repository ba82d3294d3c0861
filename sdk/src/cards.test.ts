import { describe, expect, test } from "vitest";
import { cardBrand, parseCard, type CardBrand, type TypedCard } from "./forms.ts";

const typed: TypedCard = { number: "4242424242424242", expiry: "12/30", cvv: "123", name: "Asha Rao" };
const card = {
  number: "4242424242424242",
  cvv: "123",
  expiryMonth: "12",
  expiryYear: "30",
  cardholderName: "Asha Rao",
};

describe("parseCard", () => {
  test.each([
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    " 4242\u00a04242\u20094242\u202f4242\n",
    "4242–4242–4242–4242",
    "４２４２４２４２４２４２４２４２",
    "\u202a4242424242424242\u202c",
  ])("reads the number %j", (number) => {
    expect(parseCard({ ...typed, number })).toEqual({ ok: true, card, brand: "visa" });
  });

  test.each([
    "12/30",
    "12 / 30",
    "12/2030",
    "12 / 2030",
    "1230",
    "122030",
    "12-30",
    "12.30",
    "2030-12",
    " 12/30 ",
  ])("reads the expiry %j", (expiry) => {
    expect(parseCard({ ...typed, expiry })).toMatchObject({ ok: true, card });
  });

  test.each(["4/30", "04/30", "0430", "2030-04", "2030/4"])("reads April of 2030 in %j", (expiry) => {
    expect(parseCard({ ...typed, expiry })).toMatchObject({ card: { expiryMonth: "04", expiryYear: "30" } });
  });

  test.each(["", "13/30", "0/30", "00/30", "12/1930", "12/203", "430", "12", "April 2030", "12/30/31"])(
    "refuses the expiry %j",
    (expiry) => {
      const problems = [{ field: "expiry", message: "Expiry must be MM/YY" }];
      expect(parseCard({ ...typed, expiry })).toEqual({ ok: false, problems, brand: "visa" });
    },
  );

  test("names each field that is wrong once, and the brand all the same", () => {
    const form = { number: "5555 5555 5555 4445", expiry: "?", cvv: "12a", name: " " };
    expect(parseCard(form)).toEqual({
      ok: false,
      brand: "mastercard",
      problems: [
        { field: "number", message: "Card number is not valid" },
        { field: "cvv", message: "CVV must have 3 or 4 digits" },
        { field: "expiry", message: "Expiry must be MM/YY" },
        { field: "name", message: "Name on card is required" },
      ],
    });
  });
});

test.each<[string, CardBrand]>([
  ["4", "visa"],
  ["4111 1111", "visa"],
  ["51", "mastercard"],
  ["2221", "mastercard"],
  ["2720", "mastercard"],
  ["2721", "unknown"],
  ["2220", "unknown"],
  ["34", "amex"],
  ["37", "amex"],
  ["36", "diners"],
  ["3528", "jcb"],
  ["3527", "unknown"],
  ["6011", "discover"],
  ["622126", "discover"],
  ["622125", "unionpay"],
  ["622926", "unionpay"],
  ["650000", "discover"],
  ["652150", "rupay"],
  ["653149", "rupay"],
  ["653150", "discover"],
  ["508500", "rupay"],
  ["606985", "rupay"],
  ["607000", "rupay"],
  ["607984", "rupay"],
  ["607985", "unknown"],
  ["608500", "rupay"],
  ["81", "rupay"],
  ["5018", "maestro"],
  ["", "unknown"],
  ["9", "unknown"],
])("the brand of %j is %s", (number, brand) => {
  expect(cardBrand(number)).toBe(brand);
});
