import type { Operation, TRPCLink } from "@trpc/client";
import type { AppRouter } from "@skyfox/server/api";
import { isKeyed } from "@skyfox/server/contract/plain";

/** Gives every call that the server answers once a key, unless its caller has one; above the retries, so that all attempts carry it. */
export function keyLink(): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (!takesKey(op)) return next(op);
      const idempotencyKey = keyOf(op) ?? newKey();
      return next({ ...op, context: { ...op.context, idempotencyKey } });
    };
}

/** The key that a call carries; undefined for calls that take none. */
export function keyOf(op: Operation): string | undefined {
  const key = op.context["idempotencyKey"];
  return takesKey(op) && typeof key === "string" ? key : undefined;
}

function takesKey({ type, path }: Operation): boolean {
  return type === "mutation" && isKeyed(path);
}

// Browsers have randomUUID on https and localhost only.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
