import { SuperJSON } from "superjson";
import { expect, test } from "vitest";
import { givenCustomer, goodCard, tokenOf } from "../../test/given.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { Decimal } from "../contract/index.ts";

const app = await createTestApp();
const token = await tokenOf(app.deps, await givenCustomer(app.deps));

/** As older SDKs and callers without one have it. */
const superjson = new SuperJSON();
superjson.registerCustom<Decimal, string>(
  {
    isApplicable: (value): value is Decimal => Decimal.isDecimal(value),
    serialize: (amount) => amount.toFixed(2),
    deserialize: (text) => new Decimal(text),
  },
  "Decimal",
);

async function call(url: string, body?: string): Promise<unknown> {
  const response = await app.app.request(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", ...headersFor({ token }) },
    ...(body !== undefined && { body }),
  });
  const { result, error } = (await response.json()) as { result?: { data: never }; error?: never };
  return result === undefined ? superjson.deserialize(error!) : superjson.deserialize(result.data);
}

test("a caller with SuperJSON sends amounts and what is undefined, and reads amounts, instants and refusals", async () => {
  const funds = { amount: new Decimal("12.5"), card: goodCard };
  const added = await call("/trpc/wallet.addFunds", superjson.stringify(funds));
  expect(added).toMatchObject({ balance: new Decimal("12.5"), updatedAt: expect.any(Date) as Date });

  const page = encodeURIComponent(superjson.stringify({ cursor: undefined, limit: 1 }));
  const listed = await call(`/trpc/wallet.transactions?input=${page}`);
  expect(listed).toMatchObject({
    items: [{ amount: new Decimal("12.5"), timestamp: expect.any(Date) as Date }],
  });

  const refused = await call(
    "/trpc/wallet.addFunds",
    superjson.stringify({ ...funds, amount: new Set([5]) }),
  );
  expect(refused).toMatchObject({ data: { domain: { code: "VALIDATION_ERROR" } } });
});
