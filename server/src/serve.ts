import { isIPv6 } from "node:net";
import { migrateToLatest } from "@skyfox/db";
import { findPublishedPasswords } from "./auth/published-passwords.ts";
import { createPasswordHasher } from "./auth/passwords.ts";
import { compose, type CompleteConfig } from "./compose.ts";
import type { Logger } from "./deps.ts";
import { openPort, type Answering, type OpenPort } from "./http/listen.ts";
import { lowerPoolPriority } from "./thread-priority.ts";

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

/** Migrates the database, rebuilds the expiry monitors, and only then listens. Port 0 chooses a free one. */
export async function serve(config: CompleteConfig, logger: Logger): Promise<RunningServer> {
  const { adopted, applied } = await migrateToLatest(config.databaseUrl, {
    cinemaTimeZone: config.cinemaTimeZone,
  });
  if (applied.length > 0) logger.info({ adopted, applied }, "The database was migrated.");
  let url = "";
  const parts = await compose(config, logger, () => url);
  lowerPoolPriority(logger);
  if (config.environment === "production" && config.imageBucket === undefined) {
    const { imageFolder, publicUrl } = config;
    logger.warn(
      { imageFolder, publicUrl },
      publicUrl === undefined
        ? "Pictures are kept in a folder, and PUBLIC_URL is not set: links to them work on this machine only. Set it, or S3_BUCKET."
        : "Pictures are kept in a folder: other servers on this database cannot serve them. Set S3_BUCKET to share them.",
    );
  }
  if (config.environment === "production" && config.movieService === undefined)
    logger.warn({}, "MOVIE_SERVICE_URL is not set: no shows can be scheduled here.");
  const ports: OpenPort[] = [];
  const closePorts = () => Promise.all(ports.map((port) => closePort(port, logger)));
  try {
    if (config.environment === "production") {
      const accounts = await findPublishedPasswords(parts.deps.db, createPasswordHasher());
      if (accounts.length > 0) logger.warn({ accounts }, warningOfPublished(config));
    }
    const { rehydrated } = await parts.startBackground();
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
    let metricsUrl: string | undefined;
    if (parts.metricsApp !== undefined && config.metricsPort !== undefined) {
      const port = await open(parts.metricsApp, { port: config.metricsPort, hostname: config.metricsHost });
      metricsUrl = `http://${inUrl(config.metricsHost)}:${port}/metrics`;
    }
    const port = await open(parts.app, { port: config.port, hostname: config.host });
    url = `http://${localHosts.has(config.host) ? "localhost" : inUrl(config.host)}:${port}`;
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
    await parts.stopBackground();
    await parts.close();
    throw error;
  }
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
