import { createPublicKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, CompactSign, compactVerify, exportJWK } from "jose";
import { readBase64url } from "../runtime/base64url.ts";
import { ticketKeySchema, ticketSchema, ticketTokenType, type TicketKeys } from "../contract/index.ts";
import type { Ticket } from "../contract/index.ts";
import type { TicketTokens } from "./ports.ts";
import type { TicketSigningKeys } from "./ticket-keys.ts";

const algorithm = "EdDSA";

/** A token of at most this length is looked at; ours are far shorter. */
const maxTokenLength = 2_000;

/** Ticket tokens: compact JWS (RFC 7515) by Ed25519 with the key's id and a type of their own. The same ticket has the same token. */
export function createTicketTokens({ signing, retired }: TicketSigningKeys): TicketTokens {
  const known = Promise.all([createPublicKey(signing), ...retired].map(publish));
  // Callers get the failure; without a caller it must not become an unhandled rejection.
  known.catch(() => {});

  return {
    async sign({ bookingId, showId, seatNumbers }) {
      const [current] = await known;
      if (current === undefined) throw new Error("There is no key to sign tickets with.");
      const { kid } = current.jwk;
      return await new CompactSign(Buffer.from(JSON.stringify({ bookingId, showId, seatNumbers })))
        .setProtectedHeader({ alg: algorithm, kid, typ: ticketTokenType })
        .sign(signing);
    },

    async verify(token) {
      const keys = await known;
      try {
        if (token.length > maxTokenLength) return undefined;
        // The last character of a signature has bits that mean nothing: without this a token could be written in several ways.
        if (readBase64url(token.slice(token.lastIndexOf(".") + 1)) === undefined) return undefined;
        const { payload, protectedHeader } = await compactVerify(
          token,
          ({ kid }) => {
            const found = keys.find(({ jwk }) => jwk.kid === kid);
            if (found === undefined) throw new Error("The key is not ours.");
            return found.key;
          },
          { algorithms: [algorithm] },
        );
        return protectedHeader.typ === ticketTokenType ? readTicket(payload) : undefined;
      } catch {
        return undefined;
      }
    },

    async keys() {
      const keys = new Map((await known).map(({ jwk }) => [jwk.kid, jwk]));
      return { keys: [...keys.values()] };
    },
  };
}

async function publish(key: KeyObject): Promise<{ key: KeyObject; jwk: TicketKeys["keys"][number] }> {
  const jwk = await exportJWK(key);
  const kid = await calculateJwkThumbprint(jwk);
  // The schema lets through what is public and nothing else.
  return { key, jwk: ticketKeySchema.parse({ ...jwk, kid, alg: algorithm, use: "sig" }) };
}

function readTicket(payload: Uint8Array): Ticket | undefined {
  const json: unknown = JSON.parse(new TextDecoder().decode(payload));
  return ticketSchema.safeParse(json).data;
}
