import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";

/** What the middleware knows of a request. */
interface RequestVariables {
  requestId: string;
  address: string;
}

/** The request's id and the caller's address, there for every handler. */
export type AppEnv = { Variables: RequestVariables };

/** The caller's request id when it has the allowed form, otherwise a new one. */
export function requestIdOf(context: Context): string {
  const given = context.req.header("x-request-id");
  return given !== undefined && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : crypto.randomUUID();
}

/** The caller's address: the connection's, or behind that many trusted proxies what the outermost of them saw. */
export function addressOf(context: Context, trustedProxies: number): string {
  const forwarded =
    context.req
      .header("x-forwarded-for")
      ?.split(",")
      .map((address) => address.trim())
      .filter((address) => address !== "") ?? [];
  if (trustedProxies > 0 && forwarded.length > 0) {
    return forwarded[Math.max(0, forwarded.length - trustedProxies)] ?? "unknown";
  }
  try {
    return getConnInfo(context).remote.address ?? "unknown";
  } catch {
    // A request that came without a connection, as in tests over app.request.
    return "unknown";
  }
}
