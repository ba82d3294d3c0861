import type { IncomingMessage } from "node:http";
import { isIPv4, isIPv6 } from "node:net";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import { networkOf } from "../limits/network.ts";

/** Who makes a request, and how it is named in the log. */
export interface Identity {
  requestId: string;
  /** The caller's address, "unknown" where there is no connection. */
  address: string;
  /** The name of the API key, once the gate has let the request pass. */
  apiKeyName?: string | undefined;
}

/** What the middleware knows of a request. */
interface RequestVariables extends Identity {
  /** The procedure that a route of REST stands for. */
  procedure?: string;
  /** Whether the server was too busy to begin the call; these are counted instead of logged one by one. */
  isRefusedUnasked?: boolean;
}

/** The request's id and the caller's address, there for every handler. */
export type AppEnv = { Variables: RequestVariables };

/** The head of a request, as Node has it or as Hono does. */
export interface RequestHead {
  method: string;
  /** As the caller wrote it, without the query. */
  path: string;
  header(name: string): string | undefined;
  /** Undefined for a request that came without a connection, as in tests over app.request. */
  connection: string | undefined;
}

/** The head of a request that Node has read. */
export function headOfIncoming({ method = "GET", url = "", headers, socket }: IncomingMessage): RequestHead {
  // A proxy's form of the address has the server's name before the path (RFC 9112, 3.2.2).
  const target = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
  const query = target.indexOf("?");
  return {
    method,
    path: query === -1 ? target : target.slice(0, query),
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    connection: socket.remoteAddress,
  };
}

/** The head of a request that Hono handles. */
export function headOf(context: Context): RequestHead {
  const { method, path } = context.req;
  return { method, path, header: (name) => context.req.header(name), connection: connectionOf(context) };
}

function connectionOf(context: Context): string | undefined {
  try {
    return getConnInfo(context).remote.address;
  } catch {
    return undefined;
  }
}

/** The caller's request id when it has the allowed form, otherwise a new one; and the caller's address. */
export function identify(head: RequestHead, trustedProxies: number): Identity {
  const given = head.header("x-request-id");
  const isAllowed = given !== undefined && /^[A-Za-z0-9._-]{1,64}$/.test(given);
  return {
    requestId: isAllowed ? given : crypto.randomUUID(),
    address: addressOf(head, trustedProxies),
  };
}

// The connection's IP address, or behind that many trusted proxies what the outermost of them saw, without a port; "unknown" where there is
// neither. What is no IP address does not count; an IPv4 address that came over IPv6 is itself.
function addressOf(head: RequestHead, trustedProxies: number): string {
  const forwarded = trustedProxies > 0 ? forwardedFor(head, trustedProxies) : undefined;
  return readAddress(forwarded ?? "") ?? readAddress(head.connection ?? "") ?? "unknown";
}

function forwardedFor({ header }: RequestHead, trustedProxies: number): string | undefined {
  const seen = (header("x-forwarded-for") ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return seen[Math.max(0, seen.length - trustedProxies)];
}

// Some proxies add a port: 203.0.113.7:4711, [2001:db8::1]:443. What follows a % is a name of the sender's own for its interface.
function readAddress(entry: string): string | undefined {
  const [, inBrackets, beforePort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? [];
  const address = (inBrackets ?? beforePort ?? entry).replace(/%.*$/, "");
  if (!isIPv6(address)) return isIPv4(address) ? address : undefined;
  const network = networkOf(address);
  return isIPv4(network) ? network : address;
}
