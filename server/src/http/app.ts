import { TRPCError } from "@trpc/server";
import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { except } from "hono/combine";
import { cors } from "hono/cors";
import type { ApiKey } from "../config.ts";
import { bookingsCsvPath } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { imagePath, type FolderStore } from "../image/folder-store.ts";
import { addressOf, requestIdOf, type AppEnv } from "./caller.ts";
import { createExportHandler } from "./exports.ts";
import { createGate } from "./gate.ts";
import { createImageHandler } from "./images.ts";
import type { InFlight } from "./in-flight.ts";
import { limitLargeBodies } from "./large-bodies.ts";
import { refuse } from "./refusals.ts";
import { createRpcHandler } from "./rpc.ts";
import { createTicketKeysHandler } from "./ticket-keys.ts";
import { createTurnstile } from "./turnstile.ts";

const maxBodyBytes = 64 * 1_024;
// A picture of the largest size in base64, and room to tell somebody whose picture is larger.
const maxUploadBytes = 10 * 1_024 * 1_024;
const uploadsAtOnce = { atOnce: 32, atOncePerAddress: 10 };
const uploadPaths = ["/trpc/auth.signup", "/trpc/auth.updateProfileImage"];

// The event loop reads sockets for as long as there is something to read: two thousand callers who ask again at once would keep it from
// timers and from everything that is under way.
const beginsPerTurn = 16;

/** What the HTTP side is told by the configuration and by the process around it. */
export interface AppOptions {
  apiKeys: ApiKey[];
  /** Undefined allows every loopback origin, as in development. */
  corsOrigins: string[] | undefined;
  trustedProxies: number;
  /** What is not ready, in words; empty when everything is. */
  findUnready: () => Promise<string[]>;
  inFlight: InFlight;
  /** The pictures that this server serves itself; undefined when they are elsewhere. */
  imageFolder?: FolderStore | undefined;
}

/** The HTTP side: identity of the request, cross-origin answers, the gate, then the routes. */
export function createApp(deps: Deps, options: AppOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const begin = createTurnstile({ perTurn: () => beginsPerTurn, nextTurn: setImmediate });

  app.use(options.inFlight.middleware);
  app.use(async (context, next) => {
    const startedAt = performance.now();
    const requestId = requestIdOf(context);
    context.set("requestId", requestId);
    context.set("address", addressOf(context, options.trustedProxies));
    await begin();
    await next();
    context.res.headers.set("x-request-id", requestId);
    context.res.headers.set("x-content-type-options", "nosniff");
    if (!context.res.headers.has("cache-control")) context.res.headers.set("cache-control", "no-store");
    const { method, path } = context.req;
    const ms = Math.round(performance.now() - startedAt);
    deps.logger.info({ requestId, method, path, status: context.res.status, ms }, "Answered.");
  });

  const answerCors = cors({
    origin: (origin) => (isAllowedOrigin(origin, options.corsOrigins) ? origin : undefined),
    allowMethods: ["GET", "POST"],
    allowHeaders: [
      "content-type",
      "x-api-key",
      "authorization",
      "idempotency-key",
      "x-request-id",
      "trpc-accept",
    ],
    exposeHeaders: ["x-request-id", "retry-after", "idempotent-replayed", "content-disposition"],
    maxAge: 600,
  });
  // A preflight of an origin that we do not know goes on to the gate, like any call without a key.
  app.use(async (context, next) => {
    const origin = context.req.header("origin");
    const isKnown = origin !== undefined && isAllowedOrigin(origin, options.corsOrigins);
    return isKnown ? await answerCors(context, next) : await next();
  });

  app.get("/health", (context) => context.json({ status: "healthy" }));
  app.get("/ready", async (context) => {
    const notReady = await options.findUnready();
    return notReady.length === 0
      ? context.json({ status: "ready" })
      : context.json({ status: "not ready", notReady }, 503);
  });

  if (options.imageFolder !== undefined) {
    app.get(`${imagePath}/:key`, createImageHandler(options.imageFolder));
  }
  app.use(createGate({ apiKeys: options.apiKeys, logger: deps.logger }));
  const limitUploads = limitLargeBodies({ over: maxBodyBytes, ...uploadsAtOnce });
  const limitUpload = limitBodyTo(maxUploadBytes);
  for (const path of uploadPaths) app.use(path, limitUploads, limitUpload);
  app.use("/trpc/*", except(uploadPaths, limitBodyTo(maxBodyBytes)));
  app.on(["GET", "POST"], "/trpc/*", createRpcHandler(deps));
  app.get(bookingsCsvPath, createExportHandler(deps));

  app.get("/tickets/keys", createTicketKeysHandler(deps.tickets));

  app.notFound((context) =>
    refuse(context, new TRPCError({ code: "NOT_FOUND" }), {
      code: "NOT_FOUND",
      message: "There is nothing at this path.",
    }),
  );
  app.onError((error, context) => {
    deps.logger.error({ requestId: context.get("requestId"), err: error }, "A request failed unexpectedly.");
    return refuse(context, new TRPCError({ code: "INTERNAL_SERVER_ERROR", cause: error }));
  });
  return app;
}

function limitBodyTo(maxSize: number): MiddlewareHandler<AppEnv> {
  const countBytes = bodyLimit({ maxSize, onError: refuseBody });
  return async (context, next) => {
    const length = context.req.header("content-length");
    if (length === undefined || context.req.header("transfer-encoding") !== undefined) {
      return await countBytes(context, next);
    }
    // Node reads no more than the header says, and to look at the body costs more than all the rest of a refusal.
    return Number(length) > maxSize ? refuseBody(context) : await next();
  };
}

function refuseBody(context: Context<AppEnv>): Response {
  return refuse(context, new TRPCError({ code: "PAYLOAD_TOO_LARGE" }));
}

function isAllowedOrigin(origin: string, allowed: string[] | undefined): boolean {
  if (allowed !== undefined) return allowed.includes(origin);
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/.test(origin);
}
