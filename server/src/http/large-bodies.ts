import { createMiddleware } from "hono/factory";
import { DomainError } from "../errors/domain-error.ts";
import { networkOf } from "../limits/network.ts";
import { carry } from "../rpc/error-shape.ts";
import type { AppEnv } from "./caller.ts";
import { mayBeLonger } from "./receive-body.ts";
import { refuse } from "./refusals.ts";

// An upload takes seconds at most, so a refused caller may try again soon.
const retryAfterSeconds = 2;

/**
 * Limits how many bodies over that size are under way at once, so that their memory is bounded, and how many of them from one address, so
 * that one caller cannot use all places. Beyond that a call gets `RATE_LIMITED`.
 */
export function limitLargeBodies(limits: { over: number; atOnce: number; atOncePerAddress: number }) {
  const underWay = new Map<string, number>();
  return createMiddleware<AppEnv>(async (context, next) => {
    if (!mayBeLonger(context, limits.over)) return await next();
    const address = networkOf(context.get("address"));
    const ofAddress = underWay.get(address) ?? 0;
    const total = underWay.values().reduce((sum, count) => sum + count, 0);
    if (total >= limits.atOnce || ofAddress >= limits.atOncePerAddress) {
      const refusal = new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
      return refuse(context, carry(refusal));
    }
    underWay.set(address, ofAddress + 1);
    try {
      return await next();
    } finally {
      const left = (underWay.get(address) ?? 1) - 1;
      if (left > 0) underWay.set(address, left);
      else underWay.delete(address);
    }
  });
}
