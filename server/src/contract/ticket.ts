import { z } from "zod";
import { idSchema } from "./page.ts";

/** What a ticket's token carries, and nothing about any person. */
export const ticketSchema = z.strictObject({
  /** The booking that the ticket is for. */
  bookingId: idSchema,
  /** The show that it lets in to. */
  showId: idSchema,
  /** The seats, such as `A1`. */
  seatNumbers: z.array(z.string().min(1).max(10)).min(1),
});

/** The booking, the show and the seats that a ticket is for. */
export type Ticket = z.output<typeof ticketSchema>;

/** What `booking.ticketQr` answers: a PNG of 256 by 256 pixels whose QR code is the ticket's token. */
export const ticketQrSchema = z.object({
  /** Always a PNG. */
  mimeType: z.literal("image/png"),
  /** How `data` is written. */
  encoding: z.literal("base64"),
  /** The picture's bytes in base64. */
  data: z.string(),
});

/** The code that opens the door, as a picture; `data` is base64. */
export type TicketQr = z.output<typeof ticketQrSchema>;

/** What `booking.ticketPdf` answers: one A4 page to print, with the same code. */
export const ticketPdfSchema = z.object({
  /** Always a PDF. */
  mimeType: z.literal("application/pdf"),
  /** How `data` is written. */
  encoding: z.literal("base64"),
  /** The page's bytes in base64. */
  data: z.string(),
});

/** The ticket to print; `data` is base64. */
export type TicketPdf = z.output<typeof ticketPdfSchema>;

/** A public key that ticket tokens verify with (RFC 8037), named by its thumbprint (RFC 7638). */
export const ticketKeySchema = z.object({
  /** The key's family in RFC 8037. */
  kty: z.literal("OKP"),
  /** The curve, Ed25519. */
  crv: z.literal("Ed25519"),
  /** The public key in base64url. */
  x: z.string(),
  /** The key's thumbprint (RFC 7638), which a ticket's header names. */
  kid: z.string(),
  /** The algorithm of the signature. */
  alg: z.literal("EdDSA"),
  /** What the key is for: signatures. */
  use: z.literal("sig"),
});

/** What `GET /tickets/keys` answers: a JSON Web Key Set (RFC 7517), the key that signs now first. */
export const ticketKeysSchema = z.object({
  /** The key that signs now first, then earlier ones whose tickets are still good. */
  keys: z.array(ticketKeySchema),
});

/** The public keys that ticket tokens verify with. */
export type TicketKeys = z.output<typeof ticketKeysSchema>;
