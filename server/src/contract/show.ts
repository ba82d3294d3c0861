import { z } from "zod";
import { amountSchema } from "./amounts.ts";
import { seatStatuses, seatTypes } from "./choices.ts";
import { idSchema, noInput } from "./page.ts";

/** A date in the cinema's zone, `YYYY-MM-DD`, that exists in the calendar; there was no year 0000. */
export const cinemaDateSchema = z.iso
  .date("Expected a date as YYYY-MM-DD.")
  .refine((date) => date >= "0001-01-01", "Expected a date as YYYY-MM-DD.");

/** A time of day in the cinema's zone. */
const cinemaTime = z.string().regex(/^\d{2}:\d{2}$/);

/** A film as it was when its show was scheduled; texts are empty and the runtime is 0 until the movie service has answered. */
export const movieSchema = z.object({
  movieId: z.string(),
  title: z.string(),
  runtimeMinutes: z.int(),
  plot: z.string(),
  imdbRating: z.string().nullable(),
  posterUrl: z.string(),
  genres: z.array(z.string()),
});

/** A film that can be shown. */
export type Movie = z.output<typeof movieSchema>;

/** A part of the day in which one show fits; its times are in the cinema's zone. One that ends at or before its start ends on the next day. */
export const slotSchema = z.object({
  id: idSchema,
  name: z.string(),
  startTime: cinemaTime,
  endTime: cinemaTime,
});

/** A part of the day in which one show fits. */
export type Slot = z.output<typeof slotSchema>;

/** One screening. `startsAt` and `endsAt` are instants; `date` and the slot's times are in the cinema's zone. */
export const showSchema = z.object({
  id: idSchema,
  screen: z.object({ id: idSchema, name: z.string() }),
  movie: movieSchema,
  slot: slotSchema,
  date: cinemaDateSchema,
  startsAt: z.date(),
  endsAt: z.date(),
  cost: amountSchema,
  availableSeats: z.int(),
  cancelledAt: z.date().nullable(),
});

/** One screening with its film, screen, slot, base price and the number of seats that are free now. */
export type Show = z.output<typeof showSchema>;

/** Every seat of a show, rows in order. `version` only grows; prices are per seat type. */
export const seatMapSchema = z.object({
  showId: idSchema,
  version: z.int(),
  prices: z.object({ Standard: amountSchema, Deluxe: amountSchema }),
  rows: z.array(
    z.object({
      row: z.string(),
      seats: z.array(
        z.object({
          seatNumber: z.string(),
          column: z.int(),
          type: z.enum(seatTypes),
          status: z.enum(seatStatuses),
        }),
      ),
    }),
  ),
});

/** Every seat of one show with its kind and state, rows in order, as of `version`. */
export type SeatMap = z.output<typeof seatMapSchema>;

/** Adjacent free seats in one row, from left to right, and what they cost together. */
export const bestSeatsSchema = z.object({ seatNumbers: z.array(z.string()), amountDue: amountSchema });

/** The best seats that are free, and what they cost. */
export type BestSeats = z.output<typeof bestSeatsSchema>;

/** What `show.bestAvailable` answers: the best seats, or null when no row has so many free ones side by side. */
export const bestAvailableOutput = bestSeatsSchema.nullable();

/** What `show.cinema` takes: nothing. */
export const cinemaInput = noInput;

/** What `show.cinema` answers: `now` is the server's time, `today` the date in the cinema's zone, `currency` a code of ISO 4217. */
export const cinemaOutput = z.object({
  name: z.string(),
  timeZone: z.string(),
  currency: z.string(),
  today: cinemaDateSchema,
  now: z.date(),
  holdSeconds: z.int(),
  maxSeatsPerBooking: z.int(),
  maxLiveHolds: z.int(),
});

/** The cinema as its pages show it. */
export type Cinema = z.output<typeof cinemaOutput>;

/** What `show.list` takes: a cinema date; left out, today's in the cinema's zone. */
export const listShowsInput = z.strictObject({ date: cinemaDateSchema.optional() }).prefault({});

/** The cinema date asked for, if one was. */
export type ListShowsInput = z.output<typeof listShowsInput>;

/** What `show.byId` and `show.seatMap` take. */
export const showIdInput = z.strictObject({ showId: idSchema });

/** The one show that a call is about. */
export type ShowIdInput = z.output<typeof showIdInput>;

/** What `show.watchSeatMap` takes: a show, and the id of the last event that the caller has seen of it, whatever its form. */
export const watchSeatMapInput = z.strictObject({
  showId: idSchema,
  lastEventId: z.string().max(100).optional(),
});

/** The show to watch, and after which event. */
export type WatchSeatMapInput = z.output<typeof watchSeatMapInput>;

/**
 * What `show.watchSeatMap` yields. Put the seats of `changed` into the seat map that you have; one of these may have the map's version already,
 * since a hold whose time is over frees its seats before that is written. A `snapshot` comes first, unless only changes were missed, and
 * again when too much was. `cancelled` and `ended` are the last.
 */
export const seatMapEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("snapshot"), seatMap: seatMapSchema }),
  z.object({
    type: z.literal("changed"),
    version: z.int(),
    seats: z.array(z.object({ seatNumber: z.string(), status: z.enum(seatStatuses) })),
  }),
  z.object({ type: z.literal("cancelled"), reason: z.string() }),
  z.object({ type: z.literal("ended") }),
]);

/** What happens to a seat map that is watched; `switch` over its `type`. */
export type SeatMapEvent = z.output<typeof seatMapEventSchema>;
