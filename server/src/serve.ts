import { isIPv6 } from "node:net";
import { migrateToLatest } from "@skyfox/db";
import { findPublishedPasswords } from "./auth/published-passwords.ts";
import { createPasswordHasher } from "./auth/passwords.ts";
import { compose, type CompleteConfig, type Composition } from "./compose.ts";
import { assertLivingDatabase } from "./runtime/database-identity.ts";
import type { Deps } from "./deps.ts";
import type { Logger } from "./runtime/ports.ts";
import { openPort, type Answering, type OpenPort } from "./http/listen.ts";
import { createStartingApp } from "./http/starting-app.ts";
import { retryPassingFaults, type RetryTiming } from "./runtime/start-retries.ts";
import { lowerPoolPriority } from "./runtime/thread-priority.ts";

// What listens at these answers at localhost.
const localHosts = new Set(["127.0.0.1", "0.0.0.0", "::"]);
const closeIdleAgainMs = 100;
const graceMs = 8_000;
const closeMs = 1_000;
// One address may have this part of all connections: a campus behind one has enough, and one caller cannot take all.
const addressShare = 4;

export interface RunningServer {
  /** Where it listens. */
  url: string;
  /** Where the metrics are, if they have a port. */
  metricsUrl: string | undefined;
  /** Answers what is under way, refuses what is new, then stops everything; at most ten seconds. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** Fills the database before the server is ready. It is called again when the start is tried again. */
  prepare?: (deps: Deps) => Promise<void>;
  /** Ends the start before its next try, with the signal's reason. */
  signal?: AbortSignal;
  /** How the time between two tries passes. */
  timing?: RetryTiming;
}

/**
 * Opens the ports, which answer 503 at first. Then the database is migrated and known as the living one, and the expiry monitors are rebuilt; what
 * may pass by itself is tried again for two minutes. Only then holds expire, payments are settled and calls get through. Port 0 chooses a free one.
 */
export async function serve(
  config: CompleteConfig,
  logger: Logger,
  { prepare, signal, timing }: StartOptions = {},
): Promise<RunningServer> {
  const ports: OpenPort[] = [];
  const closePorts = () => Promise.all(ports.map((port) => closePort(port, logger)));
  const connections = {
    atOnce: config.maxConnections,
    // Behind a proxy all callers have its address. In development all have loopback's.
    atOncePerAddress:
      config.trustedProxies === 0 && config.environment === "production"
        ? Math.ceil(config.maxConnections / addressShare)
        : undefined,
  };
  const open = async (answering: Answering, at: { port: number; hostname: string }) => {
    const options = { ...at, keepAliveSeconds: config.keepAliveSeconds, connections };
    const opened = await openPort(answering, options, logger);
    ports.push(opened);
    return opened.port;
  };
  const calls = createExchangeable(createStartingApp(logger, config));
  const metrics = createExchangeable({ fetch: () => new Response(null, { status: 503 }) });
  try {
    let metricsUrl: string | undefined;
    if (config.metricsPort !== undefined) {
      const port = await open(metrics.answering, { port: config.metricsPort, hostname: config.metricsHost });
      metricsUrl = `http://${inUrl(config.metricsHost)}:${port}/metrics`;
    }
    const port = await open(calls.answering, { port: config.port, hostname: config.host });
    const url = `http://${localHosts.has(config.host) ? "localhost" : inUrl(config.host)}:${port}`;
    logger.info({ url, metricsUrl }, "The port is open; calls are refused until the start is done.");
    warnOfSettings(config, logger);
    const attempt = () =>
      startParts(config, logger, { url, ...(prepare && { prepare }), ...(signal && { signal }) });
    const { parts, rehydrated } = await retryPassingFaults(attempt, { logger, signal, timing });
    calls.exchange(parts.app);
    if (parts.metricsApp !== undefined) metrics.exchange(parts.metricsApp);
    logger.info({ url, metricsUrl, rehydrated }, "SkyFox is listening.");
    return {
      url,
      metricsUrl,
      async close() {
        await Promise.all([closePorts(), withinGrace(parts.idle()), withinGrace(parts.stopBackground())]);
        await withinGrace(parts.close(), closeMs);
        logger.info({}, "SkyFox has stopped.");
      },
    };
  } catch (error) {
    await closePorts();
    throw error;
  }
}

/** One try to start everything behind the ports. What it has begun is ended when it fails. */
async function startParts(
  config: CompleteConfig,
  logger: Logger,
  { url, prepare, signal }: { url: string } & Pick<StartOptions, "prepare" | "signal">,
): Promise<{ parts: Composition; rehydrated: number }> {
  const { adopted, applied } = await migrateToLatest(config.databaseUrl, {
    cinemaTimeZone: config.cinemaTimeZone,
    say: (line) => logger.warn({}, line),
    signal,
  });
  if (applied.length > 0) logger.info({ adopted, applied }, "The database was migrated.");
  const parts = await compose(config, logger, () => url);
  try {
    await assertLivingDatabase(parts.deps, config);
    await prepare?.(parts.deps);
    lowerPoolPriority(logger);
    if (config.environment === "production") {
      const accounts = await findPublishedPasswords(parts.deps.db, createPasswordHasher());
      if (accounts.length > 0) logger.warn({ accounts }, warningOfPublished(config));
    }
    signal?.throwIfAborted();
    const { rehydrated } = await parts.startBackground();
    return { parts, rehydrated };
  } catch (error) {
    await parts.stopBackground();
    await parts.close();
    throw error;
  }
}

/** Answers on a port by what can be exchanged while the port is open. */
function createExchangeable(first: Answering) {
  let current = first;
  const answering: Answering = {
    fetch: (request, env) => current.fetch(request, env),
    refuseEarly: (incoming, outgoing) => current.refuseEarly?.(incoming, outgoing) ?? false,
  };
  return { answering, exchange: (next: Answering) => void (current = next) };
}

function warnOfSettings(config: CompleteConfig, logger: Logger): void {
  if (!config.background)
    logger.warn(
      {},
      "BACKGROUND is off: this server takes no payments, settles and refunds none, and expires no holds.",
    );
  if (config.environment !== "production") return;
  const { imageFolder, publicUrl } = config;
  if (config.imageBucket === undefined) {
    logger.warn(
      { imageFolder, publicUrl },
      publicUrl === undefined
        ? "Pictures are kept in a folder, and PUBLIC_URL is not set: links to them work on this machine only. Set it, or S3_BUCKET."
        : "Pictures are kept in a folder: other servers on this database cannot serve them. Set S3_BUCKET to share them.",
    );
  }
  if (config.movieService === undefined)
    logger.warn({}, "MOVIE_SERVICE_URL is not set: no shows can be scheduled here.");
}

function warningOfPublished({ refusesPublishedPasswords }: CompleteConfig): string {
  return refusesPublishedPasswords
    ? "These accounts have published passwords and cannot log in until they are changed."
    : "These accounts have published passwords, and anyone can log in to them. Change them.";
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

// A payment whose caller has gone away still gets its outcome recorded; what takes longer is left to the reconciler.
async function withinGrace(work: Promise<void>, ms = graceMs): Promise<void> {
  const grace = new AbortController();
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    grace.signal.addEventListener("abort", () => clearTimeout(timer));
  });
  await Promise.race([work, over]);
  grace.abort();
}

async function closePort({ server, stopListening }: OpenPort, logger: Logger): Promise<void> {
  const closed = stopListening();
  server.closeIdleConnections();
  // A connection whose answer was just written becomes idle a moment later.
  const again = setInterval(() => server.closeIdleConnections(), closeIdleAgainMs);
  const cut = setTimeout(() => {
    logger.warn({}, "Some calls took too long to end; their connections are cut.");
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearInterval(again);
  clearTimeout(cut);
}
