import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./caller.ts";

/** Put the middleware first, and wait for `idle` before closing what the calls use. */
export interface InFlight {
  middleware: MiddlewareHandler<AppEnv>;
  /** Resolves once no call is being worked on, also none whose caller has gone away. */
  idle(): Promise<void>;
}

/** Counts the calls that are being worked on, so that a shutdown can wait for their work and not only for their connections. */
export function countInFlight(): InFlight {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    async middleware(_context, next) {
      count += 1;
      try {
        await next();
      } finally {
        count -= 1;
        if (count === 0) {
          for (const resolve of waiting) resolve();
          waiting = [];
        }
      }
    },
    async idle() {
      if (count > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
