import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { RequestHead } from "./caller.ts";

const methods = ["GET", "POST", "PUT", "PATCH"];
// A browser's own EventSource may send the id of the last event anyway; one that is made of fetch has to be allowed.
const sent = [
  "content-type",
  "x-api-key",
  "authorization",
  "idempotency-key",
  "last-event-id",
  "if-none-match",
  "x-request-id",
  "trpc-accept",
  "x-skyfox-client",
  // What tracing tools add to a page's calls: W3C Trace Context and Baggage, and Sentry's own.
  "traceparent",
  "baggage",
  "sentry-trace",
];
const exposed = [
  "x-request-id",
  "retry-after",
  "idempotent-replayed",
  "content-disposition",
  "etag",
  "date-ms",
  "x-skyfox-contract",
];

/** What browsers of other origins may do. */
export interface CrossOrigin {
  /** Whether a request only asks whether another may be sent, from an origin that is known; it needs no key. */
  isPreflight(head: RequestHead): boolean;
  /** The headers of an answer for a page of that origin; none when it is not known. */
  headersFor(origin: string | undefined): Record<string, string>;
  /** Answers preflights and adds the headers. */
  middleware: MiddlewareHandler;
}

/** Undefined allows every loopback origin, as in development. */
export function createCrossOrigin(allowed: string[] | undefined): CrossOrigin {
  const isKnown = (origin: string | undefined) => origin !== undefined && isAllowed(origin, allowed);
  const answer = cors({
    origin: (origin) => (isKnown(origin) ? origin : undefined),
    allowMethods: methods,
    allowHeaders: sent,
    exposeHeaders: exposed,
    maxAge: 600,
  });
  return {
    isPreflight: ({ method, header }) => method === "OPTIONS" && isKnown(header("origin")),
    headersFor(origin) {
      if (origin === undefined || !isKnown(origin)) return {};
      return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": exposed.join(","),
        vary: "Origin",
      };
    },
    // A preflight of an origin that we do not know goes on to the gate, like any call without a key.
    middleware: async (context, next) =>
      isKnown(context.req.header("origin")) ? await answer(context, next) : await next(),
  };
}

function isAllowed(origin: string, allowed: string[] | undefined): boolean {
  if (allowed !== undefined) return allowed.includes(origin);
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/.test(origin);
}
