import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { scripted } from "../test/scripted.ts";
import { Decimal, transformer } from "./index.ts";

test("an answer has its Dates and Decimals where fetch is another realm's, as in Jest and in edge runtimes", async () => {
  const wallet = { balance: new Decimal("10.00"), updatedAt: new Date(0) };
  const { client } = scripted([
    () => {
      const text = JSON.stringify([{ result: { data: transformer.serialize(wallet) } }]);
      const json = () => Promise.resolve(runInNewContext(`(${text})`) as unknown);
      return Promise.resolve(Object.assign(new Response(text), { json }));
    },
  ]);
  expect(await client.wallet.balance.query()).toEqual(wallet);
});
