import { initTRPC } from "@trpc/server";
import { transformer } from "../contract/index.ts";
import type { Context } from "./context.ts";
import { shapeError } from "./error-shape.ts";
import { readInputOfCall } from "./input-guard.ts";
import { ReadyAnswer } from "./ready-answer.ts";
import { streamClient } from "./stream-forms.ts";

/** The one tRPC instance; everything else builds on the procedures of procedures.ts. */
export const trpc = initTRPC.context<Context>().create({
  isDev: false,
  // Of streams that end before their first event; all others are written by EventStream.
  sse: { client: streamClient },
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
