import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ConfigError, developmentApiKey, readConfig } from "./config.ts";

function newTicketKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}

const strong = () => randomBytes(32).toString("base64");

const good = {
  APP_ENV: "production",
  DATABASE_URL: "postgres://skyfox@localhost/skyfox",
  JWT_SECRET_KEY: strong(),
  API_GATEWAY_KEY: `web:${strong()}`,
  TICKET_SIGNING_KEY: newTicketKey(),
  PAYMENT_GATEWAY_URL: "https://pay.example.com",
  PAYMENT_GATEWAY_API_KEY: "gateway",
};

/** The lines of the one message, or none when the settings are fine. */
function problemsOf(environment: Record<string, string | undefined>): string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first, ...problems] = error.message.split("\n");
    if (first !== "SkyFox cannot start with these settings:") throw error;
    return problems.map((problem) => problem.replace(/^ {2}- /, ""));
  }
}

describe("development", () => {
  test("needs no setting at all", () => {
    expect(readConfig({})).toMatchObject({
      environment: "development",
      host: "127.0.0.1",
      port: 8080,
      metricsHost: "127.0.0.1",
      metricsPort: undefined,
      maxConnections: 4_000,
      maxCalls: 1_000,
      keepAliveSeconds: 75,
      logLevel: "info",
      databaseUrl: undefined,
      preparedStatements: true,
      ticketSigningKeys: undefined,
      apiKeys: [{ name: "development", key: developmentApiKey }],
      apiDocs: true,
      cinemaName: "SkyFox",
      cinemaTimeZone: "Asia/Kolkata",
      currency: "INR",
      holdSeconds: 300,
      payingSeconds: 600,
      background: true,
      movieService: undefined,
      paymentGateway: undefined,
      imageBucket: undefined,
      publicUrl: undefined,
      corsOrigins: undefined,
      trustedProxies: 0,
      demoSeed: true,
      refusesPublishedPasswords: false,
    });
  });

  test("takes an empty variable for one that is not set", () => {
    const names = ["APP_ENV", "PORT", "DATABASE_URL", "JWT_SECRET_KEY", "API_GATEWAY_KEY", "CORS_ORIGINS"];
    const empty = Object.fromEntries(names.map((name) => [name, "  "]));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  test("refuses a short secret too", () => {
    expect(problemsOf({ JWT_SECRET_KEY: "short" })).toEqual([
      "JWT_SECRET_KEY is too short: it needs at least 32 characters.",
    ]);
  });
});

describe("production", () => {
  test("starts with everything that it needs", () => {
    expect(readConfig(good)).toMatchObject({
      environment: "production",
      host: "0.0.0.0",
      metricsHost: "127.0.0.1",
      databaseUrl: good.DATABASE_URL,
      jwtSecrets: [{ kid: "default", secret: good.JWT_SECRET_KEY }],
      apiKeys: [{ name: "web", key: good.API_GATEWAY_KEY.slice("web:".length) }],
      paymentGateway: { url: good.PAYMENT_GATEWAY_URL, apiKey: "gateway" },
      corsOrigins: [],
      apiDocs: false,
      demoSeed: false,
      refusesPublishedPasswords: true,
    });
  });

  test("lists everything that is missing in one message", () => {
    expect(problemsOf({ APP_ENV: "production" }).map((problem) => problem.split(" ")[0])).toEqual([
      "DATABASE_URL",
      "JWT_SECRET_KEY",
      "TICKET_SIGNING_KEY",
      "API_GATEWAY_KEY",
      "PAYMENT_GATEWAY_URL",
      "PAYMENT_GATEWAY_API_KEY",
    ]);
  });

  test.each([
    ["a secret of 31 characters", { JWT_SECRET_KEY: strong().slice(0, 31) }, "JWT_SECRET_KEY"],
    ["a ticket key that is none", { TICKET_SIGNING_KEY: "t".repeat(64) }, "TICKET_SIGNING_KEY"],
    [
      "a second ticket key that is none",
      { TICKET_SIGNING_KEY: `${good.TICKET_SIGNING_KEY},x` },
      "TICKET_SIGNING_KEY",
    ],
  ])("refuses %s", (_, change, name) => {
    const problems = problemsOf({ ...good, ...change });
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([name]);
  });

  test("never repeats a secret in its message", () => {
    const wrong = {
      ...good,
      JWT_SECRET_KEY: "canary-1",
      TICKET_SIGNING_KEY: "canary-2",
      API_GATEWAY_KEY: "canary-3,a:,b:canary-4",
      ALLOW_INSECURE: "canary-5",
    };
    const weak = { ...wrong, JWT_SECRET_KEYS: "a:canary-6,b:canary-7", API_GATEWAY_KEY: "web:canary-8" };
    for (const one of [wrong, weak, { ...weak, JWT_SECRET_KEYS: "canary-9" }]) {
      expect(problemsOf(one)).toHaveLength(4);
      expect(problemsOf(one).join()).not.toContain("canary");
    }
  });
});

test("every problem is listed at once", () => {
  const problems = problemsOf({
    APP_ENV: "staging",
    ALLOW_INSECURE: "everything",
    HOST: "example.com",
    PORT: "65536",
    METRICS_HOST: "127.0.0.1:9100",
    METRICS_PORT: "-1",
    MAX_CONNECTIONS: "0",
    MAX_CALLS: "0",
    MAX_STREAMS: "0",
    MAX_STREAMS_PER_ADDRESS: "0",
    KEEP_ALIVE_SECONDS: "0",
    LOG_LEVEL: "verbose",
    DATABASE_URL: "mysql://localhost",
    JWT_SECRET_KEY: "short",
    TICKET_SIGNING_KEY: "short",
    API_GATEWAY_KEY: "a:",
    CINEMA_TIME_ZONE: "Mars/Olympus",
    CURRENCY: "RUPEES",
    HOLD_SECONDS: "0",
    PAYING_SECONDS: "29",
    MOVIE_SERVICE_URL: "https://movies.example.com",
    PAYMENT_GATEWAY_URL: "pay.example.com",
    CORS_ORIGINS: "https://example.com/path",
    TRUSTED_PROXIES: "-1",
  });
  expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
    "APP_ENV",
    "ALLOW_INSECURE",
    "HOST",
    "PORT",
    "METRICS_HOST",
    "METRICS_PORT",
    "MAX_CONNECTIONS",
    "MAX_CALLS",
    "MAX_STREAMS",
    "MAX_STREAMS_PER_ADDRESS",
    "KEEP_ALIVE_SECONDS",
    "LOG_LEVEL",
    "DATABASE_URL",
    "JWT_SECRET_KEY",
    "TICKET_SIGNING_KEY",
    "API_GATEWAY_KEY",
    "CINEMA_TIME_ZONE",
    "CURRENCY",
    "HOLD_SECONDS",
    "PAYING_SECONDS",
    "MOVIE_SERVICE_API_KEY",
    "PAYMENT_GATEWAY_URL",
    "PAYMENT_GATEWAY_API_KEY",
    "CORS_ORIGINS",
    "TRUSTED_PROXIES",
  ]);
});

/** Every place that a secret of ours can be in, with that secret in it. */
const secretPlaces: [string, (secret: string) => Record<string, string>][] = [
  ["JWT_SECRET_KEY", (secret) => ({ JWT_SECRET_KEY: secret })],
  ["JWT_SECRET_KEYS", (secret) => ({ JWT_SECRET_KEYS: `2026:${secret}` })],
  ["JWT_SECRET_KEYS", (secret) => ({ JWT_SECRET_KEYS: `2026:${strong()},2025:${secret}` })],
  ["API_GATEWAY_KEY", (secret) => ({ API_GATEWAY_KEY: secret })],
  ["API_GATEWAY_KEY", (secret) => ({ API_GATEWAY_KEY: `web:${strong()},app:${secret}` })],
];

describe.each(secretPlaces)("a secret of production in %s %#", (name, placed) => {
  test.each([
    ["equal letters", "j".repeat(32)],
    ["two letters in turn", "ab".repeat(32)],
    ["the alphabet of hex, but short", "0123456789abcdef0123456789abcde"],
    ["126 bits", "0123".repeat(16).slice(0, -1)],
    ["a word again and again", "correct-horse-".repeat(2)],
  ])("may not be %s", (_, secret) => {
    const weak = problemsOf({ ...good, ...placed(secret) });
    expect(weak).toHaveLength(1);
    expect(weak[0]).toMatch(new RegExp(`^${name} .*too (weak|short): `));
    if (secret.length >= 32) {
      expect(weak[0]).toMatch(/at least 128 bits .*openssl rand -base64 32$/);
      expect(problemsOf({ ...good, ...placed(secret), ALLOW_INSECURE: "weak-secrets" })).toEqual([]);
    }
    expect(problemsOf({ ...placed(secret.padEnd(32, "j")) })).toEqual([]);
  });

  test("may have 128 bits to the bit", () => {
    expect(problemsOf({ ...good, ...placed("0123".repeat(16)) })).toEqual([]);
  });

  test("is as openssl makes them, whatever it drew", () => {
    for (let round = 0; round < 200; round += 1) {
      for (const encoding of ["base64", "hex"] as const)
        expect(problemsOf({ ...good, ...placed(randomBytes(32).toString(encoding)) })).toEqual([]);
    }
  });

  test("is never one that development is known by", () => {
    const published = [readConfig({}).jwtSecrets[0].secret, developmentApiKey];
    for (const secret of published.filter(({ length }) => length >= 32 || name === "API_GATEWAY_KEY")) {
      for (const allowed of [undefined, "weak-secrets"]) {
        const problems = problemsOf({ ...good, ...placed(secret), ALLOW_INSECURE: allowed });
        expect(problems).toEqual([
          expect.stringMatching(new RegExp(`^${name} .*published, as one for development`)),
        ]);
      }
    }
  });
});

describe("secrets of session tokens", () => {
  const one = "first-secret-of-the-tests-0123456789-ABCDEF";
  const other = "other-secret-of-the-tests-9876543210-UVWXYZ";

  test("are read with their kids, in their order, and win over the single one", () => {
    const { jwtSecrets } = readConfig({
      ...good,
      JWT_SECRET_KEY: "short",
      JWT_SECRET_KEYS: ` new.1:${one} , default:${other}`,
    });
    expect(jwtSecrets).toEqual([
      { kid: "new.1", secret: one },
      { kid: "default", secret: other },
    ]);
  });

  test("may have colons, and stand alone", () => {
    const { jwtSecrets } = readConfig({
      ...good,
      JWT_SECRET_KEY: undefined,
      JWT_SECRET_KEYS: `A_-9:${one}:${other}`,
    });
    expect(jwtSecrets).toEqual([{ kid: "A_-9", secret: `${one}:${other}` }]);
  });

  test.each([
    one,
    `:${one}`,
    "a:",
    `a:${one},`,
    `a:${one},,b:${other}`,
    `a:${one},a:${other}`,
    `a b:${one}`,
    `ä:${one}`,
    `${"k".repeat(33)}:${one}`,
  ])("%j are refused", (text) => {
    expect(problemsOf({ JWT_SECRET_KEYS: text })).toEqual([
      expect.stringMatching(/^JWT_SECRET_KEYS is kid:secret pairs/),
    ]);
  });

  test("all need their length, in development too", () => {
    expect(problemsOf({ JWT_SECRET_KEYS: `a:${one},b:short` })).toEqual([
      "JWT_SECRET_KEYS has one that is too short: it needs at least 32 characters.",
    ]);
    expect(readConfig({ JWT_SECRET_KEYS: `${"k".repeat(32)}:${one}` }).jwtSecrets).toHaveLength(1);
  });
});

describe("the gateway of production", () => {
  test.each([
    "http://pay.example.com",
    "http://10.0.0.7:9000",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "http://128.0.0.1",
    "http://0.0.0.0",
    "http://[::2]",
  ])("is not asked at %s", (url) => {
    const settings = { ...good, PAYMENT_GATEWAY_URL: url };
    expect(problemsOf(settings)).toEqual([
      "PAYMENT_GATEWAY_URL is another machine over http. Use https, or take it on with ALLOW_INSECURE=plain-http.",
    ]);
    expect(problemsOf({ ...settings, PAYMENT_GATEWAY_API_KEY: undefined })).toHaveLength(2);
    expect(problemsOf({ ...settings, ALLOW_INSECURE: "plain-http" })).toEqual([]);
    expect(problemsOf({ PAYMENT_GATEWAY_URL: url, PAYMENT_GATEWAY_API_KEY: "k" })).toEqual([]);
  });

  test.each([
    "https://pay.example.com",
    "http://localhost:9000",
    "http://127.0.0.1",
    "http://127.200.3.4:80/v1",
    "http://[::1]:9000",
  ])("may be asked at %s", (url) => {
    expect(problemsOf({ ...good, PAYMENT_GATEWAY_URL: url })).toEqual([]);
  });
});

describe("what is insecure", () => {
  const films = { MOVIE_SERVICE_URL: "https://movies.example.com", MOVIE_SERVICE_API_KEY: "k" };
  const insecure = {
    ...good,
    ...films,
    JWT_SECRET_KEY: "j".repeat(32),
    API_GATEWAY_KEY: "0123456789abcdef",
    PAYMENT_GATEWAY_URL: "http://pay.example.com",
    DEMO_SEED: "on",
  };

  test("is all in one message", () => {
    expect(problemsOf(insecure).map((problem) => problem.split(" ")[0])).toEqual([
      "JWT_SECRET_KEY",
      "API_GATEWAY_KEY",
      "PAYMENT_GATEWAY_URL",
      "DEMO_SEED",
    ]);
  });

  test("is taken on by its name, each for itself", () => {
    const left = (allowed: string) => problemsOf({ ...insecure, ALLOW_INSECURE: allowed }).length;
    expect(left("weak-secrets")).toBe(2);
    expect(left("plain-http")).toBe(3);
    expect(left("demo-seed")).toBe(3);
    expect(left("published-passwords")).toBe(4);
    expect(left(" weak-secrets , plain-http,demo-seed")).toBe(0);
  });

  test("published passwords work only where they are taken on", () => {
    expect(readConfig({ ...good, ALLOW_INSECURE: "weak-secrets" }).refusesPublishedPasswords).toBe(true);
    expect(readConfig({ ...good, ALLOW_INSECURE: "published-passwords" }).refusesPublishedPasswords).toBe(
      false,
    );
  });

  test.each(["all", "weak-secrets,", "Weak-Secrets", "weak-secrets plain-http", "demo-seed,none"])(
    "may not be taken on as %s, not even in development",
    (text) => {
      const problem =
        "ALLOW_INSECURE is a list of weak-secrets, plain-http, demo-seed, published-passwords, with commas between them.";
      expect(problemsOf({ ...good, ALLOW_INSECURE: text })).toEqual([problem]);
      expect(problemsOf({ ALLOW_INSECURE: text })).toEqual([problem]);
    },
  );

  test("includes demo shows, which need a movie service all the same", () => {
    const seeded = { ...good, DEMO_SEED: "on" };
    expect(problemsOf(seeded)).toHaveLength(2);
    expect(problemsOf({ ...seeded, ALLOW_INSECURE: "demo-seed" })).toEqual([
      "DEMO_SEED is on, and the demo shows need MOVIE_SERVICE_URL and MOVIE_SERVICE_API_KEY.",
    ]);
    expect(readConfig({ ...seeded, ...films, ALLOW_INSECURE: "demo-seed" }).demoSeed).toBe(true);
  });
});

describe.each([
  ["HOST", "host"],
  ["METRICS_HOST", "metricsHost"],
] as const)("%s", (name, property) => {
  test.each(["0.0.0.0", "127.0.0.1", "192.0.2.7", "::", "::1", "localhost"])("may be %s", (address) => {
    expect(readConfig({ [name]: address })[property]).toBe(address);
    expect(readConfig({ ...good, [name]: address })[property]).toBe(address);
  });

  test.each(["example.com", "*", "127.0.0.1:8080", "[::1]", "256.0.0.1", "http://localhost"])(
    "may not be %s",
    (address) => {
      expect(problemsOf({ [name]: address })).toEqual([
        `${name} is an IP address of this machine, or localhost.`,
      ]);
    },
  );
});

test.each(["development", "production"])("APP_ENV may be %s", (environment) => {
  expect(readConfig({ ...good, APP_ENV: environment }).environment).toBe(environment);
});

test.each(["prod", "Production", "test", "production;", "PRODUCTION"])(
  "APP_ENV may not be %s",
  (environment) => {
    expect(problemsOf({ ...good, APP_ENV: environment })).toEqual([
      "APP_ENV is one of development, production.",
    ]);
  },
);

describe("numbers", () => {
  test.each([
    ["PORT", "port", 0, 65_535],
    ["METRICS_PORT", "metricsPort", 0, 65_535],
    ["MAX_CONNECTIONS", "maxConnections", 10, 65_535],
    ["MAX_CALLS", "maxCalls", 10, 100_000],
    ["KEEP_ALIVE_SECONDS", "keepAliveSeconds", 5, 600],
    ["HOLD_SECONDS", "holdSeconds", 1, 3_600],
    ["PAYING_SECONDS", "payingSeconds", 30, 86_400],
    ["TRUSTED_PROXIES", "trustedProxies", 0, 10],
  ] as const)("%s is accepted at both its bounds and refused just outside", (name, property, min, max) => {
    expect(readConfig({ [name]: String(min) })[property]).toBe(min);
    expect(readConfig({ [name]: String(max) })[property]).toBe(max);
    const sentence = `${name} is a whole number from ${min} to ${max}.`;
    expect(problemsOf({ [name]: String(min - 1) })).toEqual([sentence]);
    expect(problemsOf({ [name]: String(max + 1) })).toEqual([sentence]);
  });

  test.each(["1.5", "1e3", "0x10", "NaN", "Infinity", "١٢", "12 34", "ten", "99999999999999999999"])(
    "%s is none",
    (text) => {
      expect(problemsOf({ PORT: text })).toHaveLength(1);
    },
  );
});

describe("the cinema's zone", () => {
  test.each([
    "UTC",
    "Asia/Kolkata",
    "America/New_York",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+5",
    "Pacific/Apia",
  ])("may be %s", (zone) => {
    expect(readConfig({ CINEMA_TIME_ZONE: zone }).cinemaTimeZone).toBe(zone);
  });

  test.each([
    "+05:30",
    "CET",
    "EET",
    "MET",
    "WET",
    "GMT+5:30",
    "IST/Kolkata",
    "Asia/",
    "local",
    "asia kolkata",
    "5",
  ])("may not be %s", (zone) => {
    expect(problemsOf({ CINEMA_TIME_ZONE: zone })).toEqual([
      "CINEMA_TIME_ZONE is an IANA time zone such as Asia/Kolkata.",
    ]);
  });
});

describe("the currency", () => {
  test.each(["INR", "EUR", "USD", "LKR"])("may be %s", (currency) => {
    expect(readConfig({ CURRENCY: currency }).currency).toBe(currency);
  });

  test.each(["inr", "₹", "IN", "INRX", "Rs."])("may not be %s", (currency) => {
    expect(problemsOf({ CURRENCY: currency })).toEqual(["CURRENCY is an ISO 4217 code such as INR."]);
  });
});

describe("ticket keys", () => {
  test("are read, the first one to sign and the others to verify", () => {
    const { ticketSigningKeys } = readConfig({ TICKET_SIGNING_KEY: `${newTicketKey()},${newTicketKey()}` });
    expect(ticketSigningKeys).toMatchObject({ signing: { type: "private" }, retired: [{ type: "public" }] });
  });

  test("are refused in development too when they are none", () => {
    expect(problemsOf({ TICKET_SIGNING_KEY: "short" })).toEqual([
      "TICKET_SIGNING_KEY is a private Ed25519 key, and after a comma older ones, each in base64.",
    ]);
  });
});

describe("API keys", () => {
  test.each([
    ["key", [{ name: "default", key: "key" }]],
    [
      "a:k1,b:k2",
      [
        { name: "a", key: "k1" },
        { name: "b", key: "k2" },
      ],
    ],
    [
      " old:k1 , new:k2 ",
      [
        { name: "old", key: "k1" },
        { name: "new", key: "k2" },
      ],
    ],
    ["a:k:with:colons", [{ name: "a", key: "k:with:colons" }]],
  ])("%j are read with their names", (text, keys) => {
    expect(readConfig({ API_GATEWAY_KEY: text }).apiKeys).toEqual(keys);
  });

  test.each(["a:", ":k", "a:k,", ",a:k", "a:k1,,b:k2", ","])("%j are refused", (text) => {
    expect(problemsOf({ API_GATEWAY_KEY: text })).toEqual([
      "API_GATEWAY_KEY is a key, or name:key pairs with commas between them.",
    ]);
  });
});

describe("origins", () => {
  test("are read as a list", () => {
    expect(readConfig({ CORS_ORIGINS: "https://a.example, http://localhost:3000" }).corsOrigins).toEqual([
      "https://a.example",
      "http://localhost:3000",
    ]);
  });

  test.each([
    "*",
    "null",
    "https://a.example/",
    "https://*.example",
    "a.example",
    "https://A.example",
    "https://a.example,",
  ])("may not be %s", (origins) => {
    expect(problemsOf({ CORS_ORIGINS: origins })).toHaveLength(1);
  });
});

test("a service needs its key with its URL", () => {
  const movies = { MOVIE_SERVICE_URL: "https://movies.example.com" };
  expect(problemsOf(movies)).toEqual(["MOVIE_SERVICE_API_KEY is not set, but MOVIE_SERVICE_URL is."]);
  expect(readConfig({ ...movies, MOVIE_SERVICE_API_KEY: "k" }).movieService).toEqual({
    url: "https://movies.example.com",
    apiKey: "k",
  });
});

describe("a bucket for pictures", () => {
  const bucket = {
    S3_BUCKET: "pictures",
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "canary",
    AWS_REGION: "ap-south-1",
  };
  const access = { bucket: "pictures", accessKeyId: "id", secretAccessKey: "canary" };

  test("needs its region and credentials", () => {
    const { imageBucket } = readConfig({ ...good, ...bucket });
    expect(imageBucket).toEqual({ ...access, region: "ap-south-1", endpoint: undefined });
    expect(problemsOf({ S3_BUCKET: "pictures" })).toEqual([
      "AWS_ACCESS_KEY_ID is not set, but S3_BUCKET is.",
      "AWS_SECRET_ACCESS_KEY is not set, but S3_BUCKET is.",
      "AWS_REGION is not set, but S3_BUCKET is.",
    ]);
  });

  test("of another storage needs no region", () => {
    const { imageBucket } = readConfig({
      ...bucket,
      AWS_REGION: undefined,
      S3_ENDPOINT: "http://localhost:9000",
    });
    expect(imageBucket).toEqual({ ...access, region: "us-east-1", endpoint: "http://localhost:9000" });
    expect(problemsOf({ ...bucket, S3_ENDPOINT: "localhost:9000" })).toHaveLength(1);
  });

  test("is not forgotten beside its endpoint", () => {
    expect(problemsOf({ S3_ENDPOINT: "http://localhost:9000" })).toEqual([
      "S3_ENDPOINT is set, but S3_BUCKET is not.",
    ]);
  });
});

test("the metrics have a port of their own", () => {
  expect(readConfig({ PORT: "0", METRICS_PORT: "0" })).toMatchObject({ port: 0, metricsPort: 0 });
  expect(problemsOf({ METRICS_PORT: "8080" })).toEqual([
    "METRICS_PORT is the same as PORT; the metrics need a port of their own.",
  ]);
});

test("the public address is a URL", () => {
  expect(readConfig({ PUBLIC_URL: "https://api.cinema.example" }).publicUrl).toBe(
    "https://api.cinema.example",
  );
  expect(problemsOf({ PUBLIC_URL: "api.cinema.example" })).toHaveLength(1);
});
