import { z } from "zod";
import { bookingSchema } from "./booking.ts";
import { checkInReasons, ticketReasons } from "./choices.ts";
import { maxCheckIns, maxTicketLength } from "./constants.ts";
import { idSchema, pageFields } from "./page.ts";
import { cinemaDateSchema } from "./show.ts";

/** What `admin.doorList` takes: a page, and a cinema date, a show or both; with neither it is today. */
export const doorListInput = z
  .strictObject({
    ...pageFields,
    /** A cinema date, `YYYY-MM-DD`; left out, today's unless a show is named. */
    date: cinemaDateSchema.optional(),
    /** The one show to list. */
    showId: idSchema.optional(),
  })
  .prefault({});

/** Which bookings to list, with the default page size filled in. */
export type DoorListInput = z.output<typeof doorListInput>;

/** What `admin.checkIn` takes: one to `maxCheckIns` bookings. */
export const checkInInput = z.strictObject({
  /** The bookings to let in, 1 to 200 in one call. */
  bookingIds: z
    .array(idSchema)
    .min(1, "Name at least one booking.")
    .max(maxCheckIns, `At most ${maxCheckIns} bookings are checked in at once.`),
});

/** Which bookings to check in. */
export type CheckInInput = z.output<typeof checkInInput>;

/** What `admin.checkIn` answers: what became of each booking, in the order asked and each once. */
export const checkInOutput = z.object({
  /** Bookings that were let in by this call. */
  checkedIn: z.array(idSchema),
  /** Bookings that were let in before. */
  alreadyDone: z.array(
    z.object({
      /** The booking that was let in before. */
      bookingId: idSchema,
      /** When it was let in. */
      at: z.date(),
      /** The username of the member of staff who let it in. */
      by: z.string(),
    }),
  ),
  /** Bookings that are not let in. */
  invalid: z.array(
    z.object({
      /** The booking that is not let in. */
      bookingId: idSchema,
      /** Why it is not let in. */
      reason: z.enum(checkInReasons),
    }),
  ),
});

/** What became of each booking. */
export type CheckInOutput = z.output<typeof checkInOutput>;

/** What `admin.checkInTicket` takes: what was read from the code on the ticket, and the show at whose door it was read, if that matters. */
export const checkInTicketInput = z.strictObject({
  /** What was read from the code, at most 4,296 characters. */
  ticket: z.string().max(maxTicketLength, `A ticket has at most ${maxTicketLength} characters.`).trim(),
  /** The show at whose door it was read; a ticket for another show is `WRONG_SHOW` then. */
  showId: idSchema.optional(),
});

/** The ticket that was shown, and at which show's door. */
export type CheckInTicketInput = z.output<typeof checkInTicketInput>;

/** What `admin.checkInTicket` answers; a forged ticket tells of no booking. */
export const checkInTicketOutput = z.object({
  /** `checkedIn` opens the door; `alreadyDone` was let in before. */
  outcome: z.enum(["checkedIn", "alreadyDone", "invalid"]),
  /** Why an invalid ticket is not let in. */
  reason: z.enum(ticketReasons).optional(),
  /** The booking of the ticket; left out where the ticket tells of none. */
  booking: bookingSchema.optional(),
  /** When it was let in before, of one that is `alreadyDone`. */
  at: z.date().optional(),
  /** The username of the member of staff who let it in before. */
  by: z.string().optional(),
});

/** What became of a ticket. */
export type CheckInTicketOutput = z.output<typeof checkInTicketOutput>;
