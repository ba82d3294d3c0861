import { describe, expect, test } from "vitest";
import { describe as describeContract, findGaps } from "./descriptions.ts";
import type { ContractTexts } from "./read-contract.ts";

const given = {
  schemas: {
    bookingSchema: {
      type: "object",
      text: "A booking.",
      fields: [
        { path: "refund", type: "object | null", isOptional: false, text: "What was given back." },
        { path: "refund.at", type: "Date", isOptional: false, text: "When." },
      ],
    },
  },
  procedures: [
    {
      path: "booking.byId",
      kind: "query",
      text: "One booking.",
      input: "bookingIdInput",
      output: "bookingSchema",
      isList: false,
    },
  ],
  codes: {
    BOOKING_NOT_FOUND: { text: "There is none.", details: "null" },
    SEATS_UNAVAILABLE: { text: "Taken.", details: "{ seatNumbers: string[]; }" },
  },
} satisfies ContractTexts;

describe("the texts of the contract", () => {
  test("stand by the names of schemas, procedures and codes", () => {
    expect(describeContract(given)).toEqual({
      procedures: { "booking.byId": "One booking." },
      schemas: { "booking.byId": { input: "bookingIdInput", output: "bookingSchema" } },
      fields: { bookingSchema: { "": "A booking.", refund: "What was given back.", "refund.at": "When." } },
      codes: { BOOKING_NOT_FOUND: "There is none.", SEATS_UNAVAILABLE: "Taken." },
    });
  });

  test("have no gaps when everything has a sentence", () => {
    expect(findGaps(given)).toEqual([]);
  });

  test("name each field, schema, procedure and code without a sentence", () => {
    const [refund, at] = given.schemas.bookingSchema.fields;
    const silent = {
      schemas: {
        bookingSchema: { ...given.schemas.bookingSchema, text: "", fields: [refund!, { ...at!, text: "" }] },
      },
      procedures: [{ ...given.procedures[0]!, text: "" }],
      codes: { BOOKING_NOT_FOUND: { text: "", details: "null" } },
    };
    expect(findGaps(silent)).toEqual([
      "no JSDoc: the procedure booking.byId",
      "no JSDoc: bookingSchema",
      "no JSDoc: bookingSchema: refund.at",
      "no JSDoc: the code BOOKING_NOT_FOUND",
    ]);
  });

  test("name no code that the procedure cannot answer", () => {
    const text =
      "`BOOKING_NOT_FOUND` for another's, `SEATS_UNAVAILABLE` for taken seats, `WRONG_SHOW` is no code.";
    expect(findGaps({ ...given, procedures: [{ ...given.procedures[0]!, text }] })).toEqual([
      "the text of booking.byId names SEATS_UNAVAILABLE, which it does not list",
    ]);
  });
});
