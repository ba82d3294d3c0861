import { z } from "zod";
import { bookingSchema } from "./booking.ts";
import { checkInReasons, ticketReasons } from "./choices.ts";
import { maxCheckIns, maxTicketLength } from "./constants.ts";
import { idSchema, pageFields } from "./page.ts";
import { cinemaDateSchema } from "./show.ts";

/** What `admin.doorList` takes: a page, and a cinema date, a show or both; with neither it is today. */
export const doorListInput = z
  .strictObject({ ...pageFields, date: cinemaDateSchema.optional(), showId: idSchema.optional() })
  .prefault({});

/** Which bookings to list, with the default page size filled in. */
export type DoorListInput = z.output<typeof doorListInput>;

/** What `admin.checkIn` takes: one to `maxCheckIns` bookings. */
export const checkInInput = z.strictObject({
  bookingIds: z
    .array(idSchema)
    .min(1, "Name at least one booking.")
    .max(maxCheckIns, `At most ${maxCheckIns} bookings are checked in at once.`),
});

/** Which bookings to check in. */
export type CheckInInput = z.output<typeof checkInInput>;

/** What `admin.checkIn` answers: what became of each booking, in the order asked and each once. */
export const checkInOutput = z.object({
  checkedIn: z.array(idSchema),
  /** `by` is the username of the member of staff who checked the booking in, at `at`. */
  alreadyDone: z.array(z.object({ bookingId: idSchema, at: z.date(), by: z.string() })),
  invalid: z.array(z.object({ bookingId: idSchema, reason: z.enum(checkInReasons) })),
});

/** What became of each booking. */
export type CheckInOutput = z.output<typeof checkInOutput>;

/** What `admin.checkInTicket` takes: what was read from the code on the ticket, and the show at whose door it was read, if that matters. */
export const checkInTicketInput = z.strictObject({
  ticket: z.string().max(maxTicketLength, `A ticket has at most ${maxTicketLength} characters.`).trim(),
  showId: idSchema.optional(),
});

/** The ticket that was shown, and at which show's door. */
export type CheckInTicketInput = z.output<typeof checkInTicketInput>;

/** What `admin.checkInTicket` answers; a forged ticket tells of no booking. */
export const checkInTicketOutput = z.object({
  outcome: z.enum(["checkedIn", "alreadyDone", "invalid"]),
  /** Of an invalid ticket. */
  reason: z.enum(ticketReasons).optional(),
  booking: bookingSchema.optional(),
  /** When and by whom the ticket was used before, of one that is `alreadyDone`. */
  at: z.date().optional(),
  by: z.string().optional(),
});

/** What became of a ticket. */
export type CheckInTicketOutput = z.output<typeof checkInTicketOutput>;
