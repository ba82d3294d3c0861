import type { TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { appRouter } from "../app-router.ts";
import { authenticate } from "../auth/sessions.ts";
import { maxBatchSize, maxProfileImageBytes, type ImageProblem } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { KeysInFlight } from "../idempotency/answer-once.ts";
import { answerSingle } from "../rpc/answer-single.ts";
import { carry, isTransportError, transportError } from "../rpc/error-shape.ts";
import { EventStream, heartbeatMs } from "../rpc/event-stream.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import { overload, type Admission } from "./admission.ts";
import type { RefusalAudit } from "./audit.ts";
import { maxValuesOf, rpcEndpoint, uploadPaths } from "./call-costs.ts";
import { headOf, type AppEnv } from "./caller.ts";
import { isHashing, isMutation, readCalls, type CallsByHead } from "./calls.ts";
import { kindOfImage } from "../image/image-file.ts";
import {
  findJsonProblem,
  findPictureStart,
  maxCharactersBesidePicture,
  type JsonProblem,
} from "./json-values.ts";
import { isKnown, sendReady, takeReady, type ReadyBody } from "./ready-answers.ts";
import { receiveBody } from "./receive-body.ts";
import { refuse, waitOf } from "./refusals.ts";
import { findSingleCall, type SingleCall } from "./single-call.ts";
import { createPacedQueue } from "./paced-queue.ts";

const stuckAfterMs = 4 * heartbeatMs;

const usually = { maxBytes: 64 * 1_024, withinMs: 20_000, leastBytesPerSecond: 0 };

// A picture of the largest size in base64, and what may stand beside it. Some JSON writers escape each + and / by six characters.
const escaped = 1 + (5 * 2) / 64;
const largestUploadBytes =
  Math.ceil((maxProfileImageBytes / 3) * 4 * escaped) + 3 * maxCharactersBesidePicture;

// A body of up to 10 MB is refused as a picture that is too large, by its own code. At a megabit a second the largest takes a minute, and a small
// one may come at modem speed.
const withPicture = {
  maxBytes: 10 * 1_024 * 1_024,
  withinMs: 60_000,
  leastBytesPerSecond: 4 * 1_024,
};

// Callers who ask again as soon as they are refused get their refusals so slowly that the processor is left to those who have a place, but
// all of them within a second or so.
const refusalRoundMs = 10;
const refusalsPerRound = 16;
const refusalShare = 0.01;

/** Serves the router; what is wrong with a request as a whole is refused before any of its calls is looked at. */
export function createRpcHandler(
  deps: Deps,
  {
    admission,
    answerHeaders,
    audit,
    calls,
  }: { admission: Admission; answerHeaders: AnswerHeaders; audit: RefusalAudit; calls: CallsByHead },
) {
  const keysInFlight: KeysInFlight = new Map();
  const refusals = createPacedQueue({
    perRound: (waiting) => Math.max(refusalsPerRound, waiting * refusalShare),
    nextRound: (begin) => setTimeout(begin, refusalRoundMs),
  });

  return async (context: Context<AppEnv>): Promise<Response> => {
    const head = headOf(context);
    const requested = readCalls(head);
    const path = requested.paths.length === 1 ? requested.paths[0] : undefined;
    const single = findSingleCall(head, context.req.url);
    const fault = findFault(context, requested.paths, single);
    if (fault !== undefined) return refuse(context, fault, { path });
    await calls.meet(head);
    const arrival = calls.arrivalOf(head, 0);
    if (admission.isRefused(arrival)) return refuseUnasked();
    const fullQueue = isHashing(requested) ? deps.hashQueue.refusal() : undefined;
    if (fullQueue !== undefined) {
      await refusals();
      return refuse(context, carry(fullQueue), { path });
    }
    try {
      const body = await receiveInput(context, requested.paths);
      return await admission.run(arrival, () =>
        single === undefined ? answer(context, body) : answerAlone(context, single, body),
      );
    } catch (error) {
      if (error === overload) return refuseUnasked();
      if (isTransportError(error)) return refuse(context, error, { path });
      throw error;
    }

    function refuseUnasked(): Response {
      context.set("isRefusedUnasked", true);
      return refuse(context, carry(overload), { path });
    }
  };

  // What is known of a call before its input is read.
  function callOf(context: Context<AppEnv>, count: number, isStream: boolean, markReplayed: () => void) {
    return {
      deps,
      caller: { address: context.get("address"), requestId: context.get("requestId") },
      calls: count,
      isStream,
      stream: new EventStream(() => context.req.raw.signal),
      authorization: context.req.header("authorization"),
      idempotencyKey: context.req.header("idempotency-key"),
      keysInFlight,
      markReplayed,
      authenticate,
    };
  }

  async function answerAlone(
    context: Context<AppEnv>,
    single: SingleCall,
    sent: string | undefined,
  ): Promise<Response> {
    const headers: Record<string, string> = { vary: "trpc-accept, accept" };
    const call = callOf(context, 1, false, () => (headers["idempotent-replayed"] = "true"));
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
        const call = callOf(context, info.calls.length, isJsonLines, () => (isReplayed = true));
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

// A stream has a heartbeat. A caller who takes nothing at all, or has gone without a word, would keep its place for ever.
function cutWhenStuck(context: Context<AppEnv>): void {
  const { incoming, outgoing } = (context.env ?? {}) as Partial<HttpBindings>;
  const socket = incoming?.socket;
  if (socket === undefined) return;
  const cut = () => socket.destroy();
  socket.setTimeout(stuckAfterMs, cut);
  // By then Node has set the time that an idle connection has.
  outgoing?.once("close", () => socket.off("timeout", cut));
}

// A caller who sends a body slowly has no turn meanwhile: a call begins when its body is there as a whole, and has been looked at.
async function receiveInput(context: Context<AppEnv>, paths: readonly string[]): Promise<string | undefined> {
  if (context.req.method !== "POST") return undefined;
  const maxValues = maxValuesOf(paths[0] ?? "");
  const look = (json: string) => {
    const problem = findJsonProblem(json, maxValues);
    if (problem !== undefined) throw malformed(sentences[problem]);
  };
  const reception = uploadPaths.includes(context.req.path) ? withPicture : usually;
  const lookAtStart = (start: string, bytes: number) => {
    look(start);
    const picture = findPictureStart(start);
    return picture === undefined ? undefined : findHopelessPicture(picture, bytes);
  };
  const text = await receiveBody(context, { ...reception, lookAtStart });
  look(text);
  // Of a body that did not say how long it is.
  if (text.length > largestUploadBytes) throw imageRefused("too-large");
  return text;
}

// What a picture of megabytes would be refused with after it was received, parsed, decoded and hashed.
function findHopelessPicture(base64Start: string, bodyBytes: number): TRPCError | undefined {
  if (bodyBytes > largestUploadBytes) return imageRefused("too-large");
  const first = base64Start.slice(0, 16);
  if (first.length < 16 || first.includes("\\")) return undefined;
  if (!/^[A-Za-z0-9+/]+$/.test(first)) return imageRefused("not-base64");
  return kindOfImage(Buffer.from(first, "base64")) === undefined ? imageRefused("unsupported") : undefined;
}

function imageRefused(reason: ImageProblem): TRPCError {
  return carry(new DomainError({ code: "INVALID_IMAGE", details: { reason } }));
}

function findFault(
  context: Context<AppEnv>,
  paths: readonly string[],
  single: SingleCall | undefined,
): TRPCError | undefined {
  const { method } = context.req;
  if (method === "POST" && !/^application\/json\s*(;|$)/i.test(context.req.header("content-type") ?? "")) {
    return transportError("UNSUPPORTED_MEDIA_TYPE");
  }
  if (single === undefined && context.req.query("batch") === "1") {
    if (paths.length > maxBatchSize) return malformed(`A batch has at most ${maxBatchSize} calls.`);
    if (paths.some(isMutation)) return malformed("A mutation cannot be part of a batch.");
  }
  const input = single === undefined ? context.req.query("input") : single.inputInUrl;
  const problem = findJsonProblem(input ?? "", maxValuesOf("") * paths.length);
  return problem && malformed(sentences[problem]);
}

const sentences: Record<JsonProblem, string> = {
  "too many values": "The input has more values than this call can take.",
  "too much text": "The input has more text than this call can take.",
};

function malformed(message: string): TRPCError {
  return carry(new DomainError({ code: "VALIDATION_ERROR" }, [{ field: "", message }]));
}
