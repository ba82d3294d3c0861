import type { TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { Context } from "hono";
import { appRouter } from "../app-router.ts";
import { maxBatchSize } from "../contract/index.ts";
import { answerSingle } from "../rpc/answer-single.ts";
import { transportError } from "../rpc/error-shape.ts";
import type { EventStream } from "../rpc/event-stream.ts";
import { trpcForm } from "../rpc/stream-forms.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { RefusalAudit } from "./audit.ts";
import { maxValuesOf, rpcEndpoint } from "./call-costs.ts";
import { headOf, type AppEnv } from "./caller.ts";
import { isMutation, readCalls } from "./calls.ts";
import { isKnown, sendReady, takeReady, type ReadyBody } from "./ready-answers.ts";
import { isJson, malformed, problemOf } from "./receive-input.ts";
import { refuse, waitOf } from "./refusals.ts";
import { findSingleCall, type SingleCall } from "./single-call.ts";
import { cutWhenStuck } from "./stuck-streams.ts";
import type { Turns } from "./turns.ts";

/** Serves the router; what is wrong with a request as a whole is refused before any of its calls is looked at. */
export function createRpcHandler({
  answerHeaders,
  audit,
  turns,
}: {
  answerHeaders: AnswerHeaders;
  audit: RefusalAudit;
  turns: Turns;
}) {
  return async (context: Context<AppEnv>): Promise<Response> => {
    const head = headOf(context);
    const requested = readCalls(head);
    const single = findSingleCall(head, context.req.url);
    const fault = findFault(context, requested.paths, single);
    if (fault !== undefined) {
      const path = requested.paths.length === 1 ? requested.paths[0] : undefined;
      return refuse(context, fault, { path });
    }
    return await turns.take(context, requested, (body) =>
      single === undefined ? answer(context, body) : answerAlone(context, single, body),
    );
  };

  async function answerAlone(
    context: Context<AppEnv>,
    single: SingleCall,
    sent: string | undefined,
  ): Promise<Response> {
    const headers: Record<string, string> = { vary: "trpc-accept, accept" };
    const call = turns.describe(context, {
      count: 1,
      isStream: false,
      form: trpcForm,
      markReplayed: () => (headers["idempotent-replayed"] = "true"),
    });
    const { status, body, etag, error } = await answerSingle(single, call, sent ?? single.inputInUrl);
    if (error?.code === "FORBIDDEN") audit.record(context.req, context.var, "role");
    const wait = waitOf(error?.cause);
    if (wait !== undefined) headers["retry-after"] = String(wait);
    if (etag !== undefined) {
      headers["etag"] = etag;
      headers["cache-control"] = "private, no-cache";
      if (isKnown(etag, context.req.header("if-none-match")))
        return answerHeaders.respond(context, null, { status: 304, headers });
    }
    headers["content-type"] = "application/json";
    return answerHeaders.respond(context, body, { status, headers });
  }

  async function answer(context: Context<AppEnv>, sent: string | undefined): Promise<Response> {
    if (sent !== undefined)
      Object.defineProperty(context.req.raw, "text", { value: () => Promise.resolve(sent) });
    const early: TRPCError[] = [];
    let isReplayed = false;
    let ready: ReadyBody | undefined;
    let stream: EventStream | undefined;
    const response = await fetchRequestHandler({
      endpoint: rpcEndpoint,
      req: context.req.raw,
      router: appRouter,
      maxBatchSize,
      createContext: ({ info }) => {
        const isJsonLines = info.accept === "application/jsonl";
        const call = turns.describe(context, {
          count: info.calls.length,
          isStream: isJsonLines,
          form: trpcForm,
          markReplayed: () => (isReplayed = true),
        });
        stream = call.stream;
        return call;
      },
      responseMeta({ errors, type, data, info }) {
        ready = takeReady(data, info?.isBatchCall === true);
        const waits = errors.map(({ cause }) => waitOf(cause)).filter((seconds) => seconds !== undefined);
        return {
          headers: {
            ...(waits.length > 0 && { "retry-after": String(Math.max(...waits)) }),
            ...(isReplayed && { "idempotent-replayed": "true" }),
            // Beside what keeps proxies from transforming and buffering it.
            ...(type === "subscription" && { "cache-control": "no-store" }),
          },
        };
      },
      onError({ error, ctx }) {
        if (ctx === undefined) early.push(error);
        if (error.code === "FORBIDDEN") audit.record(context.req, context.var, "role");
      },
    });
    if (response.headers.get("content-type") === "text/event-stream") cutWhenStuck(context);
    // What tRPC refuses before there is a context would not know its request id.
    if (early[0] !== undefined) return refuse(context, early[0]);
    const events = stream?.body();
    if (events !== undefined) {
      void response.body?.cancel();
      return new Response(events, { headers: response.headers });
    }
    return ready === undefined
      ? response
      : sendReady(ready, response.headers, context.req.header("if-none-match"));
  }
}

function findFault(
  context: Context<AppEnv>,
  paths: readonly string[],
  single: SingleCall | undefined,
): TRPCError | undefined {
  if (context.req.method === "POST" && !isJson(context.req.header("content-type")))
    return transportError("UNSUPPORTED_MEDIA_TYPE");
  if (single === undefined && context.req.query("batch") === "1") {
    if (paths.length > maxBatchSize) return malformed(`A batch has at most ${maxBatchSize} calls.`);
    if (paths.some(isMutation)) return malformed("A mutation cannot be part of a batch.");
  }
  const input = single === undefined ? context.req.query("input") : single.inputInUrl;
  return problemOf(input ?? "", maxValuesOf("") * paths.length);
}
