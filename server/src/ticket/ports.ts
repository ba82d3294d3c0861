import type { Booking, Ticket, TicketKeys } from "../contract/index.ts";

/** Ticket tokens; everyone with the public keys can verify them. */
export interface TicketTokens {
  /** The token of a ticket; the same each time while the key is the same. */
  sign(ticket: Ticket): Promise<string>;
  /** The ticket of a token of ours; undefined when it is forged, malformed, of another purpose or of an unknown key. */
  verify(token: string): Promise<Ticket | undefined>;
  /** The public keys, the one that signs first. */
  keys(): Promise<TicketKeys>;
}

/** All that a printed ticket says. */
export interface TicketContents {
  booking: Booking;
  token: string;
  cinemaName: string;
  cinemaTimeZone: string;
  /** ISO 4217. */
  currency: string;
}

/** Prints tickets. */
export interface TicketPrinter {
  /** A PDF of one A4 page, the same for the same contents. Throws `RATE_LIMITED` when too many wait for theirs already. */
  print(contents: TicketContents): Promise<Buffer>;
}
