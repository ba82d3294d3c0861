import { afterEach, expect, test, vi } from "vitest";
import { connectClient, type SkyfoxClientOptions } from "./client.ts";
import { realTiming } from "./retries.ts";

const build = { version: "1.2.3", contract: "0123456789abcdef" };

afterEach(() => vi.restoreAllMocks());

function connected(contract: string | null, own: typeof build | undefined) {
  const sent: (string | null)[] = [];
  const options: SkyfoxClientOptions = {
    url: "http://cinema.test",
    apiKey: "key",
    fetch(_url, init) {
      sent.push(new Headers(init.headers).get("x-skyfox-client"));
      const headers: Record<string, string> = contract === null ? {} : { "x-skyfox-contract": contract };
      return Promise.resolve(Response.json({ result: { data: { json: null } } }, { headers }));
    },
  };
  return { client: connectClient(options, realTiming, {}, own), sent };
}

test("a built client says what it is with each request, and one that runs from its sources does not", async () => {
  const built = connected(build.contract, build);
  await built.client.auth.logout.mutate();
  await built.client.tickets.keys.safe();
  expect(built.sent).toEqual(Array(2).fill("@skyfox/sdk/1.2.3;contract=0123456789abcdef"));
  const raw = connected(build.contract, undefined);
  await raw.client.auth.logout.mutate();
  expect(raw.sent).toEqual([null]);
});

test("a server of another contract is said once, by its host", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  const { client } = connected("fedcba9876543210", build);
  await client.auth.logout.mutate();
  await client.auth.logout.mutate();
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]?.[0]).toContain(
    "1.2.3 was built for another version of the server at cinema.test",
  );
});

test.each([
  ["the same contract", build.contract, build],
  ["no contract, such as a proxy's page,", null, build],
  ["any contract to a client that runs from its sources", "fedcba9876543210", undefined],
])("an answer with %s warns of nothing", async (_, contract, own) => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  await connected(contract, own).client.auth.logout.mutate();
  expect(warn).not.toHaveBeenCalled();
});
