import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { ApiKey } from "../config.ts";
import type { Logger } from "../runtime/ports.ts";
import { DomainError } from "../errors/domain-error.ts";
import { carry } from "../rpc/error-shape.ts";
import { isOpen } from "./app.ts";
import { isBoxOfficePath, type BoxOffice } from "./box-office.ts";
import { contractHash } from "./client-contracts.ts";
import { createRefusalAudit } from "./audit.ts";
import { headOf, identify, type AppEnv } from "./caller.ts";
import { createCrossOrigin } from "./cross-origin.ts";
import { createEarlyRefusals, identityOf } from "./early-refusals.ts";
import { createGate } from "./gate.ts";
import type { Answering } from "./listen.ts";
import { refuse } from "./refusals.ts";

const retryAfterSeconds = 2;
// The time is the database's, which this server does not know yet.
const serverHeaders = { "x-skyfox-contract": contractHash };
const notYet = carry(new DomainError({ code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds } }));

/**
 * What a port answers before the server is ready: `/health` is 200, `/ready` 503 with "starting", and every call that passes the gate 503
 * `DATABASE_UNAVAILABLE`.
 */
export function createStartingApp(
  logger: Logger,
  options: {
    apiKeys: ApiKey[];
    boxOffice?: BoxOffice | undefined;
    corsOrigins: string[] | undefined;
    trustedProxies: number;
  },
): Answering {
  const { boxOffice, trustedProxies } = options;
  const crossOrigin = createCrossOrigin(options.corsOrigins);
  const refuseEarly = createEarlyRefusals({
    gate: createGate(options.apiKeys),
    audit: createRefusalAudit(logger),
    crossOrigin,
    trustedProxies,
    isOpen: (path) => isOpen(path) || (boxOffice !== undefined && isBoxOfficePath(path)),
    refusalOf: () => notYet,
    serverHeaders: () => serverHeaders,
  });

  const app = new Hono<AppEnv>();
  app.use(async (context, next) => {
    const { requestId, address } =
      identityOf((context.env as HttpBindings).incoming) ?? identify(headOf(context), trustedProxies);
    context.set("requestId", requestId);
    context.set("address", address);
    await next();
    context.res.headers.set("x-request-id", requestId);
    context.res.headers.set("cache-control", "no-store");
    for (const [name, value] of Object.entries(serverHeaders)) context.res.headers.set(name, value);
  });
  app.use(crossOrigin.middleware);
  app.get("/health", (context) => context.json({ status: "healthy" }));
  app.get("/ready", (context) => context.json({ status: "not ready", notReady: ["starting"] }, 503));
  app.notFound((context) => refuse(context, notYet));
  return { fetch: app.fetch, refuseEarly };
}
