import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ConfigError, developmentApiKey, readConfig } from "./config.ts";

function newTicketKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}

const good = {
  APP_ENV: "production",
  DATABASE_URL: "postgres://skyfox@localhost/skyfox",
  JWT_SECRET_KEY: "j".repeat(32),
  API_GATEWAY_KEY: "web:0123456789abcdef",
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
      port: 8080,
      metricsPort: undefined,
      logLevel: "info",
      databaseUrl: undefined,
      ticketSigningKeys: undefined,
      apiKeys: [{ name: "development", key: developmentApiKey }],
      cinemaTimeZone: "Asia/Kolkata",
      currency: "INR",
      holdSeconds: 300,
      payingSeconds: 600,
      movieService: undefined,
      paymentGateway: undefined,
      imageBucket: undefined,
      publicUrl: undefined,
      corsOrigins: undefined,
      trustedProxies: 0,
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
      databaseUrl: good.DATABASE_URL,
      jwtSecretKey: good.JWT_SECRET_KEY,
      apiKeys: [{ name: "web", key: "0123456789abcdef" }],
      paymentGateway: { url: good.PAYMENT_GATEWAY_URL, apiKey: "gateway" },
      corsOrigins: [],
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
    ["a secret of 31 characters", { JWT_SECRET_KEY: "j".repeat(31) }, "JWT_SECRET_KEY"],
    ["the secret of development", { JWT_SECRET_KEY: readConfig({}).jwtSecretKey }, "JWT_SECRET_KEY"],
    ["a ticket key that is none", { TICKET_SIGNING_KEY: "t".repeat(64) }, "TICKET_SIGNING_KEY"],
    [
      "a second ticket key that is none",
      { TICKET_SIGNING_KEY: `${good.TICKET_SIGNING_KEY},x` },
      "TICKET_SIGNING_KEY",
    ],
    ["a key of 15 characters", { API_GATEWAY_KEY: "0123456789abcde" }, "API_GATEWAY_KEY"],
    ["the key of development", { API_GATEWAY_KEY: developmentApiKey }, "API_GATEWAY_KEY"],
    [
      "the key of development as the second of two",
      { API_GATEWAY_KEY: `a:0123456789abcdef,b:${developmentApiKey}` },
      "API_GATEWAY_KEY",
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
    };
    expect(problemsOf(wrong)).toHaveLength(3);
    expect(problemsOf(wrong).join()).not.toContain("canary");
  });
});

test("every problem is listed at once", () => {
  const problems = problemsOf({
    APP_ENV: "staging",
    PORT: "65536",
    METRICS_PORT: "-1",
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
    "PORT",
    "METRICS_PORT",
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
