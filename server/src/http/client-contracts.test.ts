import { describe, expect, test } from "vitest";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { givenCustomer, tokenOf } from "../../test/given.ts";
import { openPort } from "../../test/open-port.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey, testStart } from "../../test/test-app.ts";
import { contractHash, createClientContracts } from "./client-contracts.ts";
import { createStartingApp } from "./starting-app.ts";

const app = await createTestApp();
const other = "0123456789abcdef";

function meetAll(clients: (string | undefined)[]): object[] {
  const logger = createMemoryLogger();
  const meet = createClientContracts(logger, contractHash);
  for (const client of clients) meet(client);
  return logger.lines;
}

describe("a client of another contract", () => {
  test("is logged once for each of its versions", () => {
    const client = `@skyfox/sdk/0.1.0;contract=${other}`;
    expect(meetAll([client, client, client.replace("0.1.0", "0.2.0"), client])).toMatchObject([
      { level: "warn", client: "@skyfox/sdk/0.1.0", itsContract: other, contract: contractHash },
      { client: "@skyfox/sdk/0.2.0" },
    ]);
  });

  test.each([
    ["of the same contract", `@skyfox/sdk/0.1.0;contract=${contractHash}`],
    ["that says nothing", undefined],
    ["that does not name its contract", "@skyfox/sdk/0.1.0"],
    ["that writes something else", `a b/1;contract=${other}\n`],
    ["whose name is too long", `${"a".repeat(61)}/1;contract=${other}`],
  ])("is not one %s", (_, client) => {
    expect(meetAll([client])).toEqual([]);
  });

  test("fills no log, however many versions a caller makes up", () => {
    const many = Array.from({ length: 1_000 }, (_, version) => `made-up/${version};contract=${other}`);
    expect(meetAll(many)).toHaveLength(100);
  });

  test("is met in a call with a key only", async () => {
    const headers = { "x-skyfox-client": `@skyfox/sdk/9.9.9;contract=${other}` };
    const warned = () => app.logger.lines.filter((line) => line["client"] === "@skyfox/sdk/9.9.9");
    await app.app.request("/trpc/auth.securityQuestions", { headers });
    await app.app.request("/health", { headers });
    expect(warned()).toEqual([]);
    for (let call = 0; call < 2; call += 1)
      await app.app.request("/trpc/auth.securityQuestions", { headers: { ...headersFor(), ...headers } });
    expect(warned()).toHaveLength(1);
  });
});

describe("every answer", () => {
  const atTestStart = [String(testStart.getTime()), contractHash];
  const said = ({ headers }: Response) => [headers.get("date-ms"), headers.get("x-skyfox-contract")];

  test.each(["/health", "/trpc/auth.securityQuestions", "/trpc/auth.none", "/nowhere", "/.env"])(
    "of %s has the server's time and the contract",
    async (path) => {
      expect(said(await app.app.request(path, { headers: headersFor() }))).toEqual(atTestStart);
    },
  );

  test("has the time of this moment, also one that says that nothing has changed", async () => {
    const token = await tokenOf(app.deps, await givenCustomer(app.deps));
    const ask = (headers: Record<string, string> = {}) =>
      app.app.request("/trpc/show.list", { headers: headersFor({ token, headers }) });
    const first = await ask();
    expect(said(first)).toEqual(atTestStart);
    app.clock.advance(1_234);
    const again = await ask({ "if-none-match": first.headers.get("etag") ?? "" });
    expect([again.status, ...said(again)]).toEqual([304, String(testStart.getTime() + 1_234), contractHash]);
    app.clock.set(testStart);
  });

  test("over a port, also the refusal of a call without a key", async () => {
    const port = await openPort(app);
    const refused = await fetch(`http://127.0.0.1:${port}/trpc/auth.me`);
    expect([refused.status, ...said(refused)]).toEqual([403, ...atTestStart]);
  });

  test("of a server that still starts has the contract, and no time, which is not known yet", async () => {
    const options = {
      apiKeys: [{ name: "tests", key: testApiKey }],
      corsOrigins: undefined,
      trustedProxies: 0,
    };
    const logger = createMemoryLogger();
    const port = await openPort({ app: createStartingApp(logger, options), logger });
    for (const path of ["/health", "/trpc/auth.me"])
      expect(said(await fetch(`http://127.0.0.1:${port}${path}`, { headers: headersFor() }))).toEqual([
        null,
        contractHash,
      ]);
  });
});
