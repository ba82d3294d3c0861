import { generateKeyPairSync } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOnce, openDatabase, type Connection } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect } from "vitest";
import { startMovieService, type MovieServiceSandbox } from "../../scripts/sandbox/movie-service.ts";
import { startPaymentGateway, type PaymentGatewaySandbox } from "../../scripts/sandbox/payment-gateway.ts";
import { goOnCancellingShows } from "../src/booking/cancel-show.ts";
import { createHashQueue, createPasswordHasher, type HashCost } from "../src/auth/passwords.ts";
import type { SessionMemory } from "../src/auth/session-memory.ts";
import type { SessionSecret } from "../src/auth/session-tokens.ts";
import type { RunningExpiryMonitors } from "../src/booking/expiry-monitors.ts";
import { assemble, type Assembly } from "../src/compose.ts";
import type { BucketAccess } from "../src/config.ts";
import type { Deps, HashingDeps } from "../src/deps.ts";
import { createBucketStore } from "../src/image/bucket-store.ts";
import { createCallLimits } from "../src/limits/call-limits.ts";
import { createGuessingLimits } from "../src/limits/guessing-limits.ts";
import { joinLimits } from "../src/limits/limits.ts";
import { developmentAddressFactor, limitTable, widenAddressLimits } from "../src/limits/limit-table.ts";
import type { SeatMapFeed } from "../src/live-map/seat-map-feed.ts";
import { connectMovieService } from "../src/movie/movie-service.ts";
import { connectPaymentGateway } from "../src/payment/card-gateway.ts";
import { openBooks } from "../src/payment/check-books.ts";
import { reconcilePayments } from "../src/payment/reconcile-payments.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { createMemoryLogger, type MemoryLogger } from "./memory-logger.ts";
import { whenOver } from "./when-over.ts";

export const testApiKey = "key-of-the-tests";
export const testJwtSecret = "a secret of the tests, long enough for HS256";
/** Where browsers would reach the server of the tests. */
export const testPublicUrl = "https://cinema.test";
/** The key that signs the tickets of the tests. */
export const testTicketKeys = { signing: generateKeyPairSync("ed25519").privateKey, retired: [] };
const onlyTestSecret: [SessionSecret] = [{ kid: "default", secret: testJwtSecret }];
const storageTimeoutMs = 500;
/** The key of the tests' gateway. */
export const testGatewayKey = "gateway-key-of-the-tests";
const movieKey = "movie-key-of-the-tests";

/** Noon of a Tuesday in Asia/Kolkata: every clock of a test starts here. */
export const testStart = new Date("2026-03-10T06:30:00Z");

/** A whole server without a port: real Postgres, gateway and movie service, a clock that the test moves. */
export interface TestApp {
  deps: HashingDeps & { monitors: RunningExpiryMonitors; sessions: SessionMemory; liveMaps: SeatMapFeed };
  app: Assembly["app"];
  clock: ManualClock;
  gateway: PaymentGatewaySandbox;
  movieService: MovieServiceSandbox;
  logger: MemoryLogger;
  /** A plain connection to look at, and to prepare, the database. */
  sql: Connection;
  databaseUrl: string;
  /** Where pictures are kept, unless the test has a bucket; it may not be there yet. */
  imageFolder: string;
  /** One round of the reconciler, as a running server has it every few seconds. */
  reconcile(signal?: AbortSignal): Promise<void>;
  /** One round of sharing what callers are counted for, as a running server has it twice a second. */
  shareCounts(): Promise<void>;
  /** Begins all limits of this server anew. */
  forgetCounts(): Promise<void>;
  /** Rows of `integrity_violation`; the end of the server asserts that there are none. */
  listViolations(): Promise<unknown[]>;
}

export interface TestAppOptions {
  settings?: Partial<Deps["settings"]>;
  corsOrigins?: string[];
  trustedProxies?: number;
  /** Another server on the database of this one, with its clock, gateway and movie service. */
  beside?: TestApp;
  maxConnections?: number;
  /** How long a database that says nothing is waited for. */
  databaseSilenceMs?: number;
  /** Another way to the database for the server's own connections, such as a proxy that counts. */
  databaseUrl?: (url: string) => string;
  /** Another way to the database for what hears of ended sessions. */
  listenUrl?: string;
  gatewayTimeoutMs?: number;
  /** The clock to go by, where something else goes by it too. */
  clock?: ManualClock;
  /** Keeps pictures in a bucket. */
  bucket?: BucketAccess;
  /** How many streams there may be. */
  streams?: { inAll: number; perAddress: number };
  /** Hashes at the cost of production; by default a hash costs next to nothing. */
  hashesAsInProduction?: boolean;
  /** How many calls that hash are at work and wait at most. */
  hashGate?: { atOnce: number; waiting: number };
  /** How much wider the limits per address are; as in development unless told otherwise. */
  addressLimitFactor?: number;
}

// A hash of production takes 25 milliseconds, and most tests that hash are about something else.
const cheapHash: HashCost = { memoryCost: 64, timeCost: 1, parallelism: 1 };

/** Builds a server for the test or the test file that calls it, and takes it down when that is over. */
export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { beside } = options;
  const hashCost = options.hashesAsInProduction ? undefined : cheapHash;
  const databaseUrl = beside?.databaseUrl ?? (await createTestDatabase()).url;
  const clock = options.clock ?? beside?.clock ?? createManualClock(testStart);
  const gateway = beside?.gateway ?? (await startPaymentGateway({ apiKey: testGatewayKey, now: clock.now }));
  const movieService = beside?.movieService ?? (await startMovieService({ apiKey: movieKey }));
  const logger = createMemoryLogger();
  const db = openDatabase(options.databaseUrl?.(databaseUrl) ?? databaseUrl, {
    maxConnections: options.maxConnections ?? 10,
    ...(options.databaseSilenceMs !== undefined && { silenceMs: options.databaseSilenceMs }),
  });
  const imageFolder = beside?.imageFolder ?? join(tmpdir(), `skyfox-images-${crypto.randomUUID()}`);
  const books = openBooks(databaseUrl);
  const bucket = options.bucket && createBucketStore(options.bucket, { clock, timeoutMs: storageTimeoutMs });
  const paymentGateway = { url: gateway.url, apiKey: testGatewayKey };
  const config = {
    cinemaName: "The Test Cinema",
    cinemaTimeZone: "Asia/Kolkata",
    currency: "INR",
    holdSeconds: 300,
    payingSeconds: 600,
    background: true,
    holdLimits: { seatsPerCustomer: 50, seatsPerAddress: 6_000, abandonedPerHour: 1_000 },
    refusesPublishedPasswords: false,
    apiDocs: false,
    apiKeys: [{ name: "tests", key: testApiKey }],
    corsOrigins: options.corsOrigins,
    trustedProxies: options.trustedProxies ?? 0,
    maxCalls: 1_000,
    streams: options.streams ?? { inAll: 2_000, perAddress: 2_000 },
    paymentGateway,
    movieService: { url: movieService.url, apiKey: movieKey },
    jwtSecrets: onlyTestSecret,
    ticketSigningKeys: testTicketKeys,
    limits: widenAddressLimits(limitTable, options.addressLimitFactor ?? developmentAddressFactor),
    imageBucket: undefined,
    imageFolder,
    publicUrl: testPublicUrl,
    ...options.settings,
  };
  const {
    deps: parts,
    app,
    monitors,
    sessions,
    liveMaps,
    calls: firstCalls,
    returns,
    hearing,
    close,
  } = assemble(
    config,
    {
      db,
      backgroundDb: db,
      books,
      clock,
      logger,
      ownUrl: () => testPublicUrl,
      listenUrl: options.listenUrl ?? databaseUrl,
      findUnready: () => Promise.resolve([]),
    },
    {
      // Without jitter nothing waits before it tries again.
      movies: connectMovieService({ ...config.movieService, clock, logger, random: () => 0 }),
      ...(options.gatewayTimeoutMs !== undefined && {
        gateway: connectPaymentGateway({ ...paymentGateway, clock, timeoutMs: options.gatewayTimeoutMs }),
      }),
      hashQueue: createHashQueue(options.hashGate, hashCost),
      ...(bucket && { images: bucket }),
    },
  );
  // The object that the server uses: a test may put another part into it.
  const deps = Object.assign(parts, {
    monitors,
    sessions,
    liveMaps,
    passwords: createPasswordHasher(undefined, hashCost),
    releasePermit: () => {},
  });
  let calls = firstCalls;
  // What is remembered before is forgotten then.
  await hearing;
  const sql = await connectOnce(databaseUrl);
  const listViolations = () => sql.query("select rule, subject, details from integrity_violation");

  const forgetCounts = async () => {
    await returns.settled();
    await sql.query("truncate rate_limit");
    calls = createCallLimits(deps, config.limits);
    // In place: a test may have put the object into other parts.
    Object.assign(deps.limits, joinLimits(createGuessingLimits(db, config.limits, returns), calls));
  };

  const reconcile = async (signal?: AbortSignal) => {
    await reconcilePayments(deps, signal);
    await goOnCancellingShows(deps, signal);
  };

  whenOver(async () => {
    await Promise.all([monitors.close(), liveMaps.close(), returns.settled()]);
    expect(await listViolations()).toEqual([]);
    expect(logger.lines.filter((line) => "unlistedCode" in line)).toEqual([]);
    close();
    await sql.end();
    await db.destroy();
    await books.close();
    bucket?.close();
    await rm(imageFolder, { recursive: true, force: true });
    if (beside === undefined) await Promise.all([gateway.stop(), movieService.stop()]);
  });
  return {
    deps,
    app,
    clock,
    gateway,
    movieService,
    logger,
    sql,
    databaseUrl,
    imageFolder,
    reconcile,
    /** Resolves once what was counted, and given back, is in the database. */
    shareCounts: async () => {
      await Promise.all([calls.share(), returns.settled()]);
    },
    forgetCounts,
    listViolations,
  };
}
