import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { connectOnce } from "@skyfox/db";
import { createEmptyDatabase, createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient } from "@skyfox/sdk";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { developmentApiKey } from "../server/src/config.ts";
import { startMovieService } from "./sandbox/movie-service.ts";
import { demoPassword } from "./seed.ts";
import { isPortOpen, listDemoShows, logIn, startServer } from "./test/running-server.ts";
import { runBelowShell, runScript } from "./test/run-script.ts";
import { makeStateDirectory } from "./test/state-directory.ts";

// Each test starts several processes, one after the other.
vi.setConfig({ testTimeout: 60_000 });

const ticketKey = generateKeyPairSync("ed25519")
  .privateKey.export({ format: "der", type: "pkcs8" })
  .toString("base64");

const jwtSecret = randomBytes(32).toString("base64");
const apiKey = randomBytes(32).toString("base64");

const production = {
  APP_ENV: "production",
  PORT: "0",
  JWT_SECRET_KEY: jwtSecret,
  TICKET_SIGNING_KEY: ticketKey,
  API_GATEWAY_KEY: `shop:${apiKey}`,
  PAYMENT_GATEWAY_URL: "http://127.0.0.1:9",
  PAYMENT_GATEWAY_API_KEY: "gateway-key-of-the-tests",
};

describe("npm start", () => {
  test("serves the demo cinema, stops without a trace, and starts again with what was there", async () => {
    const state = await makeStateDirectory();
    const first = await startServer({ SKYFOX_STATE_DIRECTORY: state.path });
    expect(first.output()).toContain('"newShows":84');
    expect(first.output()).toContain(`API key        ${developmentApiKey}`);
    expect(first.output()).toMatch(/seed-user-1 \(admin\).*staff-1 \(staff\); password foobar/);
    expect(first.output()).toContain("customer.one (customer, 1000.00 in the wallet); password Seven-Seas-7");
    expect(first.output()).toContain("npm run demo");
    expect(first.output()).toContain(`Box office     ${first.url} in a browser`);
    const page = await fetch(first.url);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const assets = Array.from(
      (await page.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g),
      ([, path]) => path,
    );
    expect(new Set(assets.map((path) => path?.split(".").at(-1)))).toEqual(new Set(["css", "js", "svg"]));
    for (const path of assets) expect((await fetch(`${first.url}${path}`)).status).toBe(200);
    for (const path of ["health", "ready"]) expect((await fetch(`${first.url}/${path}`)).status).toBe(200);
    expect(await listDemoShows(first.url)).toHaveLength(84);
    await logIn(first.url, "customer.one", "Seven-Seas-7");
    const username = await signUp(first.url);
    expect(await state.findPostgres()).toBeDefined();

    first.signal("SIGTERM");
    expect(await first.ended).toBe(0);
    expect(await state.findPostgres()).toBeUndefined();
    expect(await isPortOpen(first.url)).toBe(false);

    const second = await startServer({ SKYFOX_STATE_DIRECTORY: state.path });
    expect(second.output()).not.toMatch(/newShows|was migrated/);
    expect(await listDemoShows(second.url)).toHaveLength(84);
    await logIn(second.url, username, customerPassword);

    second.signal("SIGINT");
    expect(await second.ended).toBe(0);
    expect(await state.findPostgres()).toBeUndefined();
    expect(await isPortOpen(second.url)).toBe(false);
  });

  test("keeps an API key of its own from browsers: the box office is not served with it", async () => {
    const { url: databaseUrl } = await createTestDatabase();
    const server = await startServer({ DATABASE_URL: databaseUrl, API_GATEWAY_KEY: `shop:${apiKey}` });
    expect(server.output()).not.toContain("Box office");
    expect((await fetch(server.url)).status).toBe(403);
    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  // npm passes a Ctrl-C on that the terminal has sent already.
  test("can be stopped while it still starts, also by a Ctrl-C that arrives twice", async () => {
    const { url } = await createEmptyDatabase();
    const sql = await connectOnce(url);
    await sql.query("select pg_advisory_lock(hashtextextended('skyfox.migrations', 0))");
    const server = runScript("start.ts", { DATABASE_URL: url, PORT: "0" });
    await vi.waitUntil(async () => (await sql.query(waitingForLock)).length > 0, { timeout: 20_000 });
    server.signal("SIGINT");
    await server.says(/Stopping/);
    server.signal("SIGINT");
    await sql.end();
    expect(await server.ended).toBe(0);
    expect(server.output()).not.toContain("ready at");
  });

  test("stops when the shell that npm put above it ends without passing the signal on", async () => {
    const server = runBelowShell("start.ts", {
      DATABASE_URL: (await createTestDatabase()).url,
      PORT: "0",
    });
    const [, url = ""] = await server.says(/ready at (\S+)/);
    server.signal("SIGTERM");
    await server.says(/SkyFox has stopped\./);
    await server.ended;
    expect(await isPortOpen(url)).toBe(false);
  });

  test("comes up twice on one empty database at the same time, and seeds it once", async () => {
    const { url } = await createEmptyDatabase();
    const servers = await Promise.all([
      startServer({ DATABASE_URL: url }),
      startServer({ DATABASE_URL: url }),
    ]);
    for (const server of servers) {
      expect(await listDemoShows(server.url)).toHaveLength(84);
      await logIn(server.url, "seed-user-1", demoPassword);
    }
    const sql = await connectOnce(url);
    expect(await sql.query("select count(*) as count from show")).toEqual([{ count: 84 }]);
    expect(await sql.query("select count(*) as count from stafftable")).toEqual([{ count: 3 }]);
    await sql.end();
    for (const server of servers) server.signal("SIGTERM");
    expect(await Promise.all(servers.map(({ ended }) => ended))).toEqual([0, 0]);
  });

  test("serves without a movie service that is down, warns, and adds the demo shows when it is back", async () => {
    const films = await startMovieService({ apiKey: "films" });
    onTestFinished(films.stop);
    films.breakDown("unavailable");
    const { url: databaseUrl } = await createTestDatabase();
    const settings = {
      DATABASE_URL: databaseUrl,
      MOVIE_SERVICE_URL: films.url,
      MOVIE_SERVICE_API_KEY: "films",
    };
    const stopped = await startServer(settings);
    stopped.signal("SIGTERM");
    expect(await stopped.ended).toBe(0);

    const server = await startServer(settings);
    expect(server.output()).toMatch(/"reason":"it answered 503",.*The movie service gives no films\./);
    await logIn(server.url, "seed-user-1", demoPassword);
    films.mend();
    await server.says(/"newShows":84,.*Demo shows were added\./);
    expect(await listDemoShows(server.url)).toHaveLength(84);
    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test("says what to do when its port is in use", async () => {
    const port = await occupyPort();
    const failed = runScript("start.ts", {
      DATABASE_URL: (await createTestDatabase()).url,
      PORT: String(port),
    });
    expect(await failed.ended).toBe(1);
    expect(failed.output()).toMatch(
      new RegExp(`^Port ${port} is in use, .* choose another port: PORT=\\d+ npm start$`, "m"),
    );
    expect(failed.output()).not.toContain("ready at");
  });

  test("says which settings to look at when it cannot listen there", async () => {
    // An address of documentation (RFC 5737), which no machine has.
    const failed = runScript("start.ts", {
      DATABASE_URL: (await createTestDatabase()).url,
      PORT: "0",
      HOST: "192.0.2.1",
    });
    expect(await failed.ended).toBe(1);
    expect(failed.output()).toMatch(
      /^SkyFox could not start\. It cannot listen there \(.*EADDRNOTAVAIL.*\)\. Check HOST, PORT,/m,
    );
    expect(failed.output()).not.toContain("DATABASE_URL");
  });

  test("says why it waits for its database, and ends cleanly when it is to stop meanwhile", async () => {
    const waiting = runScript("start.ts", { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none", PORT: "0" });
    await waiting.says(/"reason":"connect ECONNREFUSED 127\.0\.0\.1:1".*it is tried again\./);
    waiting.signal("SIGTERM");
    expect(await waiting.ended).toBe(0);
    expect(waiting.output()).not.toContain("could not start");
  });

  test("says at once what is wrong when its database does not exist", async () => {
    const url = new URL((await createTestDatabase()).url);
    url.pathname = "/missing";
    const failed = runScript("start.ts", { DATABASE_URL: url.href, PORT: "0" });
    expect(await failed.ended).toBe(1);
    expect(failed.output()).toMatch(/^SkyFox could not start\. database "missing" does not exist$/m);
    expect(failed.output()).not.toContain("tried again");
  });

  test("says which place it needs when it may not write there, and does not blame the database", async () => {
    const failed = runScript("start.ts", { SKYFOX_STATE_DIRECTORY: "/dev/null/state", PORT: "0" });
    expect(await failed.ended).toBe(1);
    expect(failed.output()).toMatch(/^SkyFox could not start\. ENOTDIR.*\/dev\/null\/state/m);
    expect(failed.output()).not.toContain("DATABASE_URL");
  });

  test("lists everything that is wrong with the settings, at once", async () => {
    const failed = runScript("start.ts", {
      PORT: "http",
      HOLD_SECONDS: "0",
      CINEMA_TIME_ZONE: "Asia/Nowhere",
    });
    expect(await failed.ended).toBe(1);
    expect(failed.output()).toMatch(/^SkyFox cannot start with these settings:\n( {2}- .+\n){3}$/);
    for (const name of ["PORT", "HOLD_SECONDS", "CINEMA_TIME_ZONE"])
      expect(failed.output()).toContain(`  - ${name} `);
  });
});

describe("in production", () => {
  test("it is refused without settings, all of them named, and brings nothing along", async () => {
    const state = await makeStateDirectory();
    const refused = runScript("start.ts", { APP_ENV: "production", SKYFOX_STATE_DIRECTORY: state.path });
    expect(await refused.ended).toBe(1);
    for (const name of [
      "DATABASE_URL",
      "JWT_SECRET_KEY",
      "TICKET_SIGNING_KEY",
      "API_GATEWAY_KEY",
      "PAYMENT_GATEWAY_URL",
    ])
      expect(refused.output()).toContain(`  - ${name} is not set`);
    expect(await readdir(state.path)).toEqual([]);
    expect(await state.findPostgres()).toBeUndefined();
  });

  test("it is refused with settings that are weak, all of them named in one message", async () => {
    const refused = runScript("start.ts", {
      ...production,
      DATABASE_URL: "postgres://skyfox@127.0.0.1:1/none",
      JWT_SECRET_KEY: "j".repeat(32),
      API_GATEWAY_KEY: "0123456789abcdef",
      PAYMENT_GATEWAY_URL: "http://pay.example.com",
      DEMO_SEED: "on",
      ALLOW_INSECURE: "everything",
    });
    expect(await refused.ended).toBe(1);
    const [first, ...problems] = refused.output().trimEnd().split("\n");
    expect(first).toBe("SkyFox cannot start with these settings:");
    expect(problems.map((problem) => /^ {2}- (\w+) /.exec(problem)?.[1])).toEqual([
      "ALLOW_INSECURE",
      "JWT_SECRET_KEY",
      "API_GATEWAY_KEY",
      "PAYMENT_GATEWAY_URL",
      "DEMO_SEED",
      "DEMO_SEED",
    ]);
  });

  test("demo shows without a movie service of its own are refused, before anything is touched", async () => {
    const { url } = await createEmptyDatabase();
    const refused = runScript("start.ts", {
      ...production,
      DATABASE_URL: url,
      DEMO_SEED: "on",
      ALLOW_INSECURE: "demo-seed",
    });
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain(
      "  - DEMO_SEED is on, and the demo shows need MOVIE_SERVICE_URL and MOVIE_SERVICE_API_KEY.",
    );
    const sql = await connectOnce(url);
    expect(await sql.query("select from pg_tables where tablename = 'show'")).toEqual([]);
    await sql.end();
  });

  test("it serves with everything set, seeds nothing and tells no secrets", async () => {
    const { url } = await createEmptyDatabase();
    const server = runScript("start.ts", { ...production, DATABASE_URL: url });
    const [, address = ""] = await server.says(/^SkyFox serves at (\S+)\.$/m);
    expect((await fetch(`${address}/ready`)).status).toBe(200);
    expect((await fetch(address)).status).toBe(403);
    for (const secret of [ticketKey, jwtSecret, apiKey, production.PAYMENT_GATEWAY_API_KEY, "foobar"])
      expect(server.output()).not.toContain(secret);
    const sql = await connectOnce(url);
    expect(await sql.query("select from show")).toEqual([]);
    expect(await sql.query("select from usertable")).toEqual([]);
    await sql.end();
    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test("on a database of the demo, its admin gets in with a password of their own, and not before", async () => {
    const { url } = await createEmptyDatabase();
    const development = await startServer({ DATABASE_URL: url });
    development.signal("SIGTERM");
    expect(await development.ended).toBe(0);

    const server = runScript("start.ts", { ...production, DATABASE_URL: url });
    const [, address = ""] = await server.says(/^SkyFox serves at (\S+)\.$/m);
    const skyfox = createSkyfoxClient({ url: address, apiKey });
    const logInAs = (password: string) => skyfox.auth.login.mutate({ username: "seed-user-1", password });
    const warnings = server
      .output()
      .split("\n")
      .filter((line) => line.includes("published passwords"));
    expect(warnings).toHaveLength(1);
    for (const username of ["seed-user-1", "seed-user-2", "staff-1", "customer.one"])
      expect(warnings[0]).toContain(username);
    await expect(logInAs(demoPassword)).rejects.toThrow("The username or the password is not right.");

    const settings = { APP_ENV: "production", DATABASE_URL: url, ADMIN_PASSWORD: customerPassword };
    const reset = runScript("create-admin.ts", settings, { args: ["--reset", "--username", "seed-user-1"] });
    expect(await reset.ended).toBe(0);
    expect((await logInAs(customerPassword)).user.role).toBe("admin");
    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });
});

const waitingForLock = `select from pg_locks where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())`;

const customerPassword = "Popcorn!Bucket42";

async function signUp(url: string): Promise<string> {
  const skyfox = createSkyfoxClient({ url, apiKey: developmentApiKey });
  const [question] = await skyfox.auth.securityQuestions.query();
  const { username } = await skyfox.auth.signup.mutate({
    name: "Test Guest",
    username: "test-guest",
    password: customerPassword,
    phoneNumber: "9000000000",
    email: "test-guest@example.com",
    securityQuestionId: question?.id ?? 0,
    securityAnswer: "an answer",
  });
  return username;
}

/** The port of a program that is not SkyFox. */
async function occupyPort(): Promise<number> {
  const other = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  other.listen(0, "127.0.0.1", resolve);
  await promise;
  onTestFinished(() => void other.close());
  const address = other.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
