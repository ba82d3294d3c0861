import type { TRPCResponse } from "@trpc/server/rpc";
import { ReadyAnswer } from "../rpc/ready-answer.ts";

/** The body of an answer whose calls were all answered with `ReadyAnswer`; a call that is alone has a tag. */
export interface ReadyBody {
  body: string;
  etag: string | undefined;
}

/** Takes the written answers out of the results of a request, so that they are not serialised, if all of them are written. */
export function takeReady(results: TRPCResponse[], isBatch: boolean): ReadyBody | undefined {
  const answers: ReadyAnswer<unknown>[] = [];
  for (const one of results) {
    if ("result" in one && one.result.data instanceof ReadyAnswer) answers.push(one.result.data);
  }
  if (answers.length < results.length || answers.length === 0) return undefined;
  for (const one of results) if ("result" in one) one.result.data = null;
  const written = answers.map(({ text }) => `{"result":{"data":${text}}}`).join(",");
  return isBatch ? { body: `[${written}]`, etag: undefined } : { body: written, etag: answers[0]?.etag };
}

/** Answers with text that is ready. Outside a batch it has an `ETag`, and a caller who sends that tag again gets 304 while the text is the same. */
export function sendReady(
  { body, etag }: ReadyBody,
  headers: Headers,
  ifNoneMatch: string | undefined,
): Response {
  if (etag === undefined) return new Response(body, { headers });
  headers.set("etag", etag);
  headers.set("cache-control", "private, no-cache");
  if (!isKnown(etag, ifNoneMatch)) return new Response(body, { headers });
  headers.delete("content-type");
  return new Response(null, { status: 304, headers });
}

/** Whether a caller who sends these tags has the answer with that one. A tag that became a weak one on its way still stands for the answer. */
export function isKnown(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((one) => ["*", etag, `W/${etag}`].includes(one.trim()));
}
