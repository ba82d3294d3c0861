import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { setInterval } from "node:timers/promises";
import { startDevelopmentPostgres } from "@skyfox/db/embedded";
import type { CompleteConfig } from "../server/src/compose.ts";
import { ConfigError, developmentApiKey, readConfig, type Config } from "../server/src/config.ts";
import type { Deps } from "../server/src/deps.ts";
import type { Logger } from "../server/src/runtime/ports.ts";
import { createProcessLogger } from "../server/src/runtime/logger.ts";
import { serve } from "../server/src/serve.ts";
import { openBoxOffice } from "./box-office.ts";
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
 * keep their state in that directory, and a movie service. On failure everything that was started is stopped again. A signal that aborts ends
 * the start where it waits for its next try.
 */
export async function startSkyfox(
  config: Config,
  logger: Logger,
  directory: string = stateDirectory,
  signal?: AbortSignal,
): Promise<RunningSkyfox> {
  const stops: (() => Promise<void>)[] = [];
  const stop = () => stopAll(stops.splice(0).toReversed());
  const embedded: string[] = [];
  try {
    const complete = await bringAlong(config, directory, embedded, stops);
    const seeding = new AbortController();
    const prepare = (deps: Deps) => seed(deps, complete, seeding.signal);
    const server = await serve(complete, logger, { prepare, ...(signal && { signal }) });
    stops.push(async () => {
      seeding.abort();
      await server.close();
    });
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
  const isSandboxGateway = config.paymentGateway === undefined;
  // The page has the published API key in it; a development server with another key tells it to no browser.
  const isOpenToPage = !isProduction && config.apiKeys.some(({ key }) => key === developmentApiKey);
  const boxOffice = isOpenToPage ? openBoxOffice() : undefined;
  const parts = { databaseUrl, movieService, paymentGateway, ticketSigningKeys, imageFolder, boxOffice };
  return { ...config, ...parts, isSandboxGateway };
}

// A server that only shows adds nothing. One whose movie service gives no films is served all the same, and has the shows later.
async function seed(deps: Deps, config: CompleteConfig, signal: AbortSignal): Promise<void> {
  if (!config.demoSeed || !config.background) return;
  const { db, clock, movies, logger } = deps;
  const addShows = async () => {
    const { cinemaTimeZone } = config;
    const { newShows, noFilms } = await seedDemo(db, { now: clock.now(), cinemaTimeZone, movies });
    if (newShows > 0) logger.info({ newShows }, "Demo shows were added.");
    return noFilms;
  };
  const reason = await addShows();
  if (reason === undefined) return;
  logger.warn(
    { reason },
    "The movie service gives no films. Demo shows that are missing are added when it does; if it never will, check MOVIE_SERVICE_URL " +
      "and MOVIE_SERVICE_API_KEY, or start with DEMO_SEED=off.",
  );
  void addShowsLater(addShows, signal, logger);
}

async function addShowsLater(
  addShows: () => Promise<string | undefined>,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  try {
    for await (const _turn of setInterval(addShowsEveryMs, undefined, { signal }))
      if ((await addShows()) === undefined) return;
  } catch (err) {
    if (!signal.aborted)
      logger.error({ err }, "The demo shows could not be added. The next start adds them.");
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
    ...(config.boxOffice === undefined ? [] : [`  Box office     ${url} in a browser: buy a ticket`]),
    ...(config.apiDocs ? [`  API            ${url}/docs in a browser: try every call`] : []),
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
  let stopping: AbortSignal | undefined;
  try {
    const config = readConfig(process.env);
    port = config.port;
    // Also while it is still starting, so that nothing is left behind.
    stopping = stopOnSignals(async () => {
      console.log("Stopping …");
      let failure: unknown;
      const skyfox = await starting.catch((error: unknown) => void (failure = error));
      await skyfox?.stop();
      // A start that was waiting for its next try has ended as it was asked to.
      return failure === undefined || failure === stopping?.reason ? 0 : 1;
    });
    const logger = createProcessLogger(config.logLevel);
    const starting = startSkyfox(config, logger, stateDirectory, stopping);
    const skyfox = await starting;
    // What the log says of the start stands before the banner.
    logger.flush();
    if (!stopping.aborted) console.log(describeStart(skyfox));
  } catch (error) {
    if (stopping?.aborted === true && error === stopping.reason) return;
    console.error(describeStartFailure(error, port));
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
