import { hash } from "node:crypto";
import type { Context } from "hono";
import manifest from "../../package.json" with { type: "json" };
import { appRouter } from "../app-router.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { AppEnv } from "./caller.ts";
import { isKnown } from "./ready-answers.ts";

let document: Promise<string> | undefined;

/** The document of OpenAPI as text, made when it is first asked for. */
export async function writtenApi(): Promise<string> {
  document ??= write();
  return await document;
}

async function write(): Promise<string> {
  const { describeApi } = await import("../openapi/document.ts");
  return JSON.stringify(await describeApi(appRouter, manifest.version));
}

/** Answers the document of OpenAPI 3.1 that describes the routes of REST; it is the same until the server is another version. */
export function createOpenApiHandler(answerHeaders: AnswerHeaders) {
  return async (context: Context<AppEnv>): Promise<Response> => {
    const text = await writtenApi();
    const etag = `"${hash("sha1", text, "base64url")}"`;
    const headers = { etag, "cache-control": "private, no-cache" };
    if (isKnown(etag, context.req.header("if-none-match")))
      return answerHeaders.respond(context, null, { status: 304, headers });
    const json = { ...headers, "content-type": "application/json" };
    return answerHeaders.respond(context, text, { status: 200, headers: json });
  };
}
