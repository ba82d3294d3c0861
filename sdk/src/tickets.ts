import {
  ticketKeySchema,
  ticketKeysSchema,
  ticketSchema,
  ticketTokenType,
  type Ticket,
  type TicketKeys,
} from "@skyfox/server/contract";
import { compactVerify, errors, importJWK } from "jose";
import type { GetPlain } from "./plain-calls.ts";

/** What `verifyTicket` found: the ticket, or why the token is none. */
export type TicketVerification = { valid: true; ticket: Ticket } | { valid: false; reason: TicketFault };

/**
 * Why a token is no ticket. `unknown-key`: signed with a key that is not among these; fetch the keys again before you refuse the ticket.
 * `forged`: the signature is not that of the key. `malformed`: no ticket's token at all, such as the token of a session.
 */
export type TicketFault = "unknown-key" | "forged" | "malformed";

/** What belongs to tickets beside their procedures. */
export interface TicketCalls {
  /**
   * The public keys that `verifyTicket` takes. Keep them as long as you like, and ask again when a token names an `unknown-key`. Rejects like
   * a procedure when SkyFox refuses, and is not repeated.
   */
  keys(options?: { signal?: AbortSignal | undefined }): Promise<TicketKeys>;
}

/** The calls about tickets of a client. */
export function ticketCalls(get: GetPlain): TicketCalls {
  return {
    async keys({ signal } = {}) {
      return await get({ name: "tickets.keys", path: "/tickets/keys", signal }, async (response) => {
        const body: unknown = await response.json().catch((error: unknown) => {
          // Not what broke off on its way.
          if (!(error instanceof SyntaxError)) throw error;
        });
        return ticketKeysSchema.safeParse(body).data;
      });
    },
  };
}

const algorithm = "EdDSA";
const maxTokenLength = 2_000;

class UnknownKey extends Error {}
class NoEd25519 extends Error {}

/**
 * Verifies the token of a ticket's QR code with the keys of `client.tickets.keys()`, without a network. No token makes it throw; only a runtime
 * without Ed25519 does. Valid means that the cinema has sold that ticket: whether it was used, given back or is for another show, only the server
 * knows.
 */
export async function verifyTicket(token: string, keys: TicketKeys): Promise<TicketVerification> {
  // Scanners write a line break behind what they read.
  const text = typeof token === "string" ? token.trim() : "";
  if (text.length > maxTokenLength || !isCanonical(text)) return { valid: false, reason: "malformed" };
  const known = listKeys(keys);
  try {
    const { payload, protectedHeader } = await compactVerify(
      text,
      async ({ kid }) => {
        const key = known.find((one) => one.kid === kid);
        if (key === undefined) throw new UnknownKey();
        return await importJWK(key, algorithm).catch((cause: unknown) => {
          // What the key says is no point on the curve.
          if (cause instanceof Error && cause.name === "DataError") throw new UnknownKey();
          throw new NoEd25519("Tickets cannot be verified here: this runtime has no Ed25519.", { cause });
        });
      },
      { algorithms: [algorithm] },
    );
    const ticket = protectedHeader.typ === ticketTokenType ? readTicket(payload) : undefined;
    return ticket === undefined ? { valid: false, reason: "malformed" } : { valid: true, ticket };
  } catch (error) {
    if (error instanceof NoEd25519) throw error;
    return { valid: false, reason: reasonOf(error) };
  }
}

// Keys of another kind cannot sign tickets, and are skipped (RFC 7517, section 5).
function listKeys(set: unknown): TicketKeys["keys"] {
  const keys = typeof set === "object" && set !== null && "keys" in set ? set.keys : undefined;
  return Array.isArray(keys) ? keys.flatMap((key) => ticketKeySchema.safeParse(key).data ?? []) : [];
}

function reasonOf(error: unknown): TicketFault {
  if (error instanceof UnknownKey) return "unknown-key";
  return error instanceof errors.JWSSignatureVerificationFailed ? "forged" : "malformed";
}

// Of 86 characters the last has four bits that mean nothing; the server writes them as zeros, and accepts no other way.
function isCanonical(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/.test(token);
}

function readTicket(payload: Uint8Array): Ticket | undefined {
  const json: unknown = JSON.parse(new TextDecoder().decode(payload));
  return ticketSchema.safeParse(json).data;
}
