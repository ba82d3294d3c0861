import { z } from "zod";
import { idSchema } from "./page.ts";

/** What a ticket's token carries, and nothing about any person. */
export const ticketSchema = z.strictObject({
  bookingId: idSchema,
  showId: idSchema,
  seatNumbers: z.array(z.string().min(1).max(10)).min(1),
});

/** The booking, the show and the seats that a ticket is for. */
export type Ticket = z.output<typeof ticketSchema>;

/** What `booking.ticketQr` answers: a PNG of 256 by 256 pixels whose QR code is the ticket's token. */
export const ticketQrSchema = z.object({
  mimeType: z.literal("image/png"),
  encoding: z.literal("base64"),
  data: z.string(),
});

/** The code that opens the door, as a picture; `data` is base64. */
export type TicketQr = z.output<typeof ticketQrSchema>;

/** What `booking.ticketPdf` answers: one A4 page to print, with the same code. */
export const ticketPdfSchema = z.object({
  mimeType: z.literal("application/pdf"),
  encoding: z.literal("base64"),
  data: z.string(),
});

/** The ticket to print; `data` is base64. */
export type TicketPdf = z.output<typeof ticketPdfSchema>;

/** A public key that ticket tokens verify with (RFC 8037), named by its thumbprint (RFC 7638). */
export const ticketKeySchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
});

/** What `GET /tickets/keys` answers: a JSON Web Key Set (RFC 7517), the key that signs now first. */
export const ticketKeysSchema = z.object({ keys: z.array(ticketKeySchema) });

/** The public keys that ticket tokens verify with. */
export type TicketKeys = z.output<typeof ticketKeysSchema>;
