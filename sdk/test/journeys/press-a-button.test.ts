import { MutationObserver, QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { goodCard } from "../../../server/test/given.ts";
import { createTestApp, testApiKey } from "../../../server/test/test-app.ts";
import { createSkyfoxClient, Decimal } from "../../src/index.ts";
import { createSkyfoxQuery, queryClientDefaults } from "../../src/react-query.ts";
import { connect, newCustomer } from "../connect.ts";

const app = await createTestApp();

test("one press with TanStack's retries adds money once, though two answers are lost", async () => {
  const anyone = connect(app);
  const customer = newCustomer();
  await anyone.auth.signup.mutate(customer);
  const { username, password } = customer;
  const { token } = await anyone.auth.login.mutate({ username, password });
  let requests = 0;
  const client = createSkyfoxClient({
    url: "http://skyfox.test",
    apiKey: testApiKey,
    token,
    retries: 0,
    async fetch(url, init) {
      const response = await app.app.request(url, init);
      requests += 1;
      // The server has done its work; its answer does not arrive.
      if (requests <= 2) throw new TypeError("terminated");
      return response;
    },
  });
  const skyfox = createSkyfoxQuery(client);
  const queryClient = new QueryClient({ defaultOptions: queryClientDefaults });
  const addFunds = new MutationObserver(
    queryClient,
    skyfox.wallet.addFunds.mutationOptions({ retry: 2, retryDelay: 0 }),
  );

  const { balance } = await addFunds.mutate({ amount: new Decimal("10.00"), card: goodCard });

  expect(requests).toBe(3);
  expect(balance).toEqual(new Decimal("10.00"));
  const wallet = await queryClient.fetchQuery(skyfox.wallet.balance.queryOptions());
  expect(wallet.balance).toEqual(new Decimal("10.00"));
});
