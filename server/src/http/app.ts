import { Hono, type Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { ApiKey } from "../config.ts";
import { bookingsCsvPath, bookingsXlsxPath, restEndpoint } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { imagePath, type FolderStore } from "../image/folder-store.ts";
import { uploadPaths } from "./call-costs.ts";
import { headOf, identify, type AppEnv, type RequestHead } from "./caller.ts";
import { createCallsByHead } from "./calls.ts";
import { createCrossOrigin } from "./cross-origin.ts";
import { createEarlyRefusals, identityOf, noKey, type RefuseEarly } from "./early-refusals.ts";
import { createExportHandlers } from "./exports.ts";
import { carry, transportError } from "../rpc/error-shape.ts";
import { createAnswerHeaders } from "./answer-headers.ts";
import { createAdmission, overload } from "./admission.ts";
import { createDocsHandler, isDocsPath } from "./api-docs.ts";
import { createBoxOfficeHandler, isBoxOfficePath, type BoxOffice } from "./box-office.ts";
import { createRefusalAudit } from "./audit.ts";
import { createClientContracts } from "./client-contracts.ts";
import { countPerSecond } from "./count-per-second.ts";
import { createGate } from "./gate.ts";
import { createImageHandler } from "./images.ts";
import type { InFlight } from "./in-flight.ts";
import { limitLargeBodies } from "./large-bodies.ts";
import { refuse } from "./refusals.ts";
import { createOpenApiHandler } from "./openapi.ts";
import { createRestHandler } from "./rest.ts";
import { createRpcHandler } from "./rpc.ts";
import { createTicketKeysHandler } from "./ticket-keys.ts";
import { createTurns } from "./turns.ts";

// What comes where pictures are uploaded is bounded together, because each may be a hundred times as large as another body.
const largeBodies = { over: 64 * 1_024, atOnce: 32, atOncePerAddress: 10 };
// Watched by machines, every few seconds and without a key.
const watchedPaths = ["/health", "/ready"];
// Made once: an error that is made looks at its stack.
const noRoom = carry(overload);

/** What the HTTP side needs of the configuration and of the process around it. */
export interface AppOptions {
  apiKeys: ApiKey[];
  /** Undefined allows every loopback origin, as in development. */
  corsOrigins: string[] | undefined;
  trustedProxies: number;
  /** Calls under way at the same time; more are refused with `OVERLOADED`. */
  maxCalls: number;
  /** What is not ready, in words; empty when everything is. */
  findUnready: () => Promise<string[]>;
  inFlight: InFlight;
  /** The pictures that this server serves itself; undefined when they are elsewhere. */
  imageFolder?: FolderStore | undefined;
  /** Whether browsers find a reference of the API at `/docs`. */
  apiDocs?: boolean;
  /** The page that development serves at `/`, and where its posters come from. */
  boxOffice?: { files: BoxOffice; posterOrigin: string | undefined } | undefined;
}

/** The HTTP side, which also refuses what it can before it makes a request of it. */
export type SkyfoxApp = Hono<AppEnv> & { refuseEarly: RefuseEarly };

/** The HTTP side: identity of the request, cross-origin answers, the gate, then the routes. */
export function createApp(deps: Deps, options: AppOptions): SkyfoxApp {
  const app = new Hono<AppEnv>();
  const audit = createRefusalAudit(deps.logger);
  const admission = createAdmission({ maxCalls: options.maxCalls });
  const calls = createCallsByHead(deps.tokens);
  const crossOrigin = createCrossOrigin(options.corsOrigins);
  const gate = createGate(options.apiKeys);
  const { boxOffice, apiDocs = false } = options;
  const isPage = (path: string) =>
    (boxOffice !== undefined && isBoxOfficePath(path)) || (apiDocs && isDocsPath(path));
  const countOverloaded = countPerSecond((count) =>
    deps.logger.warn({ count }, "Calls were refused: there are more than can be answered in time."),
  );

  const meetClient = createClientContracts(deps.logger);
  const answerHeaders = createAnswerHeaders(deps.clock);
  const serverHeaders = answerHeaders.ofServer;

  app.use(options.inFlight.middleware);
  app.use(async (context, next) => {
    const startedAt = performance.now();
    const { incoming } = (context.env ?? {}) as Partial<HttpBindings>;
    const { requestId, address, apiKeyName } =
      identityOf(incoming) ?? identify(headOf(context), options.trustedProxies);
    context.set("requestId", requestId);
    context.set("address", address);
    context.set("apiKeyName", apiKeyName);
    await next();
    answerHeaders.complete(context);
    tell(context, Math.round(performance.now() - startedAt));
  });

  // What the gate refuses has its audit line, and what overload refuses is counted.
  function tell(context: Context<AppEnv>, ms: number): void {
    const { method, path } = context.req;
    const apiKeyName = context.get("apiKeyName");
    // Neither needs a key.
    const isQuiet = watchedPaths.includes(path) || method === "OPTIONS" || isPage(path);
    if (context.get("isRefusedUnasked")) return countOverloaded();
    if (apiKeyName === undefined && context.res.status === 403) return;
    if (apiKeyName !== undefined) meetClient(context.req.header("x-skyfox-client"));
    const line = {
      requestId: context.get("requestId"),
      method,
      path,
      procedure: context.get("procedure"),
      status: context.res.status,
      ms,
      apiKeyName,
    };
    if (isQuiet) deps.logger.debug(line, "Answered.");
    else deps.logger.info(line, "Answered.");
  }

  // Before cross-origin answers: the pages are for their own origin, and headers for another one would copy their bytes for each answer.
  if (boxOffice !== undefined) {
    const { posterOrigin } = boxOffice;
    const serve = createBoxOfficeHandler(boxOffice.files, { logger: deps.logger, posterOrigin });
    for (const path of ["/", "/assets/*"]) app.get(path, serve);
  }
  if (apiDocs) for (const path of ["/docs", "/docs/*"]) app.get(path, createDocsHandler(options.apiKeys));

  app.use(crossOrigin.middleware);

  app.get("/health", (context) => context.json({ status: "healthy" }));
  // Anyone may ask: callers who ask at once share a look at the database.
  let looking: Promise<string[]> | undefined;
  app.get("/ready", async (context) => {
    looking ??= options.findUnready().finally(() => (looking = undefined));
    const notReady = await looking;
    return notReady.length === 0
      ? context.json({ status: "ready", ...(!deps.settings.background && { background: "off" }) })
      : context.json({ status: "not ready", notReady }, 503);
  });

  if (options.imageFolder !== undefined) {
    app.get(`${imagePath}/:key`, createImageHandler(options.imageFolder));
  }
  app.use(async (context, next) => {
    // A request that came over a port has passed it already, unless its path is open to all.
    if (context.get("apiKeyName") !== undefined) return await next();
    const verdict = gate(headOf(context));
    if ("reason" in verdict) {
      audit.record(context.req, context.var, verdict.reason);
      return refuse(context, noKey);
    }
    context.set("apiKeyName", verdict.apiKeyName);
    return await next();
  });
  const limitUploads = limitLargeBodies(largeBodies);
  for (const path of uploadPaths) app.use(path, limitUploads);
  const answering = { answerHeaders, audit, turns: createTurns(deps, { admission, calls }) };
  app.on(["GET", "POST"], "/trpc/*", createRpcHandler(answering));
  const exportAs = createExportHandlers(deps, audit);
  const tellTicketKeys = createTicketKeysHandler(deps.tickets);
  for (const base of ["", restEndpoint]) {
    app.get(base + bookingsCsvPath, exportAs.csv);
    app.get(base + bookingsXlsxPath, exportAs.xlsx);
    app.get(`${base}/tickets/keys`, tellTicketKeys);
  }
  app.get(`${restEndpoint}/openapi.json`, createOpenApiHandler(answerHeaders));
  app.all(`${restEndpoint}/*`, createRestHandler(answering));

  app.notFound((context) =>
    refuse(context, transportError("NOT_FOUND"), {
      plain: { code: "NOT_FOUND", message: "There is nothing at this path." },
    }),
  );
  app.onError((error, context) => {
    deps.logger.error({ requestId: context.get("requestId"), err: error }, "A request failed unexpectedly.");
    return refuse(context, transportError("INTERNAL_SERVER_ERROR", error));
  });
  const { trustedProxies } = options;
  const refusalOf = (head: RequestHead, waitedMs: number) => {
    if (!admission.isRefused(calls.arrivalOf(head, waitedMs))) return undefined;
    countOverloaded();
    return noRoom;
  };
  const isOpenHere = (path: string) => isOpen(path) || (isPage(path) && isPlain(path));
  const parts = { gate, audit, crossOrigin, trustedProxies, isOpen: isOpenHere, refusalOf, serverHeaders };
  return Object.assign(app, { refuseEarly: createEarlyRefusals(parts) });
}

/** Whether a path is asked for without an API key. */
export function isOpen(path: string): boolean {
  return watchedPaths.includes(path) || (path.startsWith(`${imagePath}/`) && isPlain(path));
}

// As the caller wrote it, a path with dots may still become another one.
function isPlain(path: string): boolean {
  return !path.includes("/.") && !/%2e/i.test(path);
}
