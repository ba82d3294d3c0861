import {
  expireAnyDue,
  getServerSecret,
  hurryPaymentsAndRefunds,
  isReadOnly,
  listMigrations,
  openDatabase,
  sessionChannel,
  startListener,
  writeHeartbeat,
} from "@skyfox/db";
import { bookingPayments } from "./booking/booking-payments.ts";
import { goOnCancellingShows } from "./booking/cancel-show.ts";
import { createHashQueue } from "./auth/passwords.ts";
import { removeEnded } from "./auth/remove-ended.ts";
import { createSessionMemory } from "./auth/session-memory.ts";
import { createSessionTokens } from "./auth/session-tokens.ts";
import { startLoop, type Loop } from "./runtime/background.ts";
import { createExpiryMonitors, noExpiryMonitors } from "./booking/expiry-monitors.ts";
import { startDatabaseClock } from "./runtime/clock.ts";
import type { Config, ServiceAccess } from "./config.ts";
import type { Deps, Settings } from "./deps.ts";
import type { Logger } from "./runtime/ports.ts";
import { createApp } from "./http/app.ts";
import { countInFlight } from "./http/in-flight.ts";
import { createMetricsApp } from "./http/metrics-app.ts";
import { createBucketStore } from "./image/bucket-store.ts";
import { createFolderStore } from "./image/folder-store.ts";
import { removeImages } from "./image/keep-image.ts";
import { createPictureMaker } from "./image/make-picture.ts";
import { createGuessingLimits } from "./limits/guessing-limits.ts";
import { createMetrics } from "./runtime/metrics.ts";
import { fillInFilms } from "./movie/fill-in-films.ts";
import { connectMovieService, noMovieService } from "./movie/movie-service.ts";
import { askAfter } from "./payment/charge-card.ts";
import { checkBooks, openBooks } from "./payment/check-books.ts";
import { connectPaymentGateway } from "./payment/card-gateway.ts";
import type { PaymentSubjects } from "./payment/ports.ts";
import { topUpPayments } from "./wallet/top-up-payments.ts";
import { reconcilePayments } from "./payment/reconcile-payments.ts";
import { warnOfWaitingRefunds } from "./payment/waiting-refunds.ts";
import type { TicketSigningKeys } from "./ticket/ticket-keys.ts";
import { createTicketPrinter } from "./ticket/ticket-printer.ts";
import { createTicketTokens } from "./ticket/ticket-tokens.ts";

const reconcileEveryMs = 5_000;
const followJumpEveryMs = 1_000;
const sweepEveryMs = 10_000;
const heartbeatEveryMs = 5_000;
const warnOfWaitingEveryMs = 60_000;
const checkBooksEveryMs = 60 * 60_000;
const removeEveryMs = 10 * 60_000;
const fillInFilmsEveryMs = 10 * 60_000;
const removeImagesEveryMs = 60_000;
const sweepBatch = 500;
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
  const db = openDatabase(config.databaseUrl, {
    onConnectionError: (error) => {
      logger.warn({ err: error }, "A database connection was lost.");
      // The next one may lead to another database server with a clock of its own.
      doubtClock?.();
    },
  });
  // Recovery goes on while callers have all connections, and callers are served whatever recovery waits for.
  const backgroundDb = openDatabase(config.databaseUrl, {
    applicationName: "skyfox-background",
    maxConnections: backgroundConnections,
    onConnectionError: (error) => logger.warn({ err: error }, "A background connection was lost."),
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
  const monitors = config.background
    ? createExpiryMonitors({ db: backgroundDb, clock, logger })
    : noExpiryMonitors;
  const gateway = connectPaymentGateway({ ...config.paymentGateway, clock });
  const bucket = config.imageBucket && createBucketStore(config.imageBucket, { clock });
  const folder = createFolderStore({
    folder: config.imageFolder,
    publicUrl: () => config.publicUrl ?? ownUrl(),
    clock,
    secret: () => getServerSecret(db, "image links"),
  });
  const sessions = createSessionMemory(db);
  const endings = startListener(config.databaseUrl, { channel: sessionChannel, ...sessions });
  const deps: Deps = {
    db,
    books,
    clock,
    gateway,
    subjects: findSubjects({ clock, monitors, settings: config }),
    movies:
      config.movieService === undefined
        ? noMovieService
        : connectMovieService({ ...config.movieService, clock, logger }),
    monitors,
    hashQueue: createHashQueue(),
    tokens: createSessionTokens({ secrets: config.jwtSecrets, clock }),
    sessions,
    tickets: createTicketTokens(config.ticketSigningKeys),
    printer: createTicketPrinter(),
    pictures: createPictureMaker(),
    images: bucket ?? folder,
    limits: createGuessingLimits(db, config.limits),
    logger,
    settings: settingsOf(config),
  };

  const metrics = config.metricsPort === undefined ? undefined : createMetrics(deps);
  let isShuttingDown = false;
  let isMigrated = false;
  const inFlight = countInFlight();
  const { apiKeys, corsOrigins, trustedProxies, maxCalls } = config;
  const app = createApp(deps, {
    apiKeys,
    corsOrigins,
    trustedProxies,
    maxCalls,
    inFlight,
    imageFolder: bucket === undefined ? folder : undefined,
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

  const background: Deps = { ...deps, db: backgroundDb };
  const loops: Loop[] = [];
  const stopping = new AbortController();
  const unknownFilms = new Set<string>();
  return {
    app,
    metricsApp: metrics && createMetricsApp(metrics),
    deps,
    async startBackground() {
      const checkingBooks = {
        name: "check the books",
        everyMs: checkBooksEveryMs,
        run: () =>
          checkBooks({ books, logger, metrics }).catch((error: unknown) => {
            // A stop ends the reading.
            if (!stopping.signal.aborted) throw error;
          }),
      };
      if (!config.background) {
        loops.push(startLoop(deps, checkingBooks));
        return { rehydrated: 0 };
      }
      const longestGapSeconds = config.isSandboxGateway === true ? null : config.payingSeconds;
      const beat = async () => {
        await writeHeartbeat(backgroundDb, { now: await clock.nowIn(backgroundDb), longestGapSeconds });
      };
      const catchUp = async () => {
        const rehydrated = await monitors.rehydrate();
        await beat();
        const now = await clock.nowIn(backgroundDb);
        await hurryPaymentsAndRefunds(backgroundDb, { now, latestFirstTurn: askAfter(now) });
        return rehydrated;
      };
      let jumpsSeen = clock.jumps;
      const rehydrated = await catchUp();
      // Timers and turns were set by the time before the jump.
      const followJump = async () => {
        const { jumps } = clock;
        if (jumps === jumpsSeen) return;
        await catchUp();
        jumpsSeen = jumps;
      };
      const reconcile = async () => {
        // Before refunds are looked for: whether the database was away for long is known by the heartbeat before this one.
        await beat();
        await reconcilePayments(background, stopping.signal);
        await goOnCancellingShows(background, stopping.signal);
      };
      loops.push(
        startLoop(background, { name: "reconcile payments", everyMs: reconcileEveryMs, run: reconcile }),
        startLoop(background, { name: "follow the clock", everyMs: followJumpEveryMs, run: followJump }),
        // One of its own, since a round of the reconciler takes as long as the gateway does.
        startLoop(background, { name: "write the heartbeat", everyMs: heartbeatEveryMs, run: beat }),
        startLoop(background, {
          name: "warn of refunds that wait",
          everyMs: warnOfWaitingEveryMs,
          run: () => warnOfWaitingRefunds(background),
        }),
        startLoop(background, {
          name: "sweep expired holds",
          everyMs: sweepEveryMs,
          run: () => sweep(background, stopping.signal),
        }),
        startLoop(background, checkingBooks),
        startLoop(background, {
          name: "remove what has ended",
          everyMs: removeEveryMs,
          run: () => removeEnded(background, stopping.signal),
        }),
        startLoop(background, {
          name: "fill in films",
          everyMs: fillInFilmsEveryMs,
          run: () => fillInFilms(background, unknownFilms, stopping.signal),
        }),
        startLoop(background, {
          name: "remove pictures without an owner",
          everyMs: removeImagesEveryMs,
          run: () => removeImages(background, stopping.signal),
        }),
      );
      return { rehydrated };
    },
    async stopBackground() {
      isShuttingDown = true;
      stopping.abort();
      await Promise.all([books.close(), ...loops.map((loop) => loop.close()), monitors.close()]);
    },
    idle: inFlight.idle,
    async close() {
      clock.close();
      endings.close();
      bucket?.close();
      await Promise.all([db.destroy(), backgroundDb.destroy(), books.close()]);
    },
  };
}

// Each by its name: the configuration has secrets, and they stay here.
function settingsOf(config: CompleteConfig): Settings {
  const { cinemaTimeZone, currency, holdSeconds, payingSeconds } = config;
  const { background, holdLimits, refusesPublishedPasswords } = config;
  return {
    cinemaTimeZone,
    currency,
    holdSeconds,
    payingSeconds,
    background,
    holdLimits,
    refusesPublishedPasswords,
  };
}

/** What payments are for: a booking, or without one funds for the wallet. */
export function findSubjects(parts: Parameters<typeof bookingPayments>[0]): PaymentSubjects {
  const [bookings, topUps] = [bookingPayments(parts), topUpPayments(parts)];
  return { of: ({ bookingId }) => (bookingId === null ? topUps : bookings) };
}

// What a dead server left: holds that no monitor watches, and payments that kept their seats too long.
async function sweep({ db, clock, logger }: Deps, signal: AbortSignal): Promise<void> {
  let expired: number[];
  do {
    expired = await expireAnyDue(db, sweepBatch, await clock.nowIn(db));
    if (expired.length > 0) logger.info({ swept: expired.length }, "Holds without a timer have expired.");
  } while (expired.length >= sweepBatch && !signal.aborted);
}
