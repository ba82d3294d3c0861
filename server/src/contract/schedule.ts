import { z } from "zod";
import { seatTypes } from "./choices.ts";
import {
  firstScreenId,
  maxScreenName,
  maxScreenRows,
  maxSeatNumber,
  maxSeatsPerRow,
  maxSeatsPerScreen,
  maxShowCost,
} from "./constants.ts";
import { sentAmountSchema } from "./amounts.ts";
import { Decimal } from "./money.ts";
import { idSchema, noInput } from "./page.ts";
import { cinemaDateSchema, movieSchema, showSchema, slotSchema } from "./show.ts";

/** What `admin.movies` takes: nothing. */
export const moviesInput = noInput;

/** What `admin.movies` answers: every film of the movie service. */
export const moviesOutput = z.array(movieSchema);

/** What `admin.slots` takes: a cinema date (by default today) and a screen (by default the first one). */
export const freeSlotsInput = z
  .strictObject({
    /** A cinema date, `YYYY-MM-DD`; left out for today. */
    date: cinemaDateSchema.optional(),
    /** The screen, by the `id` of `admin.screens`; left out for the first one. */
    screenId: idSchema.default(firstScreenId),
  })
  .prefault({});

/** The day and the screen whose free slots are asked for. */
export type FreeSlotsInput = z.output<typeof freeSlotsInput>;

/** What `admin.allSlots` takes: nothing. */
export const allSlotsInput = noInput;

/** What `admin.slots` and `admin.allSlots` answer: slots by start. */
export const slotsOutput = z.array(slotSchema);

/** What a show costs: more than nothing and at most `maxShowCost`; breaking that is `INVALID_COST`. */
export const showCostSchema = sentAmountSchema.superRefine((cost, context) => {
  if (!(cost instanceof Decimal)) return;
  const max = new Decimal(maxShowCost);
  if (cost.greaterThan(0) && cost.lessThanOrEqualTo(max)) return;
  const domain = { code: "INVALID_COST", details: { max } };
  const message = `A show costs more than zero and at most ${maxShowCost}.`;
  context.addIssue({ code: "custom", message, params: { domain } });
});

/** What `admin.createShow` takes: the film by its IMDb id, the day, the slot, what a Standard seat costs, and the screen. */
export const createShowInput = z.strictObject({
  /** The film, by its IMDb id as `admin.movies` has it. */
  movieId: z.string(),
  /** The cinema date, `YYYY-MM-DD`. */
  date: cinemaDateSchema,
  /** The part of the day, by the `id` of `admin.slots`. */
  slotId: idSchema,
  /** What a Standard seat costs, more than 0 and at most 3000.00; a Deluxe seat costs 150.00 more. */
  cost: showCostSchema,
  /** The screen, by the `id` of `admin.screens`; left out for the first one. */
  screenId: idSchema.default(firstScreenId),
});

/** A show to schedule. */
export type CreateShowInput = z.output<typeof createShowInput>;

/** What `admin.createShow` answers: the show, and what may be wrong with it, in sentences. */
export const scheduledShowSchema = showSchema.extend({
  /** What may be wrong with the show, in sentences, such as a film that is longer than the slot; empty when nothing is. */
  warnings: z.array(z.string()),
});

/** A show that was just scheduled. */
export type ScheduledShow = z.output<typeof scheduledShowSchema>;

/** What `admin.screens` takes: nothing. */
export const screensInput = noInput;

/** A screen and how many seats it has. */
export const screenSchema = z.object({
  /** Names the screen in other calls. */
  id: idSchema,
  /** The screen's name, as on the ticket. */
  name: z.string(),
  /** How many seats it has. */
  capacity: z.int(),
});

/** A screen and how many seats it has. */
export type Screen = z.output<typeof screenSchema>;

/** What `admin.screens` answers: every screen, the oldest first. */
export const screensOutput = z.array(screenSchema);

/** A screen's name: 1 to 50 characters, with single spaces between its words. */
const screenNameSchema = z
  .string()
  .transform((name) => name.normalize("NFC").trim().replaceAll(/\s+/gu, " "))
  .refine((name) => name !== "", "The screen needs a name.")
  .refine((name) => Array.from(name).length <= maxScreenName, `At most ${maxScreenName} characters.`)
  .refine((name) => name === "" || isVisible(name), "The name has characters that cannot be seen.");

// Joiners shape what is between letters; elsewhere they only hide.
function isVisible(name: string): boolean {
  const hidden = /[[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d]]/v;
  const strayJoiner = /(?<![\p{L}\p{M}])[\u200c\u200d]|[\u200c\u200d](?!\p{L})/u;
  return !hidden.test(name) && !strayJoiner.test(name) && /[\p{L}\p{N}\p{P}\p{S}]/u.test(name);
}

const seatSchema = z.strictObject({
  /** The seat's number in its row, 1 to 99; a number that is missing is an aisle. */
  number: z.int().min(1).max(maxSeatNumber),
  /** The kind of the seat, which decides its price. */
  type: z.enum(seatTypes),
});

const rowSchema = z.strictObject({
  /** The row's letter or two letters, `A` to `ZZ`. */
  row: z.string().regex(/^[A-Z]{1,2}$/, "A row is named by one or two letters, A to ZZ."),
  /** The row's seats, 1 to 60. */
  seats: z
    .array(seatSchema)
    .min(1, "A row has at least one seat.")
    .max(maxSeatsPerRow, `A row has at most ${maxSeatsPerRow} seats.`),
});

/** What `admin.createScreen` takes: a name that no screen has, and a layout: rows of any length, with any numbers missing. */
export const createScreenInput = z.strictObject({
  /** 1 to 50 characters; no other screen has it. */
  name: screenNameSchema,
  /** The rows from the front of the hall to the back, 1 to 52, with at most 1,000 seats in all. */
  rows: z
    .array(rowSchema)
    .min(1, "A screen has at least one row.")
    .max(maxScreenRows, `A screen has at most ${maxScreenRows} rows.`)
    .superRefine((rows, context) => {
      const report = (path: (string | number)[], message: string) =>
        context.addIssue({ code: "custom", path, message });
      for (const [index, { row, seats }] of rows.entries()) {
        if (rows.findIndex((other) => other.row === row) < index)
          report([index, "row"], `There is a row ${row} already.`);
        const numbers = seats.map(({ number }) => number);
        for (const [position, number] of numbers.entries()) {
          if (numbers.indexOf(number) < position)
            report([index, "seats", position, "number"], `There is a seat ${row}${number} already.`);
        }
      }
      if (rows.reduce((sum, { seats }) => sum + seats.length, 0) > maxSeatsPerScreen)
        report([], `A screen has at most ${maxSeatsPerScreen} seats.`);
    }),
});

/** A screen to add: its name with single spaces, and its layout. */
export type CreateScreenInput = z.output<typeof createScreenInput>;
