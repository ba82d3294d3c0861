import { z } from "zod";
import * as kinds from "./config/kinds.ts";
import {
  apiKeys,
  developmentApiKey,
  developmentJwtSecret,
  jwtSecret,
  jwtSecrets,
  onlyJwtSecret,
} from "./config/secrets.ts";
import {
  developmentAddressFactor,
  limitTable,
  widenAddressLimits,
  type Limit,
  type Limits,
} from "./limits/limit-table.ts";
import { readTicketKeys } from "./ticket/ticket-keys.ts";

export type { ApiKey } from "./config/secrets.ts";
export { developmentApiKey };

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
export type Config = ReturnType<typeof readConfig>;

type Environment = Record<string, string | undefined>;

// What production refuses unless the operator takes it on by name.
const exceptions = ["weak-secrets", "plain-http", "demo-seed", "published-passwords"] as const;

// No limit needs to be higher, and counters of four bytes hold it.
const maxLimit = 1_000_000;

/** Says everything that is wrong with the settings, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor({ issues }: z.ZodError, refused: string) {
    // Each message goes on where the name of its variable ends.
    const problems = issues.map(({ path, message }) => `\n  - ${String(path[0])} ${message}`);
    super(`${refused} with these settings:${problems.join("")}`);
  }
}

/** Reads the settings of a server from the environment, once. Throws one `ConfigError` that lists every problem. */
export function readConfig(environment: Environment) {
  const text = textsOf(environment);
  const limits = text.APP_ENV === "production" ? limitsInProduction : limitsInDevelopment;
  const { success, data: set, error } = serverVariables(text).and(limits).safeParse(text, { jitless: true });
  if (!success) throw new ConfigError(error, "SkyFox cannot start");
  return {
    environment: set.APP_ENV,
    /** The address that it listens at. */
    host: set.HOST,
    port: set.PORT,
    /** The address of the metrics. */
    metricsHost: set.METRICS_HOST,
    /** Where Prometheus reads the metrics; undefined is nowhere. */
    metricsPort: set.METRICS_PORT,
    /** How many connections are open at once at most. */
    maxConnections: set.MAX_CONNECTIONS,
    /** How many calls are under way at once at most. */
    maxCalls: set.MAX_CALLS,
    /** How many streams, such as live seat maps, are open at once at most, in all and from one address. */
    streams: { inAll: set.MAX_STREAMS, perAddress: set.MAX_STREAMS_PER_ADDRESS },
    /** How long a connection without a call is kept. */
    keepAliveSeconds: set.KEEP_ALIVE_SECONDS,
    logLevel: set.LOG_LEVEL,
    databaseUrl: set.DATABASE_URL,
    /** Whether connections to the database keep their statements with their plans. */
    preparedStatements: set.PREPARED_STATEMENTS,
    /** The first signs session tokens, all verify them. */
    jwtSecrets: set.JWT_SECRET_KEYS ?? set.JWT_SECRET_KEY ?? onlyJwtSecret(developmentJwtSecret),
    /** What signs tickets; undefined makes a key and keeps it. */
    ticketSigningKeys: set.TICKET_SIGNING_KEY,
    apiKeys: set.API_GATEWAY_KEY ?? [{ name: "development", key: developmentApiKey }],
    /** Whether browsers find a reference of the API at `/docs`, without a key. */
    apiDocs: set.API_DOCS,
    /** As customers know it. */
    cinemaName: set.CINEMA_NAME,
    cinemaTimeZone: set.CINEMA_TIME_ZONE,
    /** ISO 4217. */
    currency: set.CURRENCY,
    holdSeconds: set.HOLD_SECONDS,
    payingSeconds: set.PAYING_SECONDS,
    /** Whether this server takes payments and settles, refunds and sweeps; otherwise it only reads and shows. */
    background: set.BACKGROUND,
    movieService: serviceOf(set.MOVIE_SERVICE_URL, set.MOVIE_SERVICE_API_KEY),
    paymentGateway: serviceOf(set.PAYMENT_GATEWAY_URL, set.PAYMENT_GATEWAY_API_KEY),
    /** Where pictures are kept; undefined keeps them in a folder. */
    imageBucket: bucketOf(set),
    /** Where browsers reach this server; undefined is where it listens, on this machine. */
    publicUrl: set.PUBLIC_URL,
    /** Origins that browsers may call from; undefined allows every loopback origin. */
    corsOrigins: set.CORS_ORIGINS,
    trustedProxies: set.TRUSTED_PROXIES,
    /** How often what may be guessed can be tried. */
    limits: set.limits,
    /** How many unpaid seats may be held. */
    holdLimits: {
      seatsPerCustomer: set.LIMIT_HELD_SEATS_PER_ACCOUNT,
      seatsPerAddress: set.LIMIT_HELD_SEATS_PER_ADDRESS,
      abandonedPerHour: set.LIMIT_ABANDONED_HOLDS_PER_ACCOUNT,
    },
    /** Whether the demo people and shows are put into the database at the start. */
    demoSeed: set.DEMO_SEED,
    /** Whether accounts of the demo seed cannot log in with their published passwords. */
    refusesPublishedPasswords:
      set.APP_ENV === "production" && !set.ALLOW_INSECURE.includes("published-passwords"),
  };
}

/** Reads what a command needs to work on the database, as a server reads it. Throws one `ConfigError` that lists every problem. */
export function readDatabaseConfig(environment: Environment) {
  const text = textsOf(environment);
  const read = z.object(databaseVariables(text)).safeParse(text);
  if (!read.success) throw new ConfigError(read.error, "The command cannot run");
  return { databaseUrl: read.data.DATABASE_URL, cinemaTimeZone: read.data.CINEMA_TIME_ZONE };
}

// An empty variable is an unset one: that is what most tools write for "nothing".
function textsOf(environment: Environment): Environment {
  return Object.fromEntries(settingNames.map((name) => [name, environment[name]?.trim() || undefined]));
}

function databaseVariables({ APP_ENV }: Environment) {
  return {
    APP_ENV: kinds.oneOf("development", "production").default("development"),
    DATABASE_URL: APP_ENV === "production" ? kinds.postgresUrl : kinds.postgresUrl.optional(),
    CINEMA_TIME_ZONE: kinds.timeZone.default("Asia/Kolkata"),
  };
}

/** The variables of a server, in the order in which their problems are listed. What one may be can depend on the text of others. */
function serverVariables(text: Environment) {
  const isSet = (name: string) => text[name] !== undefined;
  const isProduction = text.APP_ENV === "production";
  const allowed = kinds.entriesOf(text.ALLOW_INSECURE ?? "");
  const refuses = (exception: (typeof exceptions)[number]) => isProduction && !allowed.includes(exception);
  const inProduction = <Schema extends z.ZodType>(schema: Schema) =>
    isProduction ? schema : schema.optional();
  const neededWith = (name: string) =>
    isSet(name) ? z.string({ error: `is not set, but ${name} is.` }) : z.string().optional();
  const rules = { isProduction, refusesWeak: refuses("weak-secrets") };
  const { APP_ENV, DATABASE_URL, CINEMA_TIME_ZONE } = databaseVariables(text);
  return z.object({
    APP_ENV,
    ALLOW_INSECURE: kinds.listOf(...exceptions).default([]),
    HOST: kinds.ownAddress.default(isProduction ? "0.0.0.0" : "127.0.0.1"),
    PORT: kinds.wholeNumber(0, 65_535).default(8_080),
    METRICS_HOST: kinds.ownAddress.default("127.0.0.1"),
    METRICS_PORT: kinds
      .wholeNumber(0, 65_535)
      .refine(
        (port) => port === 0 || port !== Number(text.PORT ?? 8_080),
        "is the same as PORT; the metrics need a port of their own.",
      )
      .optional(),
    MAX_CONNECTIONS: kinds.wholeNumber(10, 65_535).default(4_000),
    MAX_CALLS: kinds.wholeNumber(10, 100_000).default(1_000),
    MAX_STREAMS: kinds.wholeNumber(1, 100_000).default(2_000),
    MAX_STREAMS_PER_ADDRESS: kinds
      .wholeNumber(1, 100_000)
      .default(200 * (isProduction ? 1 : developmentAddressFactor)),
    KEEP_ALIVE_SECONDS: kinds.wholeNumber(5, 600).default(75),
    LOG_LEVEL: kinds.oneOf("debug", "info", "warn", "error").default("info"),
    DATABASE_URL,
    PREPARED_STATEMENTS: kinds.onOrOff.default(true),
    JWT_SECRET_KEY: isSet("JWT_SECRET_KEYS") ? kinds.ignored : inProduction(jwtSecret(rules)),
    JWT_SECRET_KEYS: jwtSecrets(rules).optional(),
    TICKET_SIGNING_KEY: inProduction(
      kinds.readBy(readTicketKeys, "is a private Ed25519 key, and after a comma older ones, each in base64."),
    ),
    API_GATEWAY_KEY: inProduction(apiKeys(rules)),
    API_DOCS: kinds.onOrOff.default(!isProduction),
    CINEMA_NAME: kinds.shortText(60).default("SkyFox"),
    CINEMA_TIME_ZONE,
    CURRENCY: kinds.currency.default("INR"),
    HOLD_SECONDS: kinds.wholeNumber(1, 3_600).default(300),
    PAYING_SECONDS: kinds.wholeNumber(30, 86_400).default(600),
    BACKGROUND: kinds.onOrOff.default(true),
    MOVIE_SERVICE_URL: kinds.httpUrl.optional(),
    MOVIE_SERVICE_API_KEY: neededWith("MOVIE_SERVICE_URL"),
    PAYMENT_GATEWAY_URL: inProduction(
      kinds.httpUrl.refine(
        (url) => !refuses("plain-http") || !kinds.isPlainAndFar(url),
        "is another machine over http. Use https, or take it on with ALLOW_INSECURE=plain-http.",
      ),
    ),
    PAYMENT_GATEWAY_API_KEY: isProduction ? kinds.anyText : neededWith("PAYMENT_GATEWAY_URL"),
    S3_BUCKET: z.string().optional(),
    S3_ENDPOINT: kinds.httpUrl.refine(() => isSet("S3_BUCKET"), "is set, but S3_BUCKET is not.").optional(),
    AWS_ACCESS_KEY_ID: neededWith("S3_BUCKET"),
    AWS_SECRET_ACCESS_KEY: neededWith("S3_BUCKET"),
    // Other storages than S3 itself mostly have no regions; they take the name of the oldest one.
    AWS_REGION: isSet("S3_ENDPOINT") ? z.string().default("us-east-1") : neededWith("S3_BUCKET"),
    PUBLIC_URL: kinds.httpUrl.optional(),
    CORS_ORIGINS: isProduction ? kinds.origins.default([]) : kinds.origins.optional(),
    TRUSTED_PROXIES: kinds.wholeNumber(0, 10).default(0),
    LIMIT_HELD_SEATS_PER_ACCOUNT: kinds.wholeNumber(1, 1_000).default(10),
    LIMIT_HELD_SEATS_PER_ADDRESS: kinds
      .wholeNumber(1, maxLimit)
      .default(60 * (isProduction ? 1 : developmentAddressFactor)),
    LIMIT_ABANDONED_HOLDS_PER_ACCOUNT: kinds.wholeNumber(1, maxLimit).default(3),
    DEMO_SEED: kinds.onOrOff
      .refine(
        (isOn) => !isOn || !refuses("demo-seed"),
        "is on, and the demo's accounts have published passwords. Take it on with ALLOW_INSECURE=demo-seed.",
      )
      .refine(
        (isOn) => !isOn || !isProduction || (isSet("MOVIE_SERVICE_URL") && isSet("MOVIE_SERVICE_API_KEY")),
        "is on, and the demo shows need MOVIE_SERVICE_URL and MOVIE_SERVICE_API_KEY.",
      )
      .default(!isProduction),
  });
}

/** The limits of guessing, each bound with a variable of its own, such as `LIMIT_SIGN_UPS_PER_ADDRESS`. */
function limitVariables(usual: Limits) {
  const table = Object.entries<Limit>(usual);
  const shape: Record<string, z.ZodType<number>> = {};
  for (const [name, limit] of table)
    for (const bound of bounds)
      if (limit[bound] !== undefined)
        shape[limitVariable(name, bound)] = kinds.wholeNumber(1, maxLimit).default(limit[bound]);
  return z.object(shape).transform((set) => {
    const limits = table.map(([name, limit]) => {
      const own = bounds.map((bound) => [bound, set[limitVariable(name, bound)]] as const);
      return [name, { ...limit, ...Object.fromEntries<number | undefined>(own) }] as const;
    });
    return { limits: Object.fromEntries(limits) as Limits };
  });
}

const bounds = ["perDevice", "perAccount", "perAddress"] as const;
type Bound = (typeof bounds)[number];

function limitVariable(name: string, bound: Bound): string {
  return `limit_${name}_${bound}`.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
}

const limitsInProduction = limitVariables(limitTable);
// In development everyone comes from loopback.
const limitsInDevelopment = limitVariables(widenAddressLimits(limitTable, developmentAddressFactor));

/** The names of all variables. */
const settingNames = [...Object.keys(serverVariables({}).shape), ...Object.keys(limitsInProduction.in.shape)];

function serviceOf(url: string | undefined, apiKey: string | undefined): ServiceAccess | undefined {
  return url !== undefined && apiKey !== undefined ? { url, apiKey } : undefined;
}

function bucketOf(set: z.output<ReturnType<typeof serverVariables>>): BucketAccess | undefined {
  const { S3_BUCKET: bucket, AWS_REGION: region, S3_ENDPOINT: endpoint } = set;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = set;
  if (bucket === undefined || region === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { bucket, region, accessKeyId, secretAccessKey, endpoint };
}
