import type { TRPCError } from "@trpc/server";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DomainError } from "../errors/domain-error.ts";
import { shapeError, toTransportError } from "../rpc/error-shape.ts";
import { plainError } from "../rpc/plain-json.ts";
import type { AppEnv } from "./caller.ts";

/** What may be said of a refusal besides its error. */
export interface RefusalDetails {
  /** The procedure that was called. */
  path?: string | undefined;
  /** Code and sentence of the plain shape, where they are not the error's own. */
  plain?: { code: string; message: string };
}

/** A refusal as it is sent. */
export interface WrittenRefusal {
  status: number;
  headers: Record<string, string>;
  /** JSON. */
  body: object;
}

/** Writes an error as an answer: in tRPC's envelope under /trpc, in the plain shape everywhere else. */
export function writeRefusal(
  at: { path: string; requestId: string },
  cause: TRPCError,
  { path, plain }: RefusalDetails = {},
): WrittenRefusal {
  const error = toTransportError(cause);
  const { requestId } = at;
  const shape = shapeError(error, { path, requestId });
  const wait = waitOf(error.cause);
  return {
    status: shape.data.httpStatus,
    headers: wait === undefined ? {} : { "retry-after": String(wait) },
    // As the transformer would write it: what is refused before any call has neither dates nor amounts.
    body: isRpcPath(at.path) ? { error: { json: shape } } : { ...plainError(shape), ...plain },
  };
}

/** Answers a request with an error. */
export function refuse(context: Context<AppEnv>, cause: TRPCError, details?: RefusalDetails): Response {
  const at = { path: context.req.path, requestId: context.get("requestId") };
  const { status, headers, body } = writeRefusal(at, cause, details);
  return context.json(body, status as ContentfulStatusCode, headers);
}

/** The seconds that a refusal names. */
export function waitOf(cause: unknown): number | undefined {
  if (!(cause instanceof DomainError)) return undefined;
  const { details } = cause.problem;
  return details !== null && "retryAfterSeconds" in details ? details.retryAfterSeconds : undefined;
}

function isRpcPath(path: string): boolean {
  return path === "/trpc" || path.startsWith("/trpc/");
}
