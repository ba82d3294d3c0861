import { initTRPC } from "@trpc/server";
import { transformer } from "../contract/index.ts";
import type { Context } from "./context.ts";
import { shapeError } from "./error-shape.ts";
import { readInputOfCall } from "./input-guard.ts";
import { ReadyAnswer } from "./ready-answer.ts";

/** How often a stream that has nothing to say says so, well below the 60 seconds after which proxies give it up. */
export const heartbeatMs = 15_000;

// After two heartbeats that did not come, and what they may be late, a caller connects again.
const reconnectAfterMs = 35_000;

/** The one tRPC instance; everything else builds on the procedures of procedures.ts. */
export const trpc = initTRPC.context<Context>().create({
  isDev: false,
  sse: {
    ping: { enabled: true, intervalMs: heartbeatMs },
    client: { reconnectAfterInactivityMs: reconnectAfterMs },
  },
  transformer: {
    input: { serialize: (value: unknown) => transformer.serialize(value), deserialize: readInputOfCall },
    output: {
      serialize: (value: unknown) =>
        value instanceof ReadyAnswer ? value.parse() : transformer.serialize(value),
      deserialize: (value: Parameters<typeof transformer.deserialize>[0]): unknown =>
        transformer.deserialize(value),
    },
  },
  errorFormatter: ({ error, ctx, path }) =>
    shapeError(error, { path, requestId: ctx?.caller.requestId ?? "", calls: ctx?.calls }),
});
