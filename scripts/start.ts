import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { setInterval } from "node:timers/promises";
import { migrateToLatest, openDatabase } from "@skyfox/db";
import { startDevelopmentPostgres } from "@skyfox/db/embedded";
import type { CompleteConfig } from "../server/src/compose.ts";
import { startDatabaseClock } from "../server/src/clock.ts";
import { ConfigError, readConfig, type Config } from "../server/src/config.ts";
import type { Clock, Logger } from "../server/src/deps.ts";
import { createLogger } from "../server/src/logger.ts";
import { connectMovieService } from "../server/src/movie/movie-service.ts";
import { serve } from "../server/src/serve.ts";
import { describeFailure, postgresDirectoryIn, stateDirectory } from "./database.ts";
import { testCards } from "./sandbox/cards.ts";
import { startMovieService } from "./sandbox/movie-service.ts";
import { startPaymentGateway } from "./sandbox/payment-gateway.ts";
import { demoCustomer, demoPassword, demoStaff, seedDemo } from "./seed.ts";
import { stopOnSignals } from "./stop-on-signals.ts";
import { keepTicketKey } from "./ticket-key.ts";

const addShowsEveryMs = 2_000;
const sandboxKey = "sandbox-key-of-this-machine";

export interface RunningSkyfox {
  url: string;
  config: CompleteConfig;
  /** What this start brought along itself because no setting names another one, in words. */
  embedded: string[];
  /** Stops the server, then what it brought along. */
  stop(): Promise<void>;
}

/**
 * Starts SkyFox with these settings. In development whatever has no setting is brought along: a Postgres and a payment gateway that
 * keep their state in that directory, and a movie service. On failure everything that was started is stopped again.
 */
export async function startSkyfox(
  config: Config,
  logger: Logger,
  directory: string = stateDirectory,
): Promise<RunningSkyfox> {
  const stops: (() => Promise<void>)[] = [];
  const stop = () => stopAll(stops.splice(0).toReversed());
  const embedded: string[] = [];
  try {
    const complete = await bringAlong(config, directory, embedded, stops);
    if (complete.demoSeed) stops.push(await seed(complete, logger));
    const server = await serve(complete, logger);
    stops.push(() => server.close());
    return { url: server.url, config: complete, embedded, stop };
  } catch (error) {
    await stop().catch((err: unknown) => logger.error({ err }, "What had started could not all be stopped."));
    throw error;
  }
}

// One that does not stop must not keep the others running.
async function stopAll(stops: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const stop of stops) await stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures);
}

async function bringAlong(
  config: Config,
  directory: string,
  embedded: string[],
  stops: (() => Promise<void>)[],
): Promise<CompleteConfig> {
  let { databaseUrl, movieService, paymentGateway } = config;
  const isProduction = config.environment === "production";
  if (!isProduction) await mkdir(directory, { recursive: true });
  if (databaseUrl === undefined) {
    const postgresDirectory = postgresDirectoryIn(directory);
    const postgres = await startDevelopmentPostgres({ directory: postgresDirectory });
    stops.push(postgres.stop);
    databaseUrl = postgres.url;
    embedded.push(`Postgres       data in ${relative(process.cwd(), postgresDirectory)}`);
  }
  if (!isProduction && movieService === undefined) {
    const sandbox = await startMovieService({ apiKey: sandboxKey });
    stops.push(sandbox.stop);
    movieService = { url: sandbox.url, apiKey: sandboxKey };
    embedded.push(`movie service  ${sandbox.url}`);
  }
  if (paymentGateway === undefined) {
    const booksFile = join(directory, "gateway.json");
    const sandbox = await startPaymentGateway({ apiKey: sandboxKey, booksFile });
    stops.push(sandbox.stop);
    paymentGateway = { url: sandbox.url, apiKey: sandboxKey };
    embedded.push(`card gateway   ${sandbox.url}, books in ${relative(process.cwd(), booksFile)}`);
  }
  let { ticketSigningKeys } = config;
  if (ticketSigningKeys === undefined) {
    const keyFile = join(directory, "ticket-key");
    ticketSigningKeys = await keepTicketKey(keyFile);
    embedded.push(`ticket key     ${relative(process.cwd(), keyFile)}`);
  }
  const imageFolder = join(directory, "images");
  if (!isProduction && config.imageBucket === undefined)
    embedded.push(`picture folder ${relative(process.cwd(), imageFolder)}`);
  return { ...config, databaseUrl, movieService, paymentGateway, ticketSigningKeys, imageFolder };
}

// Resolves with what stops it: while the movie service gives no films the shows are still to be added.
async function seed(config: CompleteConfig, logger: Logger): Promise<() => Promise<void>> {
  const { cinemaTimeZone, movieService } = config;
  if (movieService === undefined) throw new Error("The demo shows need a movie service.");
  await migrateToLatest(config.databaseUrl, { cinemaTimeZone });
  const db = openDatabase(config.databaseUrl, { maxConnections: 1 });
  const stopping = new AbortController();
  let close = async () => await db.destroy();
  const addShows = async (clock: Clock) => {
    const movies = connectMovieService({ ...movieService, clock, logger });
    const { newShows, noFilms } = await seedDemo(db, { now: clock.now(), cinemaTimeZone, movies });
    if (newShows > 0) logger.info({ newShows }, "Demo shows were added.");
    return noFilms;
  };
  try {
    const clock = await startDatabaseClock(db, logger);
    close = async () => {
      clock.close();
      await db.destroy();
    };
    const reason = await addShows(clock);
    if (reason === undefined) {
      await close();
      return async () => {};
    }
    logger.warn(
      { reason },
      "The movie service gives no films. Demo shows that are missing are added when it does; if it never will, check MOVIE_SERVICE_URL " +
        "and MOVIE_SERVICE_API_KEY, or start with DEMO_SEED=off.",
    );
    const adding = addShowsLater(() => addShows(clock), stopping.signal, logger).then(close);
    return async () => {
      stopping.abort();
      await adding;
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function addShowsLater(
  addShows: () => Promise<string | undefined>,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  try {
    for await (const _turn of setInterval(addShowsEveryMs, undefined, { signal })) {
      const isDone = await addShows().then(
        (noFilms) => noFilms === undefined,
        (error: unknown) => {
          logger.error({ err: error }, "The demo shows could not be added. They are tried again.");
          return false;
        },
      );
      if (isDone) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function describeStart({ url, config, embedded }: RunningSkyfox): string {
  if (config.environment === "production") return `SkyFox serves at ${url}.`;
  const people = demoStaff.map(({ username, role }) => `${username} (${role})`).join(", ");
  const demoLogins = [
    `  Demo logins    ${people}; password ${demoPassword}`,
    `                 ${demoCustomer.username} (customer, ${demoCustomer.funds} in the wallet); password ${demoCustomer.password}`,
  ];
  return [
    "",
    `  SkyFox is ready at ${url}`,
    "",
    `  API key        ${config.apiKeys.map(({ key }) => key).join(", ")}`,
    ...(config.demoSeed ? demoLogins : []),
    `  Test cards     ${testCards.approved} pays, ${testCards.declined} is declined, ${testCards.slow} is slow; any CVV, any month to come`,
    `  Holds          ${config.holdSeconds} seconds; cinema time is ${config.cinemaTimeZone}`,
    ...embedded.map((part) => `  Brought along  ${part}`),
    "",
    `  This is development: safe defaults for everything, reachable ${reach(config.host)}.`,
    `  Next           ${url === "http://localhost:8080" ? "" : `SKYFOX_URL=${url} `}npm run demo    (in another terminal: a customer's journey and a day at the desk)`,
    `                 curl -H "x-api-key: ${config.apiKeys[0]?.key}" ${url}/trpc/auth.securityQuestions`,
    "  Stop           Ctrl-C",
    "",
  ].join("\n");
}

function reach(host: string): string {
  return host === "127.0.0.1" || host === "localhost" || host === "::1"
    ? "from this machine only"
    : "from other machines too";
}

function describeStartFailure(error: unknown, port: number): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    if ("port" in error && error.port !== port)
      return `METRICS_PORT ${String(error.port)} is in use. Choose another.`;
    return `Port ${port} is in use, perhaps by another SkyFox. Stop that one, or choose another port: PORT=8090 npm start`;
  }
  if (error instanceof Error && "syscall" in error && error.syscall === "listen")
    return `SkyFox could not start. It cannot listen there (${error.message}). Check HOST, PORT, METRICS_HOST and METRICS_PORT.`;
  return `SkyFox could not start. ${describeFailure(error)}`;
}

async function main(): Promise<void> {
  let port = 8080;
  try {
    const config = readConfig(process.env);
    port = config.port;
    const starting = startSkyfox(config, createLogger(config.logLevel));
    // Also while it is still starting, so that nothing is left behind.
    const stopping = stopOnSignals(async () => {
      console.log("Stopping …");
      const skyfox = await starting.catch(() => undefined);
      await skyfox?.stop();
      return skyfox === undefined ? 1 : 0;
    });
    const skyfox = await starting;
    if (!stopping.aborted) console.log(describeStart(skyfox));
  } catch (error) {
    console.error(describeStartFailure(error, port));
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
