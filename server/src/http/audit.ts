import type { Context } from "hono";
import type { Logger } from "../deps.ts";
import type { AppEnv } from "./caller.ts";

/** Writes the one audit line of a 403: who asked for what, and why not. */
export function auditRefusal(logger: Logger, context: Context<AppEnv>, reason: string): void {
  logger.warn(
    {
      audit: "forbidden",
      address: context.get("address"),
      method: context.req.method,
      path: context.req.path,
      reason,
      requestId: context.get("requestId"),
    },
    "A request was refused.",
  );
}
