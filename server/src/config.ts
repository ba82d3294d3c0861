import type { HoldLimits } from "./deps.ts";
import { developmentAddressFactor, limitTable, type Limits } from "./limits/limit-table.ts";
import { readTicketKeys, type TicketSigningKeys } from "./ticket/ticket-keys.ts";

/** A key that callers send as `X-Api-Key`, named so that it can be rotated. */
export interface ApiKey {
  name: string;
  key: string;
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
  port: number;
  /** Where Prometheus reads the metrics, on this machine only; undefined is nowhere. */
  metricsPort: number | undefined;
  logLevel: "debug" | "info" | "warn" | "error";
  databaseUrl: string | undefined;
  jwtSecretKey: string;
  /** What signs tickets; undefined makes a key and keeps it. */
  ticketSigningKeys: TicketSigningKeys | undefined;
  apiKeys: ApiKey[];
  cinemaTimeZone: string;
  /** ISO 4217. */
  currency: string;
  holdSeconds: number;
  payingSeconds: number;
  movieService: ServiceAccess | undefined;
  paymentGateway: ServiceAccess | undefined;
  /** Where pictures are kept; undefined keeps them in a folder. */
  imageBucket: BucketAccess | undefined;
  /** Where browsers reach this server; undefined is where it listens, on this machine. */
  publicUrl: string | undefined;
  /** Origins that browsers may call from; undefined allows every loopback origin. */
  corsOrigins: string[] | undefined;
  trustedProxies: number;
  /** Connections at the same time. */
  maxConnections: number;
  /** Calls under way at the same time. */
  maxCalls: number;
  /** How long an idle connection is kept. */
  keepAliveSeconds: number;
  /** How often what may be guessed can be tried. */
  limits: Limits;
  /** How many unpaid seats may be held. */
  holdLimits: HoldLimits;
  /** Whether the demo people and shows are put into the database at the start. */
  demoSeed: boolean;
}

/** The API key and token secret that development works with unless told otherwise; production refuses them. */
export const developmentApiKey = "skyfox-development-key";
const developmentJwtSecret = "skyfox-development-secret-not-for-production";

const minSecretLength = 32;

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
  // In development everyone comes from loopback.
  const addressFactor = isProduction ? 1 : developmentAddressFactor;
  const config: Config = {
    environment: isProduction ? "production" : "development",
    port: read.wholeNumber("PORT", 8080, 0, 65_535),
    metricsPort: read.wholeNumber("METRICS_PORT", undefined, 0, 65_535),
    logLevel: read.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"], "info"),
    databaseUrl: read.url("DATABASE_URL", ["postgres:", "postgresql:"], isProduction),
    jwtSecretKey: read.secret("JWT_SECRET_KEY", developmentJwtSecret, isProduction),
    ticketSigningKeys: read.signingKeys("TICKET_SIGNING_KEY", isProduction),
    apiKeys: read.apiKeys("API_GATEWAY_KEY", isProduction),
    cinemaTimeZone: read.timeZone("CINEMA_TIME_ZONE", "Asia/Kolkata"),
    currency: read.currency("CURRENCY", "INR"),
    holdSeconds: read.wholeNumber("HOLD_SECONDS", 300, 1, 3_600),
    payingSeconds: read.wholeNumber("PAYING_SECONDS", 600, 30, 86_400),
    movieService: read.service("MOVIE_SERVICE_URL", "MOVIE_SERVICE_API_KEY", false),
    paymentGateway: read.service("PAYMENT_GATEWAY_URL", "PAYMENT_GATEWAY_API_KEY", isProduction),
    imageBucket: read.bucket(),
    publicUrl: read.url("PUBLIC_URL", ["http:", "https:"], false),
    corsOrigins: read.origins("CORS_ORIGINS", isProduction),
    trustedProxies: read.wholeNumber("TRUSTED_PROXIES", 0, 0, 10),
    maxConnections: read.wholeNumber("MAX_CONNECTIONS", 4_000, 10, 65_535),
    maxCalls: read.wholeNumber("MAX_CALLS", 1_000, 10, 100_000),
    keepAliveSeconds: read.wholeNumber("KEEP_ALIVE_SECONDS", 75, 5, 600),
    limits: read.limits(addressFactor),
    holdLimits: {
      seatsPerCustomer: read.wholeNumber("LIMIT_HELD_SEATS_PER_ACCOUNT", 10, 1, 1_000),
      seatsPerAddress: read.wholeNumber("LIMIT_HELD_SEATS_PER_ADDRESS", 60 * addressFactor, 1, maxLimit),
      abandonedPerHour: read.wholeNumber("LIMIT_ABANDONED_HOLDS_PER_ACCOUNT", 3, 1, maxLimit),
    },
    demoSeed: read.oneOf("DEMO_SEED", ["on", "off"], isProduction ? "off" : "on") === "on",
  };
  if (config.metricsPort === config.port && config.port !== 0)
    read.problems.push("METRICS_PORT is the same as PORT; the metrics need a port of their own.");
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
        const { perAccount, perAddress } = limit;
        return [
          name,
          {
            ...limit,
            perAccount: perAccount && wholeNumber(`${setting}_PER_ACCOUNT`, perAccount, 1, maxLimit),
            perAddress: wholeNumber(`${setting}_PER_ADDRESS`, perAddress * addressFactor, 1, maxLimit),
          },
        ];
      });
      return Object.fromEntries(limits) as Limits;
    },
    secret(name: string, fallback: string, isRequired: boolean): string {
      const value = text(name);
      if (value === undefined && isRequired) missing(name);
      if (value !== undefined && value.length < minSecretLength) {
        problems.push(`${name} is too short: it needs at least ${minSecretLength} characters.`);
      }
      if (value === fallback && isRequired)
        problems.push(`${name} is the one for development; make one of your own.`);
      return value ?? fallback;
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
    apiKeys(name: string, isRequired: boolean): ApiKey[] {
      const value = text(name);
      if (value === undefined) {
        if (isRequired) missing(name);
        return [{ name: "development", key: developmentApiKey }];
      }
      const keys = value.split(",").map((entry) => {
        const [, keyName, key] = /^(?:([^:]*):)?(.*)$/.exec(entry.trim()) ?? [];
        return { name: keyName ?? "default", key: key ?? "" };
      });
      if (keys.some(({ name: keyName, key }) => keyName === "" || key === "")) {
        problems.push(`${name} is a key, or name:key pairs with commas between them.`);
      } else if (isRequired && keys.some(({ key }) => key.length < 16 || key === developmentApiKey)) {
        problems.push(
          `${name} has a key that is too short (at least 16 characters) or the one for development.`,
        );
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
    service(urlName: string, keyName: string, isRequired: boolean): ServiceAccess | undefined {
      const serviceUrl = url(urlName, ["http:", "https:"], isRequired);
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
