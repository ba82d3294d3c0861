import type { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { transformer } from "../contract/index.ts";
import { shapeError, toTransportError } from "../rpc/error-shape.ts";
import type { AppEnv } from "./caller.ts";

/** Answers a request with an error: in tRPC's envelope under /trpc, in the plain shape everywhere else. */
export function refuse(
  context: Context<AppEnv>,
  cause: TRPCError,
  plain?: { code: string; message: string },
): Response {
  const error = toTransportError(cause);
  const requestId = context.get("requestId");
  const shape = shapeError(error, undefined, requestId);
  const { domain, fields } = shape.data;
  if (domain?.code === "RATE_LIMITED")
    context.header("retry-after", String(domain.details.retryAfterSeconds));
  const status = getHTTPStatusCodeFromError(error) as ContentfulStatusCode;
  if (isRpcPath(context.req.path)) return context.json({ error: transformer.serialize(shape) }, status);
  return context.json(
    {
      status: "ERROR",
      code: plain?.code ?? domain?.code ?? shape.data.code,
      message: plain?.message ?? shape.message,
      request_id: requestId,
      ...(fields !== null && { errors: fields }),
    },
    status,
  );
}

function isRpcPath(path: string): boolean {
  return path === "/trpc" || path.startsWith("/trpc/");
}
