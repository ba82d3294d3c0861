import { failureOf, type CheckInTicketOutput, type Ticket, type TicketKeys } from "@skyfox/sdk";
import { verifyTicket } from "@skyfox/sdk/tickets";
import { skyfox } from "../client.ts";

/** What is known of a ticket: by its signature, which needs no network, and by the server. */
export interface Checked {
  signature: { valid: true; ticket: Ticket } | { valid: false; reason: string };
  /** Undefined while the server cannot be reached. */
  answer: CheckInTicketOutput | undefined;
}

let known: Promise<TicketKeys> | undefined;

/** Checks a ticket at the door of a show, or of any show. Rejects when the server refuses the call itself. */
export async function checkTicket(ticket: string, showId: number | undefined): Promise<Checked> {
  const signature = await verify(ticket);
  const called = await skyfox.admin.checkInTicket.safe({ ticket, showId });
  if (called.ok) return { signature, answer: called.data };
  const { code, message } = called.error;
  if (code === "NETWORK" || code === "TIMEOUT") return { signature, answer: undefined };
  throw new Error(message);
}

async function verify(ticket: string): Promise<Checked["signature"]> {
  try {
    const found = await verifyTicket(ticket, await ticketKeys());
    // Signed with a newer key than those that were fetched.
    if (!found.valid && found.reason === "unknown-key")
      return await verifyTicket(ticket, await ticketKeys({ anew: true }));
    return found;
  } catch (error) {
    return { valid: false, reason: failureOf(error).message };
  }
}

/** The keys that tickets are checked with; kept, so that a door without a network has them. */
export async function ticketKeys({ anew = false } = {}): Promise<TicketKeys> {
  if (anew) known = undefined;
  known ??= skyfox.tickets.keys().catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return await known;
}
