import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { scripted } from "../test/scripted.ts";
import { Decimal, transformer } from "./index.ts";

/** An object of another realm. */
const foreign = (code: string): unknown => runInNewContext(`(${code})`);

test("an answer is of the page's realm where fetch is another one's, as in Jest and in edge runtimes", async () => {
  const wallet = { balance: new Decimal("10.00"), updatedAt: new Date(0), parts: [{ of: {} }] };
  const { client } = scripted([
    () => {
      const text = JSON.stringify([{ result: { data: transformer.serialize(wallet) } }]);
      const value = () => Promise.resolve(foreign(text));
      return Promise.resolve(
        Object.defineProperty(new Response(text), "json", { value, configurable: true }),
      );
    },
  ]);
  expect(await client.wallet.balance.query()).toStrictEqual(wallet);
});

test("a failure of another realm's fetch says why", async () => {
  const { client } = scripted([() => Promise.reject(foreign('new TypeError("fetch failed")'))], {
    retries: 0,
  });
  expect(await client.show.list.safe()).toMatchObject({
    error: {
      code: "NETWORK",
      message: expect.stringMatching("could not be reached: fetch failed") as string,
    },
  });
});

test("an answer may be a server's own Response, as where Hono runs in the same process", async () => {
  class ServersResponse extends Response {}
  Object.defineProperty(ServersResponse.prototype, "json", {
    value: () => Promise.reject(new Error("unused")),
  });
  const { client } = scripted([
    () => {
      const text = JSON.stringify([{ result: { data: transformer.serialize([]) } }]);
      return Promise.resolve(new ServersResponse(text));
    },
  ]);
  expect(await client.show.list.query()).toEqual([]);
});

test("a fetch may give the same response again, as a mock or a cache does", async () => {
  const text = JSON.stringify([{ result: { data: transformer.serialize([]) } }]);
  const response = Object.defineProperty(new Response(), "text", { value: () => Promise.resolve(text) });
  const { client } = scripted([() => Promise.resolve(response), () => Promise.resolve(response)]);
  expect(await client.show.list.query()).toEqual([]);
  expect(await client.show.list.query()).toEqual([]);
});
