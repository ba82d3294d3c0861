import { startChildServer, type ChildServer } from "./child-server.ts";
import { testGatewayKey, testJwtSecret, type TestApp } from "./test-app.ts";

/** The key that callers of `startServerOf` have. */
export const drillApiKey = "key-of-the-drills";

/** Starts a server on the database and with the gateway of a test's own, which knows the tokens that the test makes; `settings` come on top. */
export async function startServerOf(
  { databaseUrl, gateway }: Pick<TestApp, "databaseUrl" | "gateway">,
  whenOver: (end: () => void) => void,
  settings: Record<string, string> = {},
): Promise<ChildServer> {
  const environment = {
    DATABASE_URL: databaseUrl,
    API_GATEWAY_KEY: drillApiKey,
    JWT_SECRET_KEY: testJwtSecret,
    PAYMENT_GATEWAY_URL: gateway.url,
    PAYMENT_GATEWAY_API_KEY: testGatewayKey,
    METRICS_PORT: "0",
    ...settings,
  };
  return await startChildServer(environment, whenOver);
}
