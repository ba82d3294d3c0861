import { isIP } from "node:net";
import type { HoldLimits } from "./booking/ports.ts";
import { developmentAddressFactor, limitTable, type Limits } from "./limits/limit-table.ts";
import { readTicketKeys, type TicketSigningKeys } from "./ticket/ticket-keys.ts";

/** A key that callers send as `X-Api-Key`, named so that it can be rotated. */
export interface ApiKey {
  name: string;
  key: string;
}

/** A secret that session tokens are signed with, named by the `kid` of their header. */
export interface JwtSecret {
  kid: string;
  secret: string;
}

/** An outside service: where it is and how we identify ourselves. */
export interface ServiceAccess {
  url: string;
  apiKey: string;
}

/** A bucket of S3, or of a storage that speaks its protocol at `endpoint`. */
export interface BucketAccess {
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  endpoint: string | undefined;
}

/** The settings of a server. What is undefined is provided by an embedded part, in development only. */
export interface Config {
  environment: "development" | "production";
  /** The address that it listens at. */
  host: string;
  port: number;
  /** The address of the metrics. */
  metricsHost: string;
  /** Where Prometheus reads the metrics; undefined is nowhere. */
  metricsPort: number | undefined;
  /** How many connections are open at once at most. */
  maxConnections: number;
  /** How many calls are under way at once at most. */
  maxCalls: number;
  /** How long a connection without a call is kept. */
  keepAliveSeconds: number;
  logLevel: "debug" | "info" | "warn" | "error";
  databaseUrl: string | undefined;
  /** The first signs session tokens, all verify them. */
  jwtSecrets: [JwtSecret, ...JwtSecret[]];
  /** What signs tickets; undefined makes a key and keeps it. */
  ticketSigningKeys: TicketSigningKeys | undefined;
  apiKeys: ApiKey[];
  cinemaTimeZone: string;
  /** ISO 4217. */
  currency: string;
  holdSeconds: number;
  payingSeconds: number;
  /** Whether this server takes payments and settles, refunds and sweeps; otherwise it only reads and shows. */
  background: boolean;
  movieService: ServiceAccess | undefined;
  paymentGateway: ServiceAccess | undefined;
  /** Where pictures are kept; undefined keeps them in a folder. */
  imageBucket: BucketAccess | undefined;
  /** Where browsers reach this server; undefined is where it listens, on this machine. */
  publicUrl: string | undefined;
  /** Origins that browsers may call from; undefined allows every loopback origin. */
  corsOrigins: string[] | undefined;
  trustedProxies: number;
  /** How often what may be guessed can be tried. */
  limits: Limits;
  /** How many unpaid seats may be held. */
  holdLimits: HoldLimits;
  /** Whether the demo people and shows are put into the database at the start. */
  demoSeed: boolean;
  /** Whether accounts of the demo seed cannot log in with their published passwords. */
  refusesPublishedPasswords: boolean;
}

/** The API key and token secret that development works with unless told otherwise; production refuses them. */
export const developmentApiKey = "skyfox-development-key";
const developmentJwtSecret = "skyfox-development-secret-not-for-production";
const publishedSecrets = [developmentApiKey, developmentJwtSecret];

const minJwtSecretLength = 32;
const minSecretBits = 128;
const makeSecret = "Make one with: openssl rand -base64 32";

// What production refuses unless the operator takes it on by name.
const exceptions = ["weak-secrets", "plain-http", "demo-seed", "published-passwords"] as const;
type Exception = (typeof exceptions)[number];

// No limit needs to be higher, and counters of four bytes hold it.
const maxLimit = 1_000_000;

type Environment = Record<string, string | undefined>;

/** Says everything that is wrong with the settings, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(problems: string[]) {
    super(
      `SkyFox cannot start with these settings:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
  }
}

/** Reads the settings from the environment, once. Throws one `ConfigError` that lists every problem. */
export function readConfig(environment: Environment): Config {
  const read = createReader(environment);
  const isProduction = read.oneOf("APP_ENV", ["development", "production"], "development") === "production";
  const allowed = read.exceptions("ALLOW_INSECURE");
  const refuses = (exception: Exception) => isProduction && !allowed.includes(exception);
  const secretRules = { isProduction, refusesWeak: refuses("weak-secrets") };
  // In development everyone comes from loopback.
  const addressFactor = isProduction ? 1 : developmentAddressFactor;
  const config: Config = {
    environment: isProduction ? "production" : "development",
    host: read.address("HOST", isProduction ? "0.0.0.0" : "127.0.0.1"),
    port: read.wholeNumber("PORT", 8080, 0, 65_535),
    metricsHost: read.address("METRICS_HOST", "127.0.0.1"),
    metricsPort: read.wholeNumber("METRICS_PORT", undefined, 0, 65_535),
    maxConnections: read.wholeNumber("MAX_CONNECTIONS", 4_000, 10, 65_535),
    maxCalls: read.wholeNumber("MAX_CALLS", 1_000, 10, 100_000),
    keepAliveSeconds: read.wholeNumber("KEEP_ALIVE_SECONDS", 75, 5, 600),
    logLevel: read.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"], "info"),
    databaseUrl: read.url("DATABASE_URL", ["postgres:", "postgresql:"], isProduction),
    jwtSecrets: read.jwtSecrets(secretRules),
    ticketSigningKeys: read.signingKeys("TICKET_SIGNING_KEY", isProduction),
    apiKeys: read.apiKeys("API_GATEWAY_KEY", secretRules),
    cinemaTimeZone: read.timeZone("CINEMA_TIME_ZONE", "Asia/Kolkata"),
    currency: read.currency("CURRENCY", "INR"),
    holdSeconds: read.wholeNumber("HOLD_SECONDS", 300, 1, 3_600),
    payingSeconds: read.wholeNumber("PAYING_SECONDS", 600, 30, 86_400),
    background: read.oneOf("BACKGROUND", ["on", "off"], "on") === "on",
    movieService: read.service("MOVIE_SERVICE_URL", "MOVIE_SERVICE_API_KEY", {}),
    paymentGateway: read.service("PAYMENT_GATEWAY_URL", "PAYMENT_GATEWAY_API_KEY", {
      isRequired: isProduction,
      refusesPlainHttp: refuses("plain-http"),
    }),
    imageBucket: read.bucket(),
    publicUrl: read.url("PUBLIC_URL", ["http:", "https:"], false),
    corsOrigins: read.origins("CORS_ORIGINS", isProduction),
    trustedProxies: read.wholeNumber("TRUSTED_PROXIES", 0, 0, 10),
    limits: read.limits(addressFactor),
    holdLimits: {
      seatsPerCustomer: read.wholeNumber("LIMIT_HELD_SEATS_PER_ACCOUNT", 10, 1, 1_000),
      seatsPerAddress: read.wholeNumber("LIMIT_HELD_SEATS_PER_ADDRESS", 60 * addressFactor, 1, maxLimit),
      abandonedPerHour: read.wholeNumber("LIMIT_ABANDONED_HOLDS_PER_ACCOUNT", 3, 1, maxLimit),
    },
    demoSeed: read.oneOf("DEMO_SEED", ["on", "off"], isProduction ? "off" : "on") === "on",
    refusesPublishedPasswords: refuses("published-passwords"),
  };
  if (config.metricsPort === config.port && config.port !== 0)
    read.problems.push("METRICS_PORT is the same as PORT; the metrics need a port of their own.");
  if (refuses("demo-seed") && config.demoSeed) {
    read.problems.push(
      "DEMO_SEED is on, and the demo's accounts have published passwords. Take it on with ALLOW_INSECURE=demo-seed.",
    );
  }
  if (isProduction && config.demoSeed && config.movieService === undefined) {
    read.problems.push(
      "DEMO_SEED is on, and the demo shows need MOVIE_SERVICE_URL and MOVIE_SERVICE_API_KEY.",
    );
  }
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

function createReader(environment: Environment) {
  const problems: string[] = [];
  // An empty variable is an unset one: that is what most tools write for "nothing".
  const text = (name: string) => environment[name]?.trim() || undefined;
  const missing = (name: string) =>
    problems.push(`${name} is not set; with APP_ENV=production it has to be.`);

  function url(name: string, protocols: string[], isRequired: boolean): string | undefined {
    const value = text(name);
    if (value === undefined) {
      if (isRequired) missing(name);
      return undefined;
    }
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
      problems.push(
        `${name} is not a URL that starts with ${protocols.map((one) => `${one}//`).join(" or ")}.`,
      );
    }
    return value;
  }

  function wholeNumber<Fallback extends number | undefined>(
    name: string,
    fallback: Fallback,
    min: number,
    max: number,
  ): number | Fallback {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    problems.push(`${name} is a whole number from ${min} to ${max}.`);
    return fallback;
  }

  function checkSecrets(name: string, secrets: string[], rules: SecretRules & { minLength: number }): void {
    const subject = secrets.length === 1 ? `${name} is` : `${name} has one that is`;
    const long = secrets.filter((secret) => secret.length >= rules.minLength);
    if (long.length < secrets.length)
      problems.push(`${subject} too short: it needs at least ${rules.minLength} characters.`);
    if (!rules.isProduction) return;
    const own = long.filter((secret) => !publishedSecrets.includes(secret));
    if (own.length < long.length)
      problems.push(`${subject} published, as one for development. ${makeSecret}`);
    if (rules.refusesWeak && own.some((secret) => bitsOf(secret) < minSecretBits)) {
      problems.push(
        `${subject} too weak: it needs at least ${minSecretBits} bits by the frequencies of its characters. ${makeSecret}`,
      );
    }
  }

  return {
    problems,
    url,
    wholeNumber,
    oneOf<Value extends string>(name: string, values: Value[], fallback: Value): Value {
      const value = text(name);
      const found = values.find((one) => one === value);
      if (value !== undefined && found === undefined)
        problems.push(`${name} is one of ${values.join(", ")}.`);
      return found ?? fallback;
    },
    limits(addressFactor: number): Limits {
      const limits = Object.entries<Limits[keyof Limits]>(limitTable).map(([name, limit]) => {
        const setting = `LIMIT_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
        const { perDevice, perAccount, perAddress } = limit;
        return [
          name,
          {
            ...limit,
            perDevice: perDevice && wholeNumber(`${setting}_PER_DEVICE`, perDevice, 1, maxLimit),
            perAccount: perAccount && wholeNumber(`${setting}_PER_ACCOUNT`, perAccount, 1, maxLimit),
            perAddress:
              perAddress && wholeNumber(`${setting}_PER_ADDRESS`, perAddress * addressFactor, 1, maxLimit),
          },
        ];
      });
      return Object.fromEntries(limits) as Limits;
    },
    address(name: string, fallback: string): string {
      const value = text(name) ?? fallback;
      if (isIP(value) === 0 && value !== "localhost")
        problems.push(`${name} is an IP address of this machine, or localhost.`);
      return value;
    },
    exceptions(name: string): Exception[] {
      const words = text(name)?.split(",") ?? [];
      const found = words.map((word) => exceptions.find((one) => one === word.trim()));
      if (found.includes(undefined))
        problems.push(`${name} is a list of ${exceptions.join(", ")}, with commas between them.`);
      return found.filter((one) => one !== undefined);
    },
    jwtSecrets(rules: SecretRules): Config["jwtSecrets"] {
      const name = text("JWT_SECRET_KEYS") === undefined ? "JWT_SECRET_KEY" : "JWT_SECRET_KEYS";
      const value = text(name);
      if (value === undefined && rules.isProduction) missing(name);
      if (value === undefined) return [{ kid: "default", secret: developmentJwtSecret }];
      const secrets =
        name === "JWT_SECRET_KEY" ? ([{ kid: "default", secret: value }] as const) : readJwtSecrets(value);
      if (secrets === undefined) {
        problems.push(
          `${name} is kid:secret pairs with commas between them, each kid once and of 1 to 32 letters, digits, dots, underscores and hyphens.`,
        );
        return [{ kid: "default", secret: developmentJwtSecret }];
      }
      const texts = secrets.map(({ secret }) => secret);
      checkSecrets(name, texts, { ...rules, minLength: minJwtSecretLength });
      return [...secrets];
    },
    signingKeys(name: string, isRequired: boolean): TicketSigningKeys | undefined {
      const value = text(name);
      if (value === undefined) {
        if (isRequired) missing(name);
        return undefined;
      }
      const keys = readTicketKeys(value);
      if (keys === undefined)
        problems.push(`${name} is a private Ed25519 key, and after a comma older ones, each in base64.`);
      return keys;
    },
    apiKeys(name: string, rules: SecretRules): ApiKey[] {
      const value = text(name);
      if (value === undefined) {
        if (rules.isProduction) missing(name);
        return [{ name: "development", key: developmentApiKey }];
      }
      const keys = value.split(",").map((entry) => {
        const [, keyName, key] = /^(?:([^:]*):)?(.*)$/.exec(entry.trim()) ?? [];
        return { name: keyName ?? "default", key: key ?? "" };
      });
      if (keys.some(({ name: keyName, key }) => keyName === "" || key === "")) {
        problems.push(`${name} is a key, or name:key pairs with commas between them.`);
      } else {
        const texts = keys.map(({ key }) => key);
        checkSecrets(name, texts, { ...rules, minLength: 1 });
      }
      return keys;
    },
    timeZone(name: string, fallback: string): string {
      const value = text(name) ?? fallback;
      if (isTimeZone(value)) return value;
      problems.push(`${name} is an IANA time zone such as Asia/Kolkata.`);
      return fallback;
    },
    currency(name: string, fallback: string): string {
      const value = text(name) ?? fallback;
      if (!Intl.supportedValuesOf("currency").includes(value))
        problems.push(`${name} is an ISO 4217 code such as INR.`);
      return value;
    },
    service(
      urlName: string,
      keyName: string,
      { isRequired = false, refusesPlainHttp = false },
    ): ServiceAccess | undefined {
      const serviceUrl = url(urlName, ["http:", "https:"], isRequired);
      if (refusesPlainHttp && serviceUrl !== undefined && isPlainAndFar(serviceUrl)) {
        problems.push(
          `${urlName} is another machine over http. Use https, or take it on with ALLOW_INSECURE=plain-http.`,
        );
      }
      const apiKey = text(keyName);
      if (apiKey === undefined && isRequired) missing(keyName);
      else if (serviceUrl !== undefined && apiKey === undefined)
        problems.push(`${keyName} is not set, but ${urlName} is.`);
      return serviceUrl !== undefined && apiKey !== undefined ? { url: serviceUrl, apiKey } : undefined;
    },
    bucket(): BucketAccess | undefined {
      const bucket = text("S3_BUCKET");
      const endpoint = url("S3_ENDPOINT", ["http:", "https:"], false);
      if (bucket === undefined) {
        if (endpoint !== undefined) problems.push("S3_ENDPOINT is set, but S3_BUCKET is not.");
        return undefined;
      }
      const needed = (name: string) => {
        const value = text(name);
        if (value === undefined) problems.push(`${name} is not set, but S3_BUCKET is.`);
        return value ?? "";
      };
      return {
        bucket,
        endpoint,
        accessKeyId: needed("AWS_ACCESS_KEY_ID"),
        secretAccessKey: needed("AWS_SECRET_ACCESS_KEY"),
        // Other storages than S3 itself mostly have no regions; they take the name of the oldest one.
        region: endpoint === undefined ? needed("AWS_REGION") : (text("AWS_REGION") ?? "us-east-1"),
      };
    },
    origins(name: string, isProduction: boolean): string[] | undefined {
      const value = text(name);
      if (value === undefined) return isProduction ? [] : undefined;
      const origins = value.split(",").map((origin) => origin.trim());
      for (const origin of origins) {
        if (!URL.canParse(origin) || new URL(origin).origin !== origin || origin.includes("*")) {
          problems.push(`${name} has "${origin}", which is not an origin such as https://example.com.`);
        }
      }
      return origins;
    },
  };
}

interface SecretRules {
  isProduction: boolean;
  refusesWeak: boolean;
}

// Shannon's entropy of the text's own characters, times its length.
function bitsOf(text: string): number {
  const characters = Array.from(text);
  const counts = new Map<string, number>();
  for (const one of characters) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts.values().reduce((sum, count) => sum + count * Math.log2(characters.length / count), 0);
}

function readJwtSecrets(text: string): Config["jwtSecrets"] | undefined {
  const pairs = text.split(",").map((pair) => {
    const [, kid = "", secret = ""] = /^([A-Za-z0-9._-]{1,32}):(.+)$/.exec(pair.trim()) ?? [];
    return { kid, secret };
  });
  const [first, ...others] = pairs;
  const isWhole =
    pairs.every(({ kid }) => kid !== "") && new Set(pairs.map(({ kid }) => kid)).size === pairs.length;
  return first !== undefined && isWhole ? [first, ...others] : undefined;
}

function isPlainAndFar(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function isTimeZone(name: string): boolean {
  try {
    // Postgres reads the sign of +05:30 the other way round, and CET as the winter's time all year.
    return (
      /^(UTC$|GMT$|[A-Z][A-Za-z]+\/)/.test(name) &&
      new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== ""
    );
  } catch {
    return false;
  }
}
