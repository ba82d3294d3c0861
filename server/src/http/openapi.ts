import { hash } from "node:crypto";
import type { Context } from "hono";
import manifest from "../../package.json" with { type: "json" };
import { appRouter } from "../app-router.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { AppEnv } from "./caller.ts";
import { isKnown } from "./ready-answers.ts";

/** The document as it is sent. */
interface WrittenApi {
  body: Uint8Array<ArrayBuffer>;
  etag: string;
}

let document: Promise<WrittenApi> | undefined;

/** The document of OpenAPI, made when it is first asked for; all answers share its bytes. */
export async function writtenApi(): Promise<WrittenApi> {
  document ??= write();
  return await document;
}

async function write(): Promise<WrittenApi> {
  const { describeApi } = await import("../openapi/document.ts");
  const text = JSON.stringify(await describeApi(appRouter, manifest.version));
  return { body: new TextEncoder().encode(text), etag: `"${hash("sha1", text, "base64url")}"` };
}

/** Answers the document of OpenAPI 3.1 that describes the routes of REST; it is the same until the server is another version. */
export function createOpenApiHandler(answerHeaders: AnswerHeaders) {
  return async (context: Context<AppEnv>): Promise<Response> => {
    const { body, etag } = await writtenApi();
    const headers = { etag, "cache-control": "private, no-cache" };
    if (isKnown(etag, context.req.header("if-none-match")))
      return answerHeaders.respond(context, null, { status: 304, headers });
    const json = { ...headers, "content-type": "application/json" };
    return answerHeaders.respond(context, body, { status: 200, headers: json });
  };
}
