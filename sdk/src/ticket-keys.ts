import type { TicketKeys } from "@skyfox/server/contract";
import { plainCall, type GetPlain, type PlainCall, type PlainCallOptions } from "./plain-calls.ts";
import { lose, readJson } from "./timeout.ts";

/** What belongs to tickets beside their procedures. */
export interface TicketCalls {
  /**
   * The public keys that `verifyTicket` takes. Keep them as long as you like, and ask again when a token names an `unknown-key`. Rejects like
   * a procedure when SkyFox refuses, and is not repeated.
   */
  keys: PlainCall<"tickets.keys", PlainCallOptions>;
}

/** The calls about tickets of a client. */
export function ticketCalls(get: GetPlain): TicketCalls {
  return {
    keys: plainCall(async (options) => {
      return await get({ name: "tickets.keys", path: "/tickets/keys", ...options }, async (response) => {
        const body: unknown = await readJson(response).catch((error: unknown) => {
          // Not what broke off on its way.
          if (!(error instanceof SyntaxError)) return lose(error, response);
        });
        return readKeys(body);
      });
    }),
  };
}

/**
 * The keys of a set that can have signed tickets; those of another kind are skipped (RFC 7517, section 5). Undefined when it is no set of keys.
 * Written by hand, since zod would be most of the bundle.
 */
export function readKeys(set: unknown): TicketKeys | undefined {
  const keys: unknown = typeof set === "object" && set !== null && "keys" in set ? set.keys : undefined;
  return Array.isArray(keys) ? { keys: keys.filter(isTicketKey) } : undefined;
}

function isTicketKey(key: unknown): key is TicketKeys["keys"][number] {
  if (typeof key !== "object" || key === null) return false;
  const { kty, crv, x, kid, alg, use } = key as Record<string, unknown>;
  return (
    kty === "OKP" &&
    crv === "Ed25519" &&
    alg === "EdDSA" &&
    use === "sig" &&
    typeof x === "string" &&
    typeof kid === "string"
  );
}
