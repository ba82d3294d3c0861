import type { Context } from "hono";
import type { TicketTokens } from "../ticket/ports.ts";
import type { AppEnv } from "./caller.ts";

// Short enough that doors know a new key soon after it begins to sign.
const maxAgeSeconds = 300;

/** Tells the public keys of tickets, so that tokens can be verified elsewhere, also without a network. */
export function createTicketKeysHandler(tickets: TicketTokens) {
  return async (context: Context<AppEnv>): Promise<Response> => {
    context.header("cache-control", `private, max-age=${maxAgeSeconds}`);
    return context.json(await tickets.keys());
  };
}
