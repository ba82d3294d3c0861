import {
  getServerSecret,
  isReadOnly,
  listMigrations,
  openDatabase,
  seatChannel,
  sessionChannel,
  startListener,
  type Db,
} from "@skyfox/db";
import { bookingPayments } from "./booking/booking-payments.ts";
import { createHashQueue } from "./auth/passwords.ts";
import { createSessionMemory, type SessionMemory } from "./auth/session-memory.ts";
import { createSessionTokens } from "./auth/session-tokens.ts";
import { createBackgroundTasks } from "./background-tasks.ts";
import {
  createExpiryMonitors,
  noExpiryMonitors,
  type RunningExpiryMonitors,
} from "./booking/expiry-monitors.ts";
import { startLoop } from "./runtime/background.ts";
import { startDatabaseClock } from "./runtime/clock.ts";
import type { Config, ServiceAccess } from "./config.ts";
import type { Deps, Settings } from "./deps.ts";
import type { Clock, Logger } from "./runtime/ports.ts";
import { createApp, type SkyfoxApp } from "./http/app.ts";
import type { BoxOffice } from "./http/box-office.ts";
import { countInFlight } from "./http/in-flight.ts";
import { createMetricsApp } from "./http/metrics-app.ts";
import { createBucketStore } from "./image/bucket-store.ts";
import { createFolderStore } from "./image/folder-store.ts";
import { createPictureMaker } from "./image/make-picture.ts";
import { createSeatMapFeed, type SeatMapFeed } from "./live-map/seat-map-feed.ts";
import { createCallLimits, shareEveryMs, type CallLimits } from "./limits/call-limits.ts";
import { createGuessingLimits } from "./limits/guessing-limits.ts";
import { joinLimits } from "./limits/limits.ts";
import { createTryReturns, type TryReturns } from "./limits/try-returns.ts";
import { createMetrics } from "./runtime/metrics.ts";
import { connectMovieService, noMovieService } from "./movie/movie-service.ts";
import { openBooks } from "./payment/check-books.ts";
import { connectPaymentGateway } from "./payment/card-gateway.ts";
import type { Books, PaymentSubjects } from "./payment/ports.ts";
import { createShowReader } from "./show/show-reader.ts";
import { topUpPayments } from "./wallet/top-up-payments.ts";
import type { TicketSigningKeys } from "./ticket/ticket-keys.ts";
import { createTicketPrinter } from "./ticket/ticket-printer.ts";
import { createTicketTokens } from "./ticket/ticket-tokens.ts";

const backgroundConnections = 5;

/** The settings with nothing left open: where development has an embedded part, its address is filled in. */
export type CompleteConfig = Config & {
  databaseUrl: string;
  paymentGateway: ServiceAccess;
  ticketSigningKeys: TicketSigningKeys;
  /** Where pictures are kept unless there is a bucket for them. */
  imageFolder: string;
  /** Whether the gateway is the sandbox that this start brought along: no refund has to wait there, since no money is real. */
  isSandboxGateway?: boolean;
  /** The page that development serves at `/`. */
  boxOffice?: BoxOffice | undefined;
};

/** A server with all its parts, not listening yet. */
export interface Composition {
  app: ReturnType<typeof createApp>;
  /** What the port of the metrics answers, if there is one. */
  metricsApp: ReturnType<typeof createMetricsApp> | undefined;
  deps: Deps;
  /** Rebuilds the expiry monitors from Postgres, then starts the background tasks; with BACKGROUND=off only what reads. Must be done before listening. */
  startBackground(): Promise<{ rehydrated: number }>;
  /** From now on /ready says that the server is shutting down, and the books are not read; resolves once no background task runs any more. */
  stopBackground(): Promise<void>;
  /** Resolves once no call is being worked on. */
  idle(): Promise<void>;
  /** Closes the database's connections. */
  close(): Promise<void>;
}

/** Brings the parts together: the one place that knows the concrete ones. `ownUrl` is asked only once the server listens. */
export async function compose(
  config: CompleteConfig,
  logger: Logger,
  ownUrl: () => string,
): Promise<Composition> {
  let doubtClock: (() => void) | undefined;
  const preparesStatements = config.preparedStatements;
  const db = openDatabase(config.databaseUrl, {
    preparesStatements,
    onConnectionError: (error) => {
      logger.warn({ err: error }, "A database connection was lost.");
      // The next one may lead to another database server with a clock of its own.
      doubtClock?.();
    },
  });
  // Recovery goes on while callers have all connections, and callers are served whatever recovery waits for.
  const backgroundDb = openDatabase(config.databaseUrl, {
    applicationName: "skyfox-background",
    preparesStatements,
    maxConnections: backgroundConnections,
    onConnectionError: (error) => {
      logger.warn({ err: error }, "A background connection was lost.");
      // A server without calls has no others.
      doubtClock?.();
    },
  });
  const books = openBooks(config.databaseUrl, {
    onConnectionError: (error) =>
      logger.warn({ err: error }, "The connection that reads the books was lost."),
  });
  const clock = await startDatabaseClock(db, logger).catch(async (error: unknown) => {
    await Promise.all([db.destroy(), backgroundDb.destroy(), books.close()]);
    throw error;
  });
  doubtClock = clock.doubt;
  let isShuttingDown = false;
  let isMigrated = false;
  const { deps, app, monitors, calls, returns, liveMaps, idle, close } = assemble(config, {
    db,
    backgroundDb,
    books,
    clock,
    logger,
    ownUrl,
    listenUrl: config.databaseUrl,
    async findUnready() {
      if (isShuttingDown) return ["shutting down"];
      try {
        if (await isReadOnly(db)) return ["database (read-only)"];
        isMigrated ||= (await listMigrations(config.databaseUrl)).pending.length === 0;
        return isMigrated ? [] : ["migrations"];
      } catch {
        return ["database"];
      }
    },
  });

  const sharing = startLoop(
    { clock, logger },
    { name: "share counts of calls", everyMs: shareEveryMs, run: calls.share },
  );
  const metrics = config.metricsPort === undefined ? undefined : createMetrics(deps);
  const tasks = createBackgroundTasks(
    { ...deps, db: backgroundDb },
    {
      clock,
      monitors,
      metrics,
      isOn: config.background,
      longestGapSeconds: config.isSandboxGateway === true ? null : config.payingSeconds,
    },
  );
  return {
    app,
    metricsApp: metrics && createMetricsApp(metrics),
    deps,
    startBackground: tasks.start,
    async stopBackground() {
      isShuttingDown = true;
      await Promise.all([books.close(), tasks.stop(), monitors.close(), liveMaps.close()]);
    },
    idle,
    async close() {
      await sharing.close();
      // What was counted, and given back, since the last round.
      await Promise.all([calls.share(), returns.settled()]);
      clock.close();
      close();
      await Promise.all([db.destroy(), backgroundDb.destroy(), books.close()]);
    },
  };
}

/** The settings that parts are made with. */
export type PartsConfig = Settings &
  Pick<
    CompleteConfig,
    | "apiDocs"
    | "apiKeys"
    | "boxOffice"
    | "corsOrigins"
    | "imageBucket"
    | "imageFolder"
    | "jwtSecrets"
    | "limits"
    | "maxCalls"
    | "movieService"
    | "paymentGateway"
    | "publicUrl"
    | "streams"
    | "ticketSigningKeys"
    | "trustedProxies"
  >;

/** What parts are made from. */
export interface Foundations {
  db: Db;
  /** Serves what goes on while callers have all connections. */
  backgroundDb: Db;
  books: Books;
  clock: Clock;
  logger: Logger;
  /** Where the server listens. */
  ownUrl: () => string;
  /** The database, as the listener reaches it. */
  listenUrl: string;
  /** What is not ready, in words; empty when everything is. */
  findUnready: () => Promise<string[]>;
}

/** The parts of a server, and the HTTP side that uses them. */
export interface Assembly {
  deps: Deps;
  app: SkyfoxApp;
  monitors: RunningExpiryMonitors;
  sessions: SessionMemory;
  calls: CallLimits;
  returns: TryReturns;
  liveMaps: SeatMapFeed;
  /** Resolves once ended sessions are heard of, and changes of seats on other servers. */
  hearing: Promise<void>;
  /** Resolves once no call is being worked on. */
  idle(): Promise<void>;
  /** Closes the connections that the parts have of their own. */
  close(): void;
}

/** Makes the parts of a server from what a start, or a test, has opened. `replaced` are parts that a test makes in another way. */
export function assemble(
  config: PartsConfig,
  { db, backgroundDb, books, clock, logger, ownUrl, listenUrl, findUnready }: Foundations,
  replaced: Partial<Deps> = {},
): Assembly {
  const monitors = config.background
    ? createExpiryMonitors({ db: backgroundDb, clock, logger })
    : noExpiryMonitors;
  const bucket = config.imageBucket && createBucketStore(config.imageBucket, { clock });
  const folder = createFolderStore({
    folder: config.imageFolder,
    publicUrl: () => config.publicUrl ?? ownUrl(),
    clock,
    secret: () => getServerSecret(db, "image links"),
  });
  const sessions = createSessionMemory(db);
  const endings = startListener(listenUrl, { channel: sessionChannel, ...sessions });
  const liveMaps = createSeatMapFeed({
    db: backgroundDb,
    clock,
    logger,
    announce: (text) => seatNotices.announce(text),
    bounds: config.streams,
  });
  const seatNotices = startListener(listenUrl, { channel: seatChannel, ...liveMaps });
  const calls = createCallLimits({ db: backgroundDb, clock, logger }, config.limits);
  const returns = createTryReturns({ db: backgroundDb, logger });
  const deps: Deps = {
    db,
    books,
    clock,
    gateway: connectPaymentGateway({ ...config.paymentGateway, clock }),
    subjects: findSubjects({ clock, monitors, settings: config }),
    movies:
      config.movieService === undefined
        ? noMovieService
        : connectMovieService({ ...config.movieService, clock, logger }),
    monitors,
    hashQueue: createHashQueue(),
    tokens: createSessionTokens({ secrets: config.jwtSecrets, clock }),
    sessions,
    shows: createShowReader({ db, clock }),
    tickets: createTicketTokens(config.ticketSigningKeys),
    printer: createTicketPrinter(),
    pictures: createPictureMaker(),
    images: bucket ?? folder,
    limits: joinLimits(createGuessingLimits(db, config.limits, returns), calls),
    liveMaps,
    logger,
    settings: settingsOf(config),
    ...replaced,
  };
  const inFlight = countInFlight();
  const { apiDocs, apiKeys, corsOrigins, trustedProxies, maxCalls } = config;
  const imageFolder = deps.images === folder ? folder : undefined;
  const posterOrigin = config.movieService && new URL(config.movieService.url).origin;
  const app = createApp(deps, {
    apiDocs,
    apiKeys,
    corsOrigins,
    trustedProxies,
    maxCalls,
    findUnready,
    inFlight,
    imageFolder,
    boxOffice: config.boxOffice && { files: config.boxOffice, posterOrigin },
  });
  return {
    deps,
    app,
    monitors,
    sessions,
    calls,
    returns,
    liveMaps,
    hearing: Promise.all([endings.hearing, seatNotices.hearing]).then(() => {}),
    idle: inFlight.idle,
    close() {
      endings.close();
      seatNotices.close();
      bucket?.close();
    },
  };
}

// Each by its name: the configuration has secrets, and they stay here.
function settingsOf(config: Settings): Settings {
  const { cinemaName, cinemaTimeZone, currency, holdSeconds, payingSeconds } = config;
  const { background, holdLimits, refusesPublishedPasswords } = config;
  return {
    cinemaName,
    cinemaTimeZone,
    currency,
    holdSeconds,
    payingSeconds,
    background,
    holdLimits,
    refusesPublishedPasswords,
  };
}

// What payments are for: a booking, or without one funds for the wallet.
function findSubjects(parts: Parameters<typeof bookingPayments>[0]): PaymentSubjects {
  const [bookings, topUps] = [bookingPayments(parts), topUpPayments(parts)];
  return { of: ({ bookingId }) => (bookingId === null ? topUps : bookings) };
}
