import { createHash, timingSafeEqual } from "node:crypto";
import { TRPCError } from "@trpc/server";
import { createMiddleware } from "hono/factory";
import type { ApiKey } from "../config.ts";
import type { Logger } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { auditRefusal } from "./audit.ts";
import type { AppEnv } from "./caller.ts";
import { refuse } from "./refusals.ts";

// Whatever begins with a dot, and the names that scanners try; ours are none of these.
const scannerPath =
  /(^|\/)(\.|env(\/|$)|secrets?(\/|$)|config(\/|$|\.)|wp-|phpmyadmin|cgi-bin|vendor\/|actuator|server-status|backup|dump)|\.(php|asp|aspx|jsp|cgi|bak|sql|env|ini|log|ya?ml)$/i;

/** Lets only callers with an API key pass; scanners' paths are refused whatever the key. Every refusal is one audit line. */
export function createGate(parts: { apiKeys: ApiKey[]; logger: Logger }) {
  const digests = parts.apiKeys.map(({ key }) => digest(key));

  return createMiddleware<AppEnv>(async (context, next) => {
    if (scannerPath.test(decodePath(context.req.path))) return deny("scanner path");
    const key = context.req.header("x-api-key");
    if (key === undefined) return deny("no API key");
    if (!isKnown(key)) return deny("wrong API key");
    return await next();

    function deny(reason: string): Response {
      auditRefusal(parts.logger, context, reason);
      return refuse(
        context,
        new TRPCError({ code: "FORBIDDEN", cause: new DomainError({ code: "INVALID_API_KEY" }) }),
      );
    }
  });

  // Every key is compared, in constant time, so that timing tells nothing about any of them.
  function isKnown(key: string): boolean {
    const given = digest(key);
    return digests.reduce((known, one) => timingSafeEqual(one, given) || known, false);
  }
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
