import { TRPCError } from "@trpc/server";
import { createMiddleware } from "hono/factory";
import { DomainError } from "../errors/domain-error.ts";
import type { AppEnv } from "./caller.ts";
import { refuse } from "./refusals.ts";

// An upload takes seconds at most; whoever is refused may as well try again soon.
const retryAfterSeconds = 2;

/** Lets so many bodies over that size be under way at once, so that the memory they take has a bound; the others get `RATE_LIMITED`. */
export function limitLargeBodies({ over, atOnce }: { over: number; atOnce: number }) {
  let underWay = 0;
  return createMiddleware<AppEnv>(async (context, next) => {
    if (!isLarge(context.req.raw, over)) return await next();
    if (underWay >= atOnce) {
      context.header("retry-after", String(retryAfterSeconds));
      const cause = new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
      return refuse(context, new TRPCError({ code: "TOO_MANY_REQUESTS", cause }));
    }
    underWay += 1;
    try {
      return await next();
    } finally {
      underWay -= 1;
    }
  });
}

// A body that does not say how long it is may be of any length.
function isLarge({ body, headers }: Request, over: number): boolean {
  const length = headers.get("content-length");
  return length === null ? body !== null : Number(length) > over;
}
