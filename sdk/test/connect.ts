import { testPassword } from "../../server/test/given.ts";
import { testApiKey, type TestApp } from "../../server/test/test-app.ts";
import { createSkyfoxClient, type RouterInputs, type SkyfoxClient } from "../src/index.ts";

/** The SDK in front of a test's server, without a port. */
export function connect(app: TestApp, token?: string): SkyfoxClient {
  return createSkyfoxClient({
    url: "http://skyfox.test",
    apiKey: testApiKey,
    token,
    fetch: async (url, init) => app.app.request(url, init),
  });
}

let signUps = 0;

/** What a new customer fills in at sign-up. */
export function newCustomer(): RouterInputs["auth"]["signup"] {
  signUps += 1;
  return {
    name: "Asha Rao",
    username: `asha-${signUps}`,
    password: testPassword,
    phoneNumber: String(9_800_000_000 + signUps),
    email: `asha-${signUps}@example.com`,
    securityQuestionId: 1,
    securityAnswer: "blue",
  };
}

/** Signs a new customer up and in, and gives the client that acts for them. */
export async function signIn(app: TestApp): Promise<SkyfoxClient> {
  const anyone = connect(app);
  const customer = newCustomer();
  await anyone.auth.signup.mutate(customer);
  const { username, password } = customer;
  const { token } = await anyone.auth.login.mutate({ username, password });
  return connect(app, token);
}

/** The error that a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("The call was expected to fail, and succeeded.");
}
