import type { Ticket, TicketKeys } from "@skyfox/server/contract";
import { ticketTokenType } from "@skyfox/server/contract/plain";
import { compactVerify, errors, importJWK } from "jose";
import { readKeys } from "./ticket-keys.ts";

/** What `verifyTicket` found: the ticket, or why the token is none. */
export type TicketVerification = { valid: true; ticket: Ticket } | { valid: false; reason: TicketFault };

/**
 * Why a token is no ticket. `unknown-key`: signed with a key that is not among these; fetch the keys again before you refuse the ticket.
 * `forged`: the signature is not that of the key. `malformed`: no ticket's token at all, such as the token of a session.
 */
export type TicketFault = "unknown-key" | "forged" | "malformed";

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
  const known = readKeys(keys)?.keys ?? [];
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
  return isTicket(json) ? json : undefined;
}

function isTicket(json: unknown): json is Ticket {
  if (typeof json !== "object" || json === null || Object.keys(json).length !== 3) return false;
  const { bookingId, showId, seatNumbers } = json as Record<string, unknown>;
  return isId(bookingId) && isId(showId) && isFilled(seatNumbers) && seatNumbers.every(isSeatNumber);
}

function isId(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isFilled(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function isSeatNumber(value: unknown): boolean {
  return typeof value === "string" && value.length >= 1 && value.length <= 10;
}
