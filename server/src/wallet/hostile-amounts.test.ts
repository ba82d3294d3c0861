import { describe, expect, test } from "vitest";
import { givenCustomer, goodCard, tokenOf } from "../../test/given.ts";
import { headersFor, send } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";

const app = await createTestApp();
const customer = await givenCustomer(app.deps);
const token = await tokenOf(app.deps, customer);
const asDecimal = { values: { amount: [["custom", "Decimal"]] } };

/** Sends what a client of one's own might, around the SDK's types; answers how long it took beside the refusal. */
async function addFunds(amount: unknown, meta: object | undefined) {
  const startedAt = performance.now();
  const { status, error } = await send(app, "/trpc/wallet.addFunds", {
    method: "POST",
    headers: { "content-type": "application/json", ...headersFor({ token }) },
    body: JSON.stringify({ json: { amount, card: goodCard }, meta }),
  });
  const code = error?.data.domain?.code;
  const fields = code === "VALIDATION_ERROR" ? error?.data.fields?.map(({ field }) => field) : undefined;
  return { status, code, fields, isQuick: performance.now() - startedAt < 1_000 };
}

const texts = [
  "NaN",
  "Infinity",
  "-Infinity",
  "1e300000000",
  "-1e300000000",
  "1e-300000000",
  "1e3",
  "0x10",
  "0b11",
  "1_000",
  "1,000",
  "١٢",
  "１２",
  "",
  " 5",
  "0.005",
  "-100.123",
  "10000000000",
  "9".repeat(1_000),
];
const values = [5, 0.1, 1e21, 2 ** 53 + 2, true, null, ["5"], { s: 1, e: 0, d: [5] }];

describe("P15: an amount that is none is refused at once, and costs nothing", () => {
  const refused = { status: 400, code: "VALIDATION_ERROR", fields: ["amount"], isQuick: true };
  const refusedBy = (code: string) => ({ ...refused, code, fields: undefined });

  test.each(texts)("%.20s as a Decimal", async (text) => {
    expect(await addFunds(text, asDecimal)).toEqual(refused);
  });

  test.each(texts)("%.20s as plain text", async (text) => {
    expect(await addFunds(text, undefined)).toEqual(refused);
  });

  test.each([asDecimal, undefined])(
    "text of 50,000 digits, before any field is looked at (%j)",
    async (meta) => {
      expect(await addFunds("9".repeat(50_000), meta)).toEqual({ ...refused, fields: [""] });
    },
  );

  test.each(values)("%j as a Decimal", async (value) => {
    expect(await addFunds(value, asDecimal)).toEqual(refused);
  });

  test.each(values)("%j as it is", async (value) => {
    expect(await addFunds(value, undefined)).toEqual(refused);
  });

  test.each(["number", "bigint", "set"])("5 as SuperJSON's %s", async (type) => {
    expect(await addFunds("5", { values: { amount: [type] } })).toEqual({ ...refused, fields: [""] });
  });

  test.each(["0", "-0", "-0.01", "-5"])("%s, which is not more than nothing", async (text) => {
    for (const meta of [asDecimal, undefined])
      expect(await addFunds(text, meta)).toEqual(refusedBy("INVALID_AMOUNT"));
  });

  test.each(["10000.01", "9999999999.99"])("%s, which is too much", async (text) => {
    for (const meta of [asDecimal, undefined])
      expect(await addFunds(text, meta)).toEqual(refusedBy("AMOUNT_TOO_LARGE"));
  });

  test("of all that nothing reaches the gateway or the books", async () => {
    await addFunds("NaN", asDecimal);
    expect(app.gateway.calls()).toEqual([]);
    expect(await app.sql.query("select id from payment_transaction")).toEqual([]);
    expect(await addFunds("0.01", asDecimal)).toMatchObject({ status: 200 });
    expect(await addFunds("0.02", undefined)).toMatchObject({ status: 200 });
    expect(app.gateway.books().charges).toMatchObject([{ amount: "0.01" }, { amount: "0.02" }]);
  });
});
