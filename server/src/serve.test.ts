import { generateKeyPairSync, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertAccount, insertStaff, inTransaction, openDatabase } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryLogger } from "../test/memory-logger.ts";
import { testStart, testTicketKeys } from "../test/test-app.ts";
import { createPasswordHasher } from "./auth/passwords.ts";
import { readConfig } from "./config.ts";
import { serve } from "./serve.ts";

const gateway = { PAYMENT_GATEWAY_URL: "http://127.0.0.1:1", PAYMENT_GATEWAY_API_KEY: "not used here" };
const production = {
  APP_ENV: "production",
  DATABASE_URL: "postgres://127.0.0.1/the-test-has-its-own",
  JWT_SECRET_KEY: randomBytes(32).toString("base64"),
  API_GATEWAY_KEY: randomBytes(32).toString("base64"),
  TICKET_SIGNING_KEY: generateKeyPairSync("ed25519")
    .privateKey.export({ format: "der", type: "pkcs8" })
    .toString("base64"),
  ...gateway,
};

async function startServer(environment: Record<string, string>, database = createTestDatabase()) {
  const logger = createMemoryLogger();
  const config = {
    ...readConfig({ PORT: "0", ...environment }),
    databaseUrl: (await database).url,
    paymentGateway: { url: gateway.PAYMENT_GATEWAY_URL, apiKey: gateway.PAYMENT_GATEWAY_API_KEY },
    ticketSigningKeys: testTicketKeys,
    imageFolder: join(tmpdir(), "skyfox-without-pictures"),
  };
  const server = await serve(config, logger);
  onTestFinished(() => server.close());
  return { server, lines: logger.lines };
}

describe("accounts with published passwords", () => {
  async function givenDatabase() {
    const database = await createTestDatabase();
    const db = openDatabase(database.url, { maxConnections: 1 });
    const passwordHash = await createPasswordHasher().hash("foobar");
    for (const username of ["seed-user-1", "staff-1"]) {
      const role = username === "staff-1" ? "staff" : "admin";
      await inTransaction(db, async (tx) => {
        await insertAccount(tx, { username, role, passwordHash, createdAt: testStart });
        await insertStaff(tx, { username, name: "Staff One", counterNo: null });
      });
    }
    await db.destroy();
    return database;
  }
  const linesOn = (lines: Record<string, unknown>[], username: string) =>
    lines.filter((line) => JSON.stringify(line).includes(username));

  test("are one warning of a start in production, with what to do and without the passwords", async () => {
    const { lines } = await startServer(production, givenDatabase());
    expect(linesOn(lines, "seed-user-1")).toEqual([
      expect.objectContaining({
        level: "warn",
        msg: "These accounts have published passwords and cannot log in until they are changed.",
        accounts: [
          {
            username: "seed-user-1",
            changedBy: "ADMIN_PASSWORD=… npm run admin:create -- --reset --username seed-user-1",
          },
          { username: "staff-1", changedBy: "admin.updateStaff" },
        ],
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain("foobar");
  });

  test("are a warning too where they are taken on", async () => {
    const taken = { ...production, ALLOW_INSECURE: "published-passwords" };
    const { lines } = await startServer(taken, givenDatabase());
    const [line, ...others] = linesOn(lines, "seed-user-1");
    expect(line?.["msg"]).toMatch(/anyone can log in to them\. Change them\.$/);
    expect(others).toEqual([]);
  });

  test("are nothing to warn of where there are none, and in development", async () => {
    const { lines } = await startServer(production);
    expect(lines.filter(({ msg }) => String(msg).includes("published"))).toEqual([]);
    const development = await startServer({}, givenDatabase());
    expect(linesOn(development.lines, "seed-user-1")).toEqual([]);
  });
});

describe("the server listens", () => {
  // Other systems than Linux have only the first address of the loopback network.
  test.runIf(process.platform === "linux")("where HOST and METRICS_HOST say, and nowhere else", async () => {
    const hosts = { HOST: "127.0.0.2", METRICS_HOST: "127.0.0.3", METRICS_PORT: "0" };
    const { server } = await startServer(hosts);
    const { hostname, port } = new URL(server.url);
    const metricsUrl = new URL(server.metricsUrl ?? "");
    expect([hostname, metricsUrl.hostname]).toEqual(["127.0.0.2", "127.0.0.3"]);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await fetch(metricsUrl)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${metricsUrl.port}/metrics`)).rejects.toThrow();
  });

  test.runIf(process.platform === "linux")(
    "on this machine only in development, everywhere in production",
    async () => {
      const askElsewhere = ({ url }: { url: string }) =>
        fetch(`http://127.0.0.2:${new URL(url).port}/health`);
      const { server: development } = await startServer({});
      expect((await fetch(`${development.url}/health`)).status).toBe(200);
      await expect(askElsewhere(development)).rejects.toThrow();
      const { server: everywhere } = await startServer(production);
      expect((await askElsewhere(everywhere)).status).toBe(200);
      for (const { url } of [development, everywhere]) expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    },
  );
});
