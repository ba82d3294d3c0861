import type { Context } from "hono";
import { findRoute, methodsOf, type FoundRoute } from "../rest/find-route.ts";
import { readRestInput } from "../rest/read-input.ts";
import { toAnswer } from "../rest/write-answer.ts";
import { makeCall, type NamedProcedure } from "../rpc/answer-single.ts";
import { transportError } from "../rpc/error-shape.ts";
import { plainForm } from "../rpc/stream-forms.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { RefusalAudit } from "./audit.ts";
import { maxValuesOf } from "./call-costs.ts";
import { headOf, type AppEnv } from "./caller.ts";
import { findProcedure, readCalls } from "./calls.ts";
import { isKnown } from "./ready-answers.ts";
import { mayBeLonger } from "./receive-body.ts";
import { hasBody, isJson, malformed, sentences } from "./receive-input.ts";
import { refuse } from "./refusals.ts";
import { cutWhenStuck } from "./stuck-streams.ts";
import type { Turns } from "./turns.ts";

/** Answers the routes of REST: each is a call of its procedure, with the same guards and limits as over tRPC, in plain JSON. */
export function createRestHandler({
  answerHeaders,
  audit,
  turns,
}: {
  answerHeaders: AnswerHeaders;
  audit: RefusalAudit;
  turns: Turns;
}) {
  return async (context: Context<AppEnv>, next: () => Promise<void>): Promise<Response | void> => {
    const head = headOf(context);
    const found = findRoute(head);
    const procedure = found && findProcedure(found.procedurePath);
    // A stream has nothing but a body.
    const isHeadOfStream = head.method === "HEAD" && procedure?._def.type === "subscription";
    if (found === undefined || procedure === undefined || isHeadOfStream) {
      const methods = methodsOf(head.path);
      if (methods.length === 0) return await next();
      return refuseMethod(context, methods);
    }
    context.set("procedure", found.procedurePath);
    const query = new URL(context.req.url).searchParams;
    if (hasBody(head.method) && mayBeLonger(context, 0) && !isJson(head.header("content-type")))
      return refuse(context, transportError("UNSUPPORTED_MEDIA_TYPE"));
    if (query.size > maxValuesOf(found.procedurePath))
      return refuse(context, malformed(sentences["too many values"]));
    const called = { path: found.procedurePath, procedure };
    return await turns.take(context, readCalls(head), (body) => answer(context, called, found, query, body));
  };

  async function answer(
    context: Context<AppEnv>,
    called: NamedProcedure,
    { route, parameters }: FoundRoute,
    query: URLSearchParams,
    body: string | undefined,
  ): Promise<Response | (() => Promise<Response>)> {
    const headers: Record<string, string> = {};
    const call = turns.describe(context, {
      count: 1,
      isStream: false,
      form: plainForm,
      markReplayed: () => (headers["idempotent-replayed"] = "true"),
    });
    const lastEventId = context.req.header("last-event-id");
    // A client that connects again sends it beside the one of its first request.
    if (called.procedure._def.type === "subscription" && lastEventId !== undefined)
      query.set("lastEventId", lastEventId);
    const outcome = await makeCall(called, call, () =>
      readRestInput(called.procedure, { parameters, query, body }),
    );
    const isStream = called.procedure._def.type === "subscription" && "data" in outcome;
    // The first event may be a reading away.
    return isStream ? finish : await finish();

    async function finish(): Promise<Response> {
      const refusal = "shape" in outcome ? outcome.shape : await call.stream.findRefusal();
      const data = "data" in outcome ? outcome.data : undefined;
      const written = toAnswer(route, parameters, refusal === undefined ? { data } : { refusal });
      if (written.status === 403) audit.record(context.req, context.var, "role");
      Object.assign(headers, written.headers);
      const events = refusal === undefined ? call.stream.body() : undefined;
      if (events !== undefined) {
        cutWhenStuck(context);
        return new Response(events, { headers: streamHeaders });
      }
      const { etag } = headers;
      if (etag !== undefined && isKnown(etag, context.req.header("if-none-match"))) {
        delete headers["content-type"];
        return answerHeaders.respond(context, null, { status: 304, headers });
      }
      return answerHeaders.respond(context, written.body, { status: written.status, headers });
    }
  }
}

// As tRPC sends them: proxies are to pass on each event as it is, at once.
const streamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

function refuseMethod(context: Context<AppEnv>, methods: string[]): Response {
  const allow = methods.join(", ");
  context.header("allow", allow);
  return refuse(context, transportError("METHOD_NOT_SUPPORTED"), {
    plain: { code: "METHOD_NOT_SUPPORTED", message: `Here you can use ${allow}.` },
  });
}
